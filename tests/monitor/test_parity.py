from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from core.access.sensitive import Vault
from core.clock import HOUR, MINUTE, SimClock, parse_time
from core.datasets import ingest, rows
from core.datasets.verbs import set_contract
from core.desk import Desk
from core.endpoints.adapter import Batch
from core.endpoints.ingest import add_batches
from core.errors import NotFound
from core.expressions import operations
from core.features import declared, saved
from core.ledger import timeline
from core.monitor.parity import parity
from core.registry import versions
from core.serving.model import ServedModel
from core.training.artefact import Artefact
from core.training.job import train

Run = Callable[..., tuple[int, str, str]]
VIEW = """name = "v"
[[column]]
name = "twice"
expression = "x * 2"
[[column]]
name = "most"
expression = "max(x, log1p(y)) / y"
[[column]]
name = "pair"
expression = "join(carrier, if(x > 0, 'up', 'down'))"
"""


def inputs(count: int, seed: int) -> list[dict[str, Any]]:
    """Requests with gaps, nulls and levels nobody knows."""
    draw = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    for number in range(count):
        row: dict[str, Any] = {"x": float(draw.normal()), "y": int(draw.integers(0, 5)), "carrier": "UA"}
        row["carrier"] = str(draw.choice(["UA", "AA", "ZZ"]))
        if number % 7 == 0:
            row["x"] = None
        if number % 5 == 0:
            del row["carrier"]
        found.append(row)
    return found


@pytest.fixture
def model(desk: Desk, tmp_path: Path) -> Artefact:
    """A model trained on a view, whose endpoint `edge` is known."""
    draw = np.random.default_rng(3)
    count = 600
    x = draw.normal(size=count)
    table = {
        "at": pa.array(parse_time("2013-01-01") + np.arange(count) * HOUR, pa.timestamp("us", "UTC")),
        "x": x,
        "y": draw.integers(0, 5, count),
        "carrier": draw.choice(["UA", "AA", "DL"], count).tolist(),
        "late": (x + draw.normal(size=count) > 0).astype(int),
    }
    pyarrow.csv.write_csv(pa.table(table), tmp_path / "d.csv")
    ingest.add(desk, tmp_path / "d.csv", dataset="d", time_column="at")
    (tmp_path / "v.toml").write_text(VIEW)
    saved.add(desk, declared.read(tmp_path / "v.toml"))
    train(desk, {"model": "m", "dataset": "d", "label": "late", "rounds": 10, "view": "v"}, lambda *_: None)
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES ('edge', 'embedded', '', '', 0)"
        )
    return versions.load_artefact(desk, "m", 1)


