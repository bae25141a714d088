from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.measures.classes import evaluate_classes
from core.measures.evaluate import evaluate
from core.measures.intervals import Blocks, bootstrap
from core.measures.numbers import evaluate_numbers


def softmax(raw: np.ndarray) -> np.ndarray:
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_class_measures_are_those_of_their_definitions(seed: int, classes: int) -> None:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, 60)
    scores = softmax(draw.normal(size=(60, classes)) + 2 * np.eye(classes)[truth])
    found, called = evaluate_classes(truth, scores), scores.argmax(axis=1)
    assert found["accuracy"] == pytest.approx((called == truth).mean())
    assert found["logloss"] == pytest.approx(-np.log(scores[np.arange(60), truth]).mean())
    f1 = [
        2 * ((called == k) & (truth == k)).sum() / ((called == k).sum() + (truth == k).sum())
        for k in range(classes)
        if (truth == k).any()
    ]
    assert found["macro_f1"] == pytest.approx(np.mean(f1))
    for name in ("accuracy", "macro_f1", "logloss", "macro_auc"):
        assert found[f"{name}_low"] <= found[f"{name}_high"]


def test_the_macro_auc_of_two_classes_is_the_auc() -> None:
    draw = np.random.default_rng(3)
    truth = draw.integers(0, 2, 200)
    score = 1 / (1 + np.exp(-draw.normal(truth, 1)))
    both = evaluate_classes(truth, np.column_stack([1 - score, score]))
    assert both["macro_auc"] == pytest.approx(evaluate(truth.astype(float), score).auc)


def test_a_class_that_never_occurs_has_no_say() -> None:
    truth = np.array([0, 1, 0, 1])
    found = evaluate_classes(truth, np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]] * 2))
    assert (found["accuracy"], found["macro_f1"], found["macro_auc"]) == (1, 1, 1)
    assert evaluate_classes(np.zeros(4, dtype=int), np.full((4, 3), 1 / 3))["macro_auc"] is None


@given(st.integers(0, 10_000), st.floats(0.01, 1e6))
def test_number_measures_are_those_of_their_definitions_in_any_unit(seed: int, unit: float) -> None:
    draw = np.random.default_rng(seed)
    truth = draw.normal(3, 1, 80) * unit
    predicted = truth + draw.normal(0, 0.5, 80) * unit
    found = evaluate_numbers(truth, predicted)
    assert found["rmse"] == pytest.approx(np.sqrt(((predicted - truth) ** 2).mean()))
    assert found["mae"] == pytest.approx(np.abs(predicted - truth).mean())
    assert found["r2"] == pytest.approx(1 - ((predicted - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
    assert found["rmse_low"] <= found["rmse"] <= found["rmse_high"]


def test_a_constant_truth_has_no_r2_and_no_not_a_number() -> None:
    found = evaluate_numbers(np.full(30, 4.0), np.full(30, 4.5))
    assert (found["r2"], found["rmse"]) == (None, 0.5)


def test_days_that_differ_widen_the_interval() -> None:
    draw = np.random.default_rng(5)
    days = np.repeat(np.arange(30), 40)
    error = np.repeat(draw.normal(0, 1, 30), 40) + draw.normal(0, 0.2, 1200)
    truth = draw.normal(size=1200)
    by_day, by_row = evaluate_numbers(truth, truth + error, days), evaluate_numbers(truth, truth + error)
    width = by_day["mae_high"] - by_day["mae_low"]
    assert width > 3 * (by_row["mae_high"] - by_row["mae_low"])


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    draw = np.random.default_rng(7)
    inside = 0
    for _ in range(200):
        blocks = Blocks.of_days(None, 400)
        sums, rows = blocks.sums(draw.normal(size=400), np.ones(400)).T
        found = bootstrap(lambda times, s=sums, n=rows: {"mean": (times @ s) / (times @ n)}, blocks)["mean"]
        inside += found.low <= 0 <= found.high  # type: ignore[operator]
    assert 180 <= inside <= 199
