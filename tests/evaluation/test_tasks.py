from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from core.datasets import ingest
from core.desk import Desk
from core.errors import BadInput
from core.evaluation.explain import explain
from core.evaluation.plan import Asked
from core.evaluation.rows import Scored, gather_rows
from core.evaluation.shapley import shapley, terms
from core.features import declared, saved
from core.features.view import apply
from core.ledger import timeline
from core.measures.headline import Headline
from core.registry.card import card
from core.training.booster import load_booster, predict_table
from core.training.find import load_artefact, version
from tests.evaluation.conftest import delays, fit
from tests.evaluation.test_job import Run, run

NAMES = {"multiclass": "accuracy", "regression": "rmse"}


@pytest.fixture
def wide(desk: Desk, tmp_path: Path) -> Callable[..., None]:
    """Four months of the flights with a delay and a kind of three classes, of which carrier ZZ's cannot be told."""

    def adding(rows: int = 3000, start: str = "2013-01-01", seed: int = 0) -> None:
        table = delays(rows, start, seed)
        draw = np.random.default_rng(seed)
        zz = np.array(table.column("carrier").to_pylist()) == "ZZ"
        delay = np.where(zz, draw.normal(0, 20, rows), 10 * table.column("x").to_numpy() + draw.normal(0, 3, rows))
        kind = np.where(delay > 5, "late", np.where(delay < -5, "early", "on time"))
        path = tmp_path / f"wide-{start}.csv"
        pyarrow.csv.write_csv(table.append_column("delay", pa.array(delay)).append_column("kind", pa.array(kind)), path)
        ingest.add(desk, path, dataset="flights", time_column="at")

    return adding


def learn(desk: Desk, task: str, **args: Any) -> None:
    fit(desk, label={"multiclass": "kind", "regression": "delay"}[task], features=["x", "noise", "carrier"], **args)


def scored(desk: Desk) -> Scored:
    return gather_rows(desk, Asked.of({"model": "flights"}), lambda _: None)


@pytest.mark.parametrize("task", NAMES)
def test_the_report_has_the_recorded_figures_and_the_shared_shape(
    desk: Desk, wide: Any, tocsin: Run, task: str
) -> None:
    wide()
    learn(desk, task)
    report: Any = run(desk, by=["carrier", "carrier,late"], least=50)
    json.dumps(report, allow_nan=False)
    recorded, name = version(desk.store, "flights").metrics, NAMES[task]
    assert (report["task"], report["purpose"], report["rows"]) == (task, "holdout", recorded["n"])
    for measure in ("accuracy", "macro_f1", "logloss") if task == "multiclass" else ("rmse", "mae", "r2"):
        held = report["metrics"][measure]
        assert held["value"] == pytest.approx(recorded[measure], abs=1e-12)
        assert held["low"] == pytest.approx(recorded[f"{measure}_low"])
        assert held["low"] <= held["value"] <= held["high"]
    worse = [(one[name] < recorded[name]) == (task == "multiclass") for one in report["weakest"]]
    assert worse
    assert all(worse)
    assert task == "multiclass" or any("carrier=ZZ" in one["where"] for one in report["weakest"])
    worst = report["robustness"]["missing"][0]
    assert worst["feature"] == "x"
    assert worst["low"] > 0
    assert report["explanations"]["global"][0]["feature"] == "x"
    assert set(report["fairness"][0]["gaps"]) == set(report["fairness"][0]["groups"][0]) - {"group", "n"}
    assert [event.data[name] for event in timeline(desk.store, kinds=["model.evaluated"])] == [
        report["metrics"][name]["value"]
    ]
    assert f"Weak where {report['weakest'][0]['where']}" in card(desk, "flights")
    code, out, err = tocsin("evaluate", "flights", "--by", "carrier")
    assert code == 0, err
    assert ("reliability of the likeliest class" if task == "multiclass" else "error (predicted less true)") in out


@pytest.mark.parametrize("task", NAMES)
def test_a_worse_rival_is_told_apart_on_the_same_rows(desk: Desk, wide: Any, task: str) -> None:
    wide()
    learn(desk, task)
    learn(desk, task, rounds=2)
    report: Any = run(desk, version=1, against=2)
    difference, name = report["against"]["difference"], NAMES[task]
    held = difference[name] if task == "regression" else difference["logloss"]
    assert held["high"] < 0
    assert difference[name]["p"] <= 1
    assert "better than version 2" in report["against"]["means"]
    assert report["against"]["difference"][name]["value"] == pytest.approx(
        report["metrics"][name]["value"] - run(desk, version=2)["metrics"][name]["value"]  # type: ignore[index]
    )


def test_later_rows_are_measured_by_the_registered_model(desk: Desk, wide: Any) -> None:
    wide()
    learn(desk, "multiclass")
    wide(4000, "2013-01-15", 5)
    report: Any = run(desk, snapshot="flights")
    assert (report["purpose"], report["snapshot"]) == ("later", "flights/2")
    assert sum(one["n"] for one in report["classes"]) == report["rows"]


