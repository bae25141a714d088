from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.datasets import load, rows
from core.desk import Desk
from core.errors import BadInput
from core.registry import versions
from core.training import options
from core.training.booster import score_table
from core.training.job import train

Add = Callable[..., str]


def fit(desk: Desk, **args: Any) -> dict[str, Any]:
    request = {"model": "m", "dataset": "flights", "label": "delay>=8", "rounds": 20, **args}
    return train(desk, request, lambda share, text="": None)


def test_early_stopping_finds_its_rounds_before_the_hold_out_and_all_fits_use_them(desk: Desk, add: Add) -> None:
    add()
    fit(desk, early_stopping=5, rounds=400, param={"learning_rate": 0.3})
    found = versions.version(desk.store, "m")
    best = found.parameters["best_rounds"]
    assert 1 <= best < 400
    assert versions.load_artefact(desk, "m").booster.count("\nTree=") == best
    fit(desk, rounds=best, param={"learning_rate": 0.3})
    again = versions.version(desk.store, "m", 2)
    assert again.metrics == found.metrics


def test_folds_are_measured_in_time_and_recorded(desk: Desk, add: Add) -> None:
    add()
    folds = fit(desk, folds=3, gap="1d")["metrics"]["folds"]
    assert len(folds) == 3
    assert [fold["fit_rows"] for fold in folds] == sorted(fold["fit_rows"] for fold in folds)
    assert all(fold["auc_low"] <= fold["auc"] <= fold["auc_high"] for fold in folds)
    assert all(left["to_us"] == right["from_us"] for left, right in itertools.pairwise(folds))


@pytest.mark.parametrize("direction", [1, -1])
def test_a_monotone_column_only_ever_moves_the_score_one_way(desk: Desk, add: Add, direction: int) -> None:
    add()
    fit(desk, monotone={"x": direction}, rounds=40)
    table = load.load(desk, rows.snapshot(desk.store, "flights")).slice(0, 1)
    steps = np.linspace(-3, 3, 200)
    many = pa.table({n: pa.array(steps) if n == "x" else table.column(n).to_pylist() * 200 for n in table.column_names})
    moved = np.diff(score_table(versions.load_artefact(desk, "m"), many)) * direction
    assert (moved >= 0).all()


def test_class_weights_move_the_scores_and_say_so(desk: Desk, add: Add) -> None:
    add()
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    plain = fit(desk)
    weighed = fit(desk, class_weight={"1": 10})
    before, after = (score_table(versions.load_artefact(desk, "m", number), table).mean() for number in (1, 2))
    assert after > before + 0.1
    assert plain["cautions"] == []
    assert "calibrate" in weighed["cautions"][0]


def test_balanced_weights_weigh_every_class_the_same() -> None:
    truth = np.array([0.0] * 90 + [1.0] * 10)
    weights = options.row_weights("balanced", "binary", (), truth)
    assert weights[:90].sum() == pytest.approx(weights[90:].sum()) == 50


def test_parameters_reach_lightgbm(desk: Desk, add: Add) -> None:
    add()
    fit(desk, param={"num_leaves": 4.0, "min_data_in_leaf": 20})
    assert versions.version(desk.store, "m").parameters["num_leaves"] == 4
    assert set(versions.load_artefact(desk, "m").booster.split("num_leaves=")[1:][0][:2].split()) == {"4"}


@pytest.mark.parametrize(
    ("args", "what", "hint"),
    [
        ({"param": {"num_leafs": 3}}, "'num_leafs'", "num_leaves"),
        ({"param": {"num_leaves": 1}}, "num_leaves is 1", "2 to 4096"),
        ({"param": {"num_leaves": 3.5}}, "3.5", "whole number"),
        ({"param": {"num_threads": 3}}, "'num_threads'", ""),
        ({"monotone": {"x": 2}}, "direction", "+1"),
        ({"monotone": {"y": 1}}, "no column 'y'", "x"),
        ({"monotone": {"carrier": 1}}, "category", "numbers"),
        ({"class_weight": {"2": 1}}, "no class '2'", "0, 1"),
        ({"class_weight": {"1": -1}}, "weight", "above 0"),
        ({"class_weight": "heavy"}, "heavy", "balanced"),
        ({"label": "delay", "class_weight": "balanced"}, "no classes", "leave"),
        ({"early_stopping": -1}, "early_stopping", "0"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_nearest(
    desk: Desk, add: Add, args: dict[str, Any], what: str, hint: str
) -> None:
    add()
    with pytest.raises(BadInput) as caught:
        fit(desk, **args)
    assert what in caught.value.message
    assert hint in caught.value.hint
    assert versions.models(desk.store) == []