def serve(desk: Desk, artefact: Artefact, requests: list[dict[str, Any]], seq: int = 1) -> None:
    """Answer requests with the serving code, and keep all of them as samples of an hour ago."""
    served, at = ServedModel(artefact), desk.now_us() - HOUR
    answered = [(f"r{seq}.{n}", at + n, "m", 1, served.answer(row)[0]["score"], row) for n, row in enumerate(requests)]
    batch = Batch(seq, at // MINUTE * MINUTE, [], [], answered)
    with desk.write() as tx:
        add_batches(tx, Vault(desk.home), "edge", [batch])


def replayed(desk: Desk) -> Any:
    return parity(desk, "m", None, desk.now_us() - 24 * HOUR, desk.now_us())


def test_served_requests_replay_to_the_last_bit(desk: Desk, model: Artefact, tocsin: Run) -> None:
    serve(desk, model, inputs(200, 1))
    found = replayed(desk)
    assert (found.requests, found.scores, found.differences, found.not_comparable) == (200, 200, (), ())
    code, out, _ = tocsin("feature", "parity", "m", "--endpoint", "edge")
    assert code == 0
    assert "200 requests replayed, 200 with their score" in out
    assert "agree to the last bit" in out


def test_an_endpoint_that_prepares_its_inputs_otherwise_fails(desk: Desk, model: Artefact, tocsin: Run) -> None:
    twice, *others = model.view
    serve(desk, replace(model, view=(replace(twice, text="x * 2 + 1"), *others)), inputs(200, 2))
    code, out, _ = tocsin("feature", "parity", "m", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["equal"] is False
    assert {one["column"] for one in told["differences"]} == {"score"}
    first = told["differences"][0]
    assert first["served"] != first["offline"]
    assert first["request"].startswith("r")


def test_a_rule_that_differs_between_rows_and_columns_is_named_with_both_values(
    desk: Desk, model: Artefact, tocsin: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = operations.NUMBERS["max"].whole
    monkeypatch.setitem(operations.NUMBERS, "max", operations.Operation(lambda a, b: a if a >= b else b + 1, whole))
    serve(desk, model, inputs(50, 3))
    columns = {one.column for one in replayed(desk).differences}
    assert "most" in columns
    code, out, _ = tocsin("feature", "parity", "m")
    assert code == 1
    assert "differing: most in" in out
    assert "OFFLINE" in out


def test_what_is_sensitive_is_said_to_be_not_comparable(desk: Desk, model: Artefact, tocsin: Run) -> None:
    contract = rows.contract(desk.store, "d").contract

    def keep(way: str) -> None:
        columns = [replace(one, sensitive=way if one.name == "carrier" else None) for one in contract.columns]
        set_contract(desk, "d", replace(contract, columns=tuple(columns)))

    keep("encrypt")
    serve(desk, model, inputs(60, 4))
    found = replayed(desk)
    assert (found.not_comparable, found.scores, found.differences) == (("pair",), 60, ())
    keep("mask")
    found = replayed(desk)
    assert (found.not_comparable, found.scores, found.differences) == (("pair", "score"), 0, ())
    assert "not comparable, as they are sensitive: pair, score" in tocsin("feature", "parity", "m")[1]


def test_a_time_without_samples_is_no_parity(desk: Desk, model: Artefact, clock: SimClock) -> None:
    with pytest.raises(NotFound, match="no samples"):
        replayed(desk)
    with pytest.raises(NotFound):
        parity(desk, "m", "nosuch", 0, desk.now_us())


def test_a_gate_holds_after_a_clean_replay_and_not_after_one_that_differs(
    desk: Desk, model: Artefact, tmp_path: Path, tocsin: Run, clock: SimClock
) -> None:
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "same"\nkind = "parity"\nleast_rows = 50\n')
    assert tocsin("model", "rules", "set", "m", str(tmp_path / "rules.toml"), "--yes")[0] == 0
    assert tocsin("model", "gate", "m", "1")[0] == 1
    serve(desk, model, inputs(60, 1))
    assert tocsin("feature", "parity", "m")[0] == 0
    code, out, err = tocsin("model", "gate", "m", "1")
    assert code == 0, out + err
    twice, *others = model.view
    clock.advance(2 * HOUR)
    serve(desk, replace(model, view=(replace(twice, text="x * 2 + 1"), *others)), inputs(60, 2), 2)
    assert tocsin("feature", "parity", "m", "--last", "90m")[0] == 1
    assert tocsin("model", "gate", "m", "1")[0] == 1
    told = [event.data for event in timeline(desk.store, kinds=["model.replayed"])]
    assert [one["rows"] for one in told] == [60, 60]
    assert told[0]["differing"] == 0 < told[1]["differing"] <= 60


def test_a_home_that_may_only_be_read_is_answered_and_keeps_nothing(desk: Desk, model: Artefact, tocsin: Run) -> None:
    serve(desk, model, inputs(60, 1))
    desk.home.settings_path.write_text("read_only = true\n")
    code, out, err = tocsin("feature", "parity", "m")
    assert (code, "60 requests replayed" in out, "not kept" in err) == (0, True, True)
    assert timeline(desk.store, kinds=["model.replayed"]) == []


def test_a_calibrated_version_replays_to_what_it_said(desk: Desk, model: Artefact) -> None:
    train(
        desk,
        {"model": "m", "dataset": "d", "label": "late", "rounds": 10, "view": "v", "calibrate": "sigmoid"},
        lambda *_: None,
    )
    served, at = ServedModel(versions.load_artefact(desk, "m", 2)), desk.now_us() - HOUR
    rows = [(f"c{n}", at + n, "m", 2, served.answer(row)[0]["score"], row) for n, row in enumerate(inputs(80, 4))]
    with desk.write() as tx:
        add_batches(tx, Vault(desk.home), "edge", [Batch(1, at // MINUTE * MINUTE, [], [], rows)])
    assert (replayed(desk).of(2), replayed(desk).scores) == ({"rows": 80, "differing": 0}, 80)
