from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from core.clock import HOUR, parse_time
from core.datasets import ingest, rows
from core.desk import Desk
from core.registry import versions
from core.registry.reproduce import first_difference, reproduce
from core.training.job import train

Tocsin = Callable[..., tuple[int, str, str]]
CHOICES: list[dict[str, Any]] = [
    {},
    {"label": "delay>=3", "early_stopping": 3, "rounds": 60, "class_weight": "balanced", "monotone": {"x": 1}},
    {"label": "kind", "class_weight": {"b": 2.5}, "folds": 2, "gap": "2d"},
    {"label": "delay", "split": "grouped", "group": "who", "param": {"num_leaves": 7, "bagging_freq": 1}},
    {"label": "late", "split": "stratified", "seed": 9, "encode": {"hour": 24}, "exclude": ["z"]},
    {"label": "late", "holdout_from": "2013-01-25", "param": {"bagging_fraction": 0.5, "bagging_freq": 1}},
]


def quiet(share: float, text: str = "") -> None:
    return None


@pytest.fixture
def data(desk: Desk, tmp_path: Path) -> str:
    draw = np.random.default_rng(1)
    x = draw.normal(size=800)
    delay = 5 * x + draw.normal(size=800)
    table = {
        "at": pa.array(parse_time("2013-01-01") + np.arange(800) * HOUR, pa.timestamp("us", "UTC")),
        "x": x,
        "z": draw.normal(size=800),
        "hour": np.arange(800) % 24,
        "who": [f"p{place}" for place in draw.integers(0, 40, 800)],
        "delay": delay,
        "kind": np.select([delay < -2, delay < 2], ["a", "b"], "c").tolist(),
        "late": (delay > 1).astype(int),
    }
    pyarrow.csv.write_csv(pa.table(table), tmp_path / "d.csv")
    ingest.add(desk, tmp_path / "d.csv", dataset="d", time_column="at", label="late")
    return "d"


@pytest.mark.parametrize("choice", CHOICES)
def test_a_version_made_again_is_the_same_file_whatever_was_chosen(
    desk: Desk, data: str, choice: dict[str, Any]
) -> None:
    train(desk, {"model": "m", "dataset": data, "rounds": 6, **choice}, quiet)
    found = reproduce(desk, "m", 1, quiet)
    assert found.identical, found.differences
    assert found.differences == ()
    assert len(versions.versions(desk.store, "m")) == 1


def test_the_contract_of_today_does_not_change_a_version_of_yesterday(desk: Desk, data: str) -> None:
    train(desk, {"model": "m", "dataset": data, "rounds": 6, "exclude": ["delay", "kind"]}, quiet)
    with desk.write() as tx:
        tx.execute("UPDATE contract SET spec = replace(spec, '\"feature\"', '\"other\"')")
    assert not rows.contract(desk.store, data).contract.used_as("feature")
    assert reproduce(desk, "m", 1, quiet).identical


def test_what_differs_is_named_from_the_outside_in(desk: Desk, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    train(desk, {"model": "m", "dataset": data, "rounds": 6}, quiet)
    with desk.write() as tx:
        tx.execute("UPDATE model_version SET environment = json_set(environment, '$.numpy', '0.1'), code = 'elsewhere'")
        tx.execute("UPDATE model_version SET parameters = json_set(parameters, '$.param', json('{\"num_leaves\": 3}'))")
    found = reproduce(desk, "m", 1, quiet)
    assert not found.identical
    assert found.differences[0].startswith("environment: numpy was 0.1")
    assert found.differences[1].startswith("code: it was elsewhere")
    assert found.differences[2] == "booster: it differs at tree 0"


def test_a_snapshot_that_is_gone_is_said(desk: Desk, data: str, tocsin: Tocsin) -> None:
    train(desk, {"model": "m", "dataset": data, "rounds": 6}, quiet)
    blob = desk.blobs.path(rows.snapshot(desk.store, data).blob)
    blob.chmod(0o600)
    blob.unlink()
    found = reproduce(desk, "m", 1, quiet)
    assert (found.identical, found.again) == (False, "")
    assert "cannot be trained again" in found.differences[0]


def test_the_first_difference_of_two_files_is_found_where_it_is(desk: Desk, data: str) -> None:
    train(desk, {"model": "m", "dataset": data, "rounds": 6}, quiet)
    artefact = versions.load_artefact(desk, "m")
    content, plain = artefact.to_bytes(), json.loads(artefact.to_bytes())
    trees = plain["booster"].split("\nTree=")
    plain["booster"] = "\nTree=".join([*trees[:4], trees[4].replace("leaf_value=", "leaf_value=9"), *trees[5:]])
    assert first_difference(content, json.dumps(plain).encode()) == "booster: it differs at tree 3"
    plain = json.loads(content)
    plain["reference"]["features"]["x"]["counts"][5] += 1
    said = first_difference(content, json.dumps(plain).encode())
    assert said == "model file: reference.features.x.counts differs"
    assert "missing" in first_difference(None, content)


def test_the_exit_code_says_whether_it_is_identical(desk: Desk, data: str, tocsin: Tocsin) -> None:
    train(desk, {"model": "m", "dataset": data, "rounds": 6}, quiet)
    code, out, _ = tocsin("model", "reproduce", "m", "1", "--json")
    assert code == 0
    assert json.loads(out)["identical"] is True
    with desk.write() as tx:
        tx.execute("UPDATE model_version SET parameters = json_set(parameters, '$.seed', 5, '$.rounds', 5)")
    code, out, err = tocsin("model", "reproduce", "m", "1")
    assert code == 1
    assert "booster: it had 6 trees and has 5" in out
    assert "not reproduced" in err
    assert tocsin("model", "reproduce", "m", "9")[0] == 3
