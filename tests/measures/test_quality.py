from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.measures.evaluate import delong, evaluate
from core.measures.influence import below, influence, two_sided, variance
from core.measures.intervals import Blocks
from core.measures.quality import Quality, reliability


def _rows(seed: int, rows: int = 300, digits: int = 2) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    scores = np.round(draw.uniform(size=rows), digits)
    return (draw.uniform(size=rows) < scores).astype(float), scores


def _measures(
    labels: np.ndarray, scores: np.ndarray, threshold: float, times: np.ndarray | None = None
) -> dict[str, float]:
    count = len(labels)
    found = Quality(labels, scores, threshold, Blocks(np.arange(count), count, "row"))
    return {
        name: float(values[0]) for name, values in found.at((np.ones(count) if times is None else times)[None]).items()
    }


@given(st.integers(0, 10**6))
def test_with_equal_weights_the_measures_are_those_of_the_plain_evaluation(seed: int) -> None:
    labels, scores = _rows(seed)
    found, plain = _measures(labels, scores, 0.5), evaluate(labels, scores)
    for name in ("auc", "logloss", "brier", "base_rate"):
        assert found[name] == pytest.approx(getattr(plain, name), abs=1e-12)


@given(st.integers(0, 10**6))
def test_a_weight_counts_a_row_as_often(seed: int) -> None:
    labels, scores = _rows(seed, 80, 1)
    times = np.random.default_rng(seed).integers(0, 4, 80)
    weighted = _measures(labels, scores, 0.5, times.astype(float))
    repeated = _measures(np.repeat(labels, times), np.repeat(scores, times), 0.5)
    for name, value in repeated.items():
        assert weighted[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize("digits", [3, 9])
def test_of_many_scores_the_draws_are_those_of_the_rows_drawn(digits: int) -> None:
    """More different scores than ranks are told apart: the whole is exact, a draw to far less than its interval."""
    labels, scores = _rows(8, 20_000, digits)
    of = np.arange(20_000) % 40
    quality = Quality(labels, scores, 0.5, Blocks(of, 40, "day"))
    assert quality.at(np.ones((1, 40)))["auc"][0] == pytest.approx(evaluate(labels, scores).auc, abs=1e-12)
    times = np.random.default_rng(2).multinomial(40, np.full(40, 1 / 40), size=5).astype(float)
    found = quality.at(times)
    for place, drawn in enumerate(times):
        rows = np.repeat(np.arange(20_000), drawn[of].astype(int))
        assert found["auc"][place] == pytest.approx(evaluate(labels[rows], scores[rows]).auc, abs=1e-4)
        assert found["average_precision"][place] == pytest.approx(_average(labels[rows], scores[rows]), abs=1e-4)


def _average(labels: np.ndarray, scores: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])
    hits = np.cumsum(labels[order])[last]
    return float(np.diff(hits, prepend=0) @ (hits / (last + 1)) / hits[-1])


def test_average_precision_and_decisions_are_those_counted_by_hand() -> None:
    labels, scores = np.array([0, 0, 1, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
    found = _measures(labels, scores, 0.4)
    assert found["average_precision"] == pytest.approx(0.8333333333)
    assert (found["precision"], found["recall"], found["f1"], found["auc"]) == (0.5, 0.5, 0.5, 0.75)


def test_one_class_or_no_row_has_no_auc_and_nothing_called_no_precision() -> None:
    found = _measures(np.zeros(3), np.full(3, 0.2), 0.5)
    assert found["auc"] != found["auc"]
    assert found["precision"] != found["precision"]
    assert found["brier"] == pytest.approx(0.04)
    nothing = _measures(np.array([]), np.array([]), 0.5)
    assert all(value != value for value in nothing.values())


def test_the_reliability_table_counts_every_row_once_and_brackets_its_rates() -> None:
    labels, scores = _rows(5)
    bins = reliability(labels, scores)
    assert sum(each["n"] for each in bins) == 300
    assert all(each["from"] <= each["mean_score"] <= each["to"] for each in bins)
    assert all(each["low"] <= each["rate"] <= each["high"] for each in bins)


@given(st.integers(0, 10**6))
def test_influences_sum_to_nothing_and_their_squares_to_delongs_variance(seed: int) -> None:
    labels, scores = _rows(seed)
    auc, rows = influence(labels, scores)
    expected = delong(scores[labels == 1], scores[labels == 0])
    assert (auc, variance(rows)) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    assert rows.sum() == pytest.approx(0, abs=1e-9)


def test_two_models_on_the_same_rows_have_the_paired_variance_of_delong() -> None:
    """Against the formula with whole covariance matrices of the placement values, as the paper has it."""
    labels, first = _rows(1)
    second = np.clip(first + np.random.default_rng(2).normal(0, 0.2, 300), 0, 1)
    placements = [_placements(labels, each) for each in (first, second)]
    contrast = np.array([1, -1])
    expected = sum(
        contrast @ np.cov(np.vstack([one[side] for one in placements])) @ contrast / len(placements[0][side])
        for side in (0, 1)
    )
    (_, left), (_, right) = influence(labels, first), influence(labels, second)
    assert variance(left - right) == pytest.approx(expected)


def _placements(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wins = (np.sign(scores[labels == 1][:, None] - scores[labels == 0]) + 1) / 2
    return wins.mean(axis=1), wins.mean(axis=0)


def test_days_that_agree_have_more_variance_than_their_rows() -> None:
    draw = np.random.default_rng(4)
    days = np.repeat(np.arange(60), 20)
    shift = np.repeat(draw.normal(size=60), 20)
    labels = (draw.normal(size=1200) + shift > 0).astype(float)
    scores = shift + draw.normal(size=1200)
    _, rows = influence(labels, scores)
    assert variance(rows, Blocks(days, 60, "day")) > 2 * variance(rows)


def test_tails_are_the_normal_ones_and_sane_without_variance() -> None:
    assert two_sided(1.959964, 1.0) == pytest.approx(0.05, abs=1e-4)
    assert below(-1.644854, 1.0) == pytest.approx(0.05, abs=1e-4)
    assert (two_sided(0.0, 0.0), two_sided(0.1, 0.0), below(0.1, 0.0)) == (1.0, 0.0, 1.0)
