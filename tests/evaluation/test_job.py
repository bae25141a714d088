from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.evaluation.job import evaluate
from core.evaluation.record import newest
from core.ledger import timeline
from core.training.find import version
from tests.evaluation.conftest import fit

Add = Callable[..., None]
Run = Callable[..., tuple[int, str, str]]


def run(desk: Desk, **args: object) -> dict[str, object]:
    report: dict[str, object] = evaluate(desk, {"model": "flights", **args}, lambda *_: None)["report"]
    return report


def test_the_holdouts_model_is_fitted_again_to_the_recorded_figures(trained: Desk) -> None:
    report, recorded = run(trained), version(trained.store, "flights").metrics
    assert (report["purpose"], report["seen"], report["rows"]) == ("holdout", 0, recorded["n"])
    metrics = report["metrics"]
    for name in ("auc", "logloss", "brier", "base_rate"):
        assert metrics[name]["value"] == pytest.approx(recorded[name], abs=1e-12)  # type: ignore[index]
    assert metrics["auc"]["delong_low"] == pytest.approx(recorded["auc_low"])  # type: ignore[index]
    assert all(one["low"] <= one["value"] <= one["high"] for one in metrics.values())  # type: ignore[attr-defined]


def test_a_calibrated_versions_holdout_is_the_half_its_curve_did_not_see(trained: Desk) -> None:
    fit(trained, calibrate="isotonic")
    report, recorded = run(trained), version(trained.store, "flights").metrics
    assert report["rows"] == recorded["n"] < run(trained, version=1)["rows"]  # type: ignore[operator]
    assert report["metrics"]["brier"]["value"] == pytest.approx(recorded["brier"], abs=1e-12)  # type: ignore[index]


def test_rows_the_model_was_fitted_on_are_never_called_a_holdout(trained: Desk) -> None:
    report = run(trained, snapshot="flights/1")
    assert (report["purpose"], report["seen"]) == ("seen", 3000)
    assert report["metrics"]["auc"]["value"] > run(trained)["metrics"]["auc"]["value"]  # type: ignore[index]


def test_of_a_later_snapshot_the_later_rows_are_taken_unless_others_are_asked_for(trained: Desk, add: Add) -> None:
    add(4000, "2013-01-15", 5)
    report = run(trained, snapshot="flights")
    assert (report["purpose"], report["seen"], report["snapshot"]) == ("later", 0, "flights/2")
    both = run(trained, snapshot="flights/2", **{"from": "2013-05-01", "to": "2013-06-01"})
    assert both["purpose"] == "seen"
    assert both["seen"] == 120, "May 1st to 5th was fitted on"
    assert both["rows"] == 744


def test_the_report_is_kept_with_its_event_and_is_the_same_again(trained: Desk) -> None:
    first, second = run(trained), run(trained)
    assert first == second
    kept = newest(trained.store, "flights", 1)
    assert kept is not None
    assert (kept.id, kept.purpose, kept.report) == (2, "holdout", json.loads(json.dumps(first)))
    assert newest(trained.store, "flights", 1, "later") is None
    told = [event.data for event in timeline(trained.store, kinds=["model.evaluated"])]
    assert len(told) == 2
    assert told[0] == told[1]


def test_what_cannot_be_measured_is_refused_and_nothing_kept(trained: Desk) -> None:
    for args, error in (
        ({"model": "none"}, NotFound),
        ({"version": 9}, NotFound),
        ({"snapshot": "flights/9"}, NotFound),
        ({"snapshot": "flights/x"}, BadInput),
        ({"least": 0.5}, BadInput),
        ({"from": "2014-01-01"}, BadInput),
    ):
        with pytest.raises(error):
            run(trained, **args)
    assert newest(trained.store, "flights", 1) is None
    assert timeline(trained.store, kinds=["model.evaluated"]) == []


def test_the_command_tells_and_keeps_what_it_measured(trained: Desk, tocsin: Run) -> None:
    code, out, err = tocsin("evaluate", "flights")
    assert code == 0, err
    assert "hold-out: scored by the model fitted on nothing later" in out
    assert "reliability" in out
    code, out, _ = tocsin("evaluate", "flights", "--snapshot", "flights/1", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["report"]["purpose"] == "seen"
    code, out, _ = tocsin("evaluate", "flights", "--dry-run")
    assert out == "would measure flights version 1 on its own hold-out\n"
    code, _, err = tocsin("evaluate", "flights", "--version", "7")
    assert code == 3
    assert "has no version 7" in err