def test_a_binary_and_a_multiclass_version_are_never_rivals(desk: Desk, wide: Any) -> None:
    wide()
    learn(desk, "multiclass")
    with pytest.raises(BadInput):
        fit(desk)
        run(desk, version=1, against=2)


@pytest.mark.parametrize("task", NAMES)
def test_base_and_contributions_add_up_for_every_class_and_for_a_number(desk: Desk, wide: Any, task: str) -> None:
    wide()
    learn(desk, task)
    artefact, table = load_artefact(desk, "flights"), scored(desk).table.slice(0, 50)
    parts, base = shapley(artefact, table)
    said = load_booster(artefact).predict(apply(artefact.view, artefact.features, table), raw_score=True)
    assert parts.shape == ((50, 3, 3) if task == "multiclass" else (50, 3))
    assert np.allclose(base + parts.sum(axis=-1), said, atol=1e-9)


def test_each_class_is_explained_and_their_scores_are_the_softmax(desk: Desk, wide: Any, tocsin: Run) -> None:
    wide()
    learn(desk, "multiclass")
    found = explain(desk, "flights", None, {"x": 2.5, "carrier": "UA"})
    totals = np.array([part.total for part in found.parts])
    assert [part.score for part in found.parts] == pytest.approx((np.exp(totals) / np.exp(totals).sum()).tolist())
    assert found.parts[0].of == "late"
    plain = found.to_json()
    assert (plain["class"], plain["score"]) == ("late", found.parts[0].score)
    assert set(plain["classes"][0]) == {"class", "score", "raw_score", "base", "contributions"}
    code, out, err = tocsin("explain", "flights", "--inputs", '{"x": 2.5}', "--class", "early")
    assert code == 0, err
    assert "class early" in out
    assert tocsin("explain", "flights", "--inputs", "{}", "--class", "gone")[0] == 2


VIEW = """name = "flight"
[[column]]
name = "x"
expression = "x"
[[column]]
name = "both"
expression = "if(carrier == 'AA', x + noise, noise)"
[[column]]
name = "high"
expression = "if(x > 1, 1, 0)"
[[aggregate]]
name = "carrier_late"
from = "flights"
key = ["carrier"]
value = "late"
how = "mean"
over = "2d"
delay = "1h"
"""


def test_a_column_of_several_inputs_is_a_term_of_its_own_and_all_still_adds_up(
    desk: Desk, wide: Any, tocsin: Run, tmp_path: Path
) -> None:
    wide()
    path = tmp_path / "view.toml"
    path.write_text(VIEW.replace('"if(x > 1, 1, 0)"', '"if(carrier_late > 0.3, x, 0)"'))
    saved.add(desk, declared.read(path))
    fit(desk, view="flight")
    artefact, table = load_artefact(desk, "flights"), scored(desk).table.slice(0, 50)
    names = [term.name for term in terms(artefact.features, artefact.view)]
    assert names[0] == "x"
    assert {"both(carrier, x, noise)", "high(carrier_late, x)"} <= set(names)
    parts, base = shapley(artefact, table)
    said = load_booster(artefact).predict(apply(artefact.view, artefact.features, table), raw_score=True)
    assert np.allclose(base + parts.sum(axis=-1), said, atol=1e-9)
    report: Any = run(desk)
    assert {one["feature"] for one in report["explanations"]["global"]} == set(names)
    code, out, err = tocsin("explain", "flights", "--row", "flights/1:100", "--json")
    assert code == 0, err
    found = json.loads(out)
    (one,) = (each for each in found["contributions"] if each["input"] == "high(carrier_late, x)")
    assert one["value"]["carrier_late"] is not None, "looked up as it was known at the row's time"
    values = {name: value for each in found["contributions"] for name, value in _values(each)}
    assert found["score"] == pytest.approx(float(predict_table(artefact, _table(artefact, values))[0]))
    assert tocsin("explain", "flights", "--row", "flights/1:100")[0] == 0


def _values(each: Any) -> list[tuple[str, Any]]:
    value = each["value"]
    return [*value.items()] if isinstance(value, dict) else [(each["input"], value)]


def _table(artefact: Any, values: dict[str, Any]) -> pa.Table:
    return pa.table({feature.name: [values[feature.name]] for feature in artefact.features})


@pytest.mark.parametrize("task", NAMES)
def test_what_rows_add_to_a_measure_gives_the_variance_of_a_thousand_draws(task: str) -> None:
    draw = np.random.default_rng(3)
    labels = draw.integers(0, 3, 400).astype(float)
    scores = draw.dirichlet([1, 1, 1], 400) if task == "multiclass" else labels + draw.normal(size=400)
    headline = Headline(task)
    _, parts = headline.of(labels, scores)
    assert parts.sum() == pytest.approx(0, abs=1e-9)
    places = [draw.integers(0, 400, 400) for _ in range(1000)]
    values = [headline.of(labels[place], scores[place])[0] for place in places]
    assert np.sqrt(parts @ parts) == pytest.approx(np.std(values), rel=0.1)
