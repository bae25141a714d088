from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.measures.cost import Cost, cheapest, parse_cost


@given(st.integers(0, 10**6), st.floats(0.1, 20), st.floats(0.1, 20))
def test_no_threshold_costs_less_than_the_one_chosen(seed: int, fn: float, fp: float) -> None:
    draw, cost = np.random.default_rng(seed), Cost(fn, fp, -0.05, 0.05)
    scores = np.round(draw.uniform(size=60), 1)
    labels = (draw.uniform(size=60) < scores).astype(float)
    chosen = cheapest(labels, scores, cost)
    least = min(cost.of_rows(labels, scores >= each).sum() for each in [*np.unique(scores), 2.0])
    assert cost.of_rows(labels, scores >= chosen).sum() == pytest.approx(least)


def test_with_calibrated_scores_the_threshold_is_that_of_the_costs() -> None:
    draw = np.random.default_rng(1)
    scores = draw.uniform(size=200_000)
    labels = (draw.uniform(size=200_000) < scores).astype(float)
    # A row is worth calling where its chance times 4 exceeds the chance of a false alarm (Elkan, 2001).
    assert cheapest(labels, scores, Cost(fn=4, fp=1)) == pytest.approx(0.2, abs=0.03)


def test_where_alarms_are_dear_none_is_raised() -> None:
    labels, scores = np.array([0, 1.0, 0]), np.array([0.1, 0.5, 0.9])
    assert cheapest(labels, scores, Cost(fn=1, fp=100)) > 0.9


@pytest.mark.parametrize("text", ["", "fn=1", "fn=1,fp", "fn=a,fp=1", "fn=1,fp=nan", "fn=1,fp=1,fn=2", "fn=0,fp=1"])
def test_what_is_no_cost_matrix_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_cost(text)


def test_a_cost_matrix_is_read_with_right_decisions_free() -> None:
    assert parse_cost("fn=5, fp=1") == Cost(5, 1, 0, 0)
    assert parse_cost("fn=5,fp=1,tp=-2,tn=0.5") == Cost(5, 1, -2, 0.5)
