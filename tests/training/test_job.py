from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.clock import parse_time
from core.datasets import load, rows
from core.desk import Desk
from core.errors import BadInput, NotFound, StoreUnusable
from core.features.view import compile_view
from core.ledger import timeline
from core.registry import versions
from core.training.booster import load_booster, score_table
from core.training.job import train

Add = Callable[..., str]


def fit(desk: Desk, **args: Any) -> dict[str, Any]:
    request = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 15, **args}
    return train(desk, request, lambda share, text="": None)


def test_a_snapshot_becomes_a_candidate_with_metrics_of_a_later_hold_out(desk: Desk, add: Add) -> None:
    add()
    told: list[float] = []
    request = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 15}
    result = train(desk, request, lambda share, text="": told.append(share))
    version = versions.version(desk.store, "flights", result["version"])
    assert version.stage == "candidate"
    assert 0.7 < version.metrics["auc_low"] < version.metrics["auc"] < version.metrics["auc_high"] < 1
    assert version.metrics["fit_rows"] + version.metrics["n"] == version.metrics["rows"] == 890
    assert version.metrics["unlabelled"] == 10
    assert told == sorted(told)
    assert told[-1] == 1
    [event] = timeline(desk.store, kinds=["model.registered"])
    assert (event.model, event.version, event.data["snapshot"]) == ("flights", 1, "flights/1")
    assert event.data["artefact"] == version.artefact


def test_the_model_file_holds_the_reference_of_all_labelled_rows(desk: Desk, add: Add) -> None:
    add()
    fit(desk, encode={"minute": 1440})
    artefact = versions.load_artefact(desk, "flights", 1)
    assert [column.name for column in artefact.view] == ["x", "minute.sin", "minute.cos", "carrier"]
    assert artefact.reference.rows == sum(artefact.reference.labels) == 890
    assert artefact.reference.days == 38
    assert all(sum(entry.counts) == 890 for entry in artefact.reference.features.values())
    assert sum(artefact.reference.score) == versions.version(desk.store, "flights").metrics["n"]
    assert set(artefact.importance) == {column.name for column in artefact.view}


def test_serving_one_row_scores_as_scoring_the_table_does(desk: Desk, add: Add) -> None:
    table = load.load(desk, rows.snapshot(desk.store, add()))
    fit(desk, encode={"minute": 1440})
    artefact = versions.load_artefact(desk, "flights")
    row, booster = compile_view(artefact), load_booster(artefact)
    single = [booster.predict([row(inputs)[0]], num_threads=1)[0] for inputs in table.slice(0, 50).to_pylist()]
    assert np.array_equal(score_table(artefact, table.slice(0, 50)), single)


CODE = """
import sys
from pathlib import Path
from core.desk import Desk
from core.home import Home
from core.training.job import build
from core.training.plan import Plan
from core.settings import Settings
from dataclasses import replace
desk = replace(Desk.open(Home(Path(sys.argv[1]))), settings=Settings(threads=int(sys.argv[2])))
plan = Plan.of({"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 15, "seed": int(sys.argv[3])})
print(build(desk, plan, lambda share, text="": None).artefact.numbered(1).sha256)
"""


def test_the_same_rows_and_seed_give_the_same_file_in_any_process_and_with_any_threads(desk: Desk, add: Add) -> None:
    add()
    fit(desk, seed=7)

    def elsewhere(threads: str, seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(desk.home.path), threads, seed],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": threads, "TZ": "Asia/Tokyo"},
        )
        return done.stdout.strip()

    here = versions.version(desk.store, "flights").artefact
    assert elsewhere("1", "7") == here
    assert elsewhere("2", "7") == here
    assert len(desk.blobs.read(here)) > 1000


def test_a_run_tried_again_registers_once(desk: Desk, add: Add) -> None:
    add()
    assert fit(desk, run_id=5) == fit(desk, run_id=5)
    assert len(versions.versions(desk.store, "flights")) == 1
    assert fit(desk, run_id=6)["version"] == 2


def test_only_columns_the_contract_allows_are_inputs(desk: Desk, add: Add) -> None:
    add(key=np.arange(900), opened=[f"2013-01-01T00:00:{i % 60:02d}Z" for i in range(900)])
    contract = rows.contract(desk.store, "flights").contract
    fit(desk, exclude=["minute"])
    names = [feature.name for feature in versions.load_artefact(desk, "flights").features]
    assert names == ["x", "carrier"]
    assert contract.column("key").use == "id"


def test_where_the_hold_out_begins_can_be_chosen(desk: Desk, add: Add) -> None:
    add()
    fit(desk, holdout_from="2013-02-01")
    assert versions.version(desk.store, "flights").metrics["holdout_from_us"] == parse_time("2013-02-01")


def test_a_feature_missing_in_every_row_is_named_with_the_way_out(desk: Desk, add: Add) -> None:
    add(empty=[None] * 900)
    with pytest.raises(BadInput, match="empty") as caught:
        fit(desk)
    assert "--exclude empty" in caught.value.hint
    assert fit(desk, exclude=["empty"])["version"] == 1


def test_a_constant_feature_is_no_reason_to_fail(desk: Desk, add: Add) -> None:
    add(same=np.full(900, 3))
    assert fit(desk)["version"] == 1


@pytest.mark.parametrize(
    ("args", "what"),
    [
        ({"label": "gone"}, "'gone' is not in the data"),
        ({"label": "delay>=900"}, "one class"),
        ({"label": ""}, "names no label"),
        ({"holdout_from": "2012-01-01"}, "before 2012"),
        ({"encode": {"carrier": 3}}, "carrier"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused_and_nothing_is_registered(
    desk: Desk, add: Add, args: dict[str, Any], what: str
) -> None:
    add()
    with pytest.raises(BadInput, match=what) as caught:
        fit(desk, **args)
    assert caught.value.hint
    assert versions.models(desk.store) == []


def test_too_few_rows_are_refused(desk: Desk, add: Add) -> None:
    add(rows=150)
    with pytest.raises(BadInput, match="only 148 labelled rows"):
        fit(desk)


def test_an_unknown_data_set_or_snapshot_is_not_found(desk: Desk, add: Add) -> None:
    add()
    with pytest.raises(NotFound, match="nobody"):
        fit(desk, dataset="nobody")
    with pytest.raises(NotFound, match="snapshot 9"):
        fit(desk, snapshot=9)


def test_a_model_keeps_to_one_label(desk: Desk, add: Add) -> None:
    add()
    fit(desk)
    with pytest.raises(BadInput, match="predicts 'delay>=8'"):
        fit(desk, label="delay>=20")


def test_a_damaged_model_file_is_never_used(desk: Desk, add: Add) -> None:
    add()
    fit(desk)
    path = desk.blobs.path(versions.version(desk.store, "flights").artefact)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreUnusable, match="damaged"):
        versions.load_artefact(desk, "flights")
