from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.measures.calibrate import KINDS, Calibration, fit
from core.measures.isotonic import pools


def test_pools_are_those_of_the_textbook() -> None:
    # Means 1, 3, 2, 4, 3.5, 5 of one row each: 3 and 2 share 2.5, 4 and 3.5 share 3.75.
    found = pools([1, 3, 2, 4, 3.5, 5], [1] * 6)
    assert [(pool.first, pool.last, pool.rate) for pool in found] == [(0, 0, 1), (1, 2, 2.5), (3, 4, 3.75), (5, 5, 5)]
    assert [pool.rate for pool in pools([3, 2, 1], [1, 1, 1])] == [2]
    assert pools([], []) == []
    assert [pool.first for pool in pools([0, 1], [0, 2])] == [1], "a place without rows belongs to none"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=1, max_size=12))
def test_pools_are_the_nearest_non_decreasing_rates(places: list[tuple[int, int]]) -> None:
    """Against the min-max formula: the greatest least mean of the blocks about a place (Robertson et al., 1988)."""
    hits, rows = [min(h, r) for h, r in places], [r for _, r in places]
    found = pools(hits, rows)
    curve = [pool.rate for pool in found for _ in range(pool.first, pool.last + 1)]
    for i in range(len(rows)):
        means = [min(sum(hits[a : b + 1]) / sum(rows[a : b + 1]) for b in range(i, len(rows))) for a in range(i + 1)]
        assert curve[i] == pytest.approx(max(means))


def _rows(seed: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    scores = draw.uniform(0.01, 0.99, rows)
    return (draw.uniform(size=rows) < scores**2).astype(float), scores


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10**6))
def test_one_score_and_a_column_calibrate_to_the_same_bits_in_order(kind: str, seed: int) -> None:
    labels, scores = _rows(seed)
    curve = Calibration.from_json(fit(kind, labels, scores).to_json())
    asked = np.sort(np.r_[scores, 0.0, 1.0, np.random.default_rng(seed).uniform(size=50)])
    many = curve.many(asked)
    assert many.tolist() == [curve.one(score) for score in asked.tolist()]
    assert (np.diff(many) >= -1e-15).all()
    assert ((many >= 0) & (many <= 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_calibration_brings_distorted_scores_back_to_the_truth(kind: str) -> None:
    draw = np.random.default_rng(7)
    odds = draw.normal(0, 1, 20_000)
    truth = 1 / (1 + np.exp(-odds))
    said = 1 / (1 + np.exp(-(2 * odds + 1)))
    labels = (draw.uniform(size=20_000) < truth).astype(float)
    curve = fit(kind, labels, said)
    assert np.abs(curve.many(said) - truth).mean() < 0.02
    assert np.abs(said - truth).mean() > 0.1
    if kind == "sigmoid":
        assert (curve.slope, curve.offset) == (pytest.approx(0.5, abs=0.03), pytest.approx(-0.5, abs=0.05))


def test_a_pool_of_one_class_is_not_certain() -> None:
    labels, scores = np.array([0, 0, 1, 0, 1, 1, 1.0]), np.arange(1, 8) / 10
    curve = fit("isotonic", labels, scores)
    assert curve.one(0.0) == pytest.approx(1 / 4)
    assert curve.one(1.0) == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "spline", "x": [0.1], "y": [0.1]},
        {"kind": "isotonic", "x": [0.2, 0.1], "y": [0.1, 0.2]},
        {"kind": "isotonic", "x": [0.1, 0.2], "y": [0.3, 0.2]},
        {"kind": "isotonic", "x": [], "y": []},
        {"kind": "isotonic", "x": [0.1], "y": [1.5]},
        {"kind": "sigmoid", "slope": float("nan"), "offset": 0},
    ],
)
def test_what_is_no_curve_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Calibration.from_json(data)
