from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.evaluate import best_threshold, delong, evaluate, midranks

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=2, max_size=25)


@given(SCORES, SCORES)
@settings(deadline=None)
def test_the_auc_is_the_share_of_pairs_in_order_ties_counting_half(
    positives: list[float], negatives: list[float]
) -> None:
    pairs = [(p > n) + 0.5 * (p == n) for p in positives for n in negatives]
    auc, variance = delong(np.array(positives), np.array(negatives))
    assert auc == pytest.approx(sum(pairs) / len(pairs))
    assert variance >= 0


def test_delongs_variance_is_the_published_one() -> None:
    # The placement values of the definition (DeLong 1988, eq. 4 and 5), worked by hand for 3 positives, 2 negatives.
    auc, variance = delong(np.array([0.9, 0.6, 0.3]), np.array([0.5, 0.1]))
    v10, v01 = [1.0, 1.0, 0.5], [2 / 3, 1.0]
    assert auc == pytest.approx(5 / 6)
    assert variance == pytest.approx(np.var(v10, ddof=1) / 3 + np.var(v01, ddof=1) / 2)


def test_the_interval_covers_the_true_auc_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    truth = 0.5 * (1 + math.erf(0.5))
    inside = 0
    for _ in range(400):
        labels = (draw.random(300) < 0.3).astype(float)
        found = evaluate(labels, 1 / (1 + np.exp(-draw.normal(labels, 1))))
        inside += found.auc_low <= truth <= found.auc_high
    assert 0.92 <= inside / 400 <= 0.975


def test_the_losses_are_those_of_the_definitions() -> None:
    found = evaluate(np.array([1.0, 0.0]), np.array([0.8, 0.4]))
    assert found.logloss == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert found.brier == pytest.approx((0.04 + 0.16) / 2)
    assert (found.n, found.positives, found.base_rate) == (2, 1, 0.5)


def test_a_sure_and_wrong_score_costs_much_but_not_infinity() -> None:
    assert math.isfinite(evaluate(np.array([1.0, 0.0]), np.array([0.0, 1.0])).logloss)


def test_an_auc_without_a_class_has_no_meaning() -> None:
    with pytest.raises(ValueError, match="both classes"):
        evaluate(np.zeros(3), np.array([0.1, 0.2, 0.3]))


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert midranks(np.array([5.0, 1.0, 5.0, 3.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.4, 0.8])), min_size=1, max_size=30))
@settings(deadline=None)
def test_no_other_threshold_has_a_greater_f1(rows: list[tuple[bool, float]]) -> None:
    labels = np.array([float(label) for label, _ in rows])
    scores = np.array([score for _, score in rows])

    def f1(threshold: float) -> float:
        called = scores >= threshold
        return float(2 * (labels * called).sum() / (called.sum() + labels.sum()))

    assert f1(best_threshold(labels, scores)) == pytest.approx(max(f1(score) for score in scores))
