from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.measures.bins import (
    ABOVE,
    BELOW,
    FIRST,
    MISSING,
    QUANTILE_BINS,
    UNSEEN,
    from_json,
    level_bins,
    number_bins,
    top_levels,
)

NUMBERS = st.one_of(st.floats(width=64), st.integers(-(10**6), 10**6).map(float), st.sampled_from([0.0, -0.0, 5e-324]))
FINITE = st.floats(-1e6, 1e6)


@given(reference=st.lists(FINITE, min_size=1, max_size=300), live=st.lists(st.none() | NUMBERS, max_size=50))
@settings(max_examples=150, deadline=None)
def test_a_column_is_counted_exactly_as_its_values_one_by_one(reference: list[float], live: list[float | None]) -> None:
    bins = number_bins(np.array(reference))
    one_by_one = [0] * bins.size
    for value in live + reference:
        one_by_one[bins.index(value)] += 1
    whole = pa.chunked_array([pa.array(live, pa.float64()), pa.array(reference, pa.float64())])
    assert bins.count(whole) == one_by_one
    assert bins.count(np.array([math.nan if v is None else v for v in live + reference])) == one_by_one
    assert bins.count(live + reference) == one_by_one


@given(st.lists(FINITE | st.sampled_from([0.0, 1.0, 7.0]), min_size=1, max_size=500))
@settings(max_examples=150, deadline=None)
def test_the_reference_fills_every_bin_of_its_own_and_nothing_outside(reference: list[float]) -> None:
    counts = number_bins(np.array(reference)).count(np.array(reference))
    assert counts[:FIRST] == [0, 0, 0, 0]
    assert all(counts[FIRST:])
    assert sum(counts) == len(reference)
    assert len(counts) - FIRST <= QUANTILE_BINS


@given(st.lists(st.none() | st.sampled_from(["a", "b", "", "zz"]), max_size=40))
def test_levels_are_counted_exactly_as_values_one_by_one(live: list[str | None]) -> None:
    bins = level_bins(["b", "a", ""])
    one_by_one = [0] * bins.size
    for value in live:
        one_by_one[bins.index(value)] += 1
    column = pa.array(live, pa.string())
    assert bins.count(column) == bins.count(column.dictionary_encode()) == bins.count(live) == one_by_one


def test_a_value_that_fills_a_quantile_has_a_bin_of_its_own() -> None:
    reference = np.concatenate([np.zeros(5000), np.random.default_rng(0).normal(0, 10, 5000)])
    bins = number_bins(reference)
    place = bins.index(0.0)
    assert bins.count(reference)[place] == 5000
    assert bins.index(math.nextafter(0.0, 1)) != place
    assert bins.index(math.nextafter(0.0, -1)) != place


def test_one_outlier_does_not_move_the_bins() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    plain, spoiled = number_bins(values), number_bins(np.append(values, 1e4))
    moved = [abs(a - b) for a, b in zip(plain.edges[:-1], spoiled.edges[:-1], strict=True)]
    assert max(moved) < 0.01


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, MISSING),
        (math.nan, MISSING),
        (Decimal("NaN"), MISSING),
        ("3", UNSEEN),
        (b"3", UNSEEN),
        ([3], UNSEEN),
        ({}, UNSEEN),
        (-1, BELOW),
        (-math.inf, BELOW),
        (4, ABOVE),
        (math.inf, ABOVE),
        (10**400, UNSEEN),
        (0, FIRST),
        (True, FIRST + 1),
        (3.0, FIRST + 3),
        (np.float32(2), FIRST + 2),
        (np.int64(2), FIRST + 2),
    ],
)
def test_any_value_at_all_has_a_place_among_numbers(value: Any, place: int) -> None:
    assert number_bins([0, 1, 2, 3]).index(value) == place


@pytest.mark.parametrize(
    ("value", "place"),
    [(None, MISSING), (math.nan, MISSING), ("b", FIRST), ("a", FIRST + 1), ("c", UNSEEN), (1, UNSEEN), ([], UNSEEN)],
)
def test_any_value_at_all_has_a_place_among_levels(value: Any, place: int) -> None:
    assert level_bins(["b", "a"]).index(value) == place


def test_a_text_column_where_numbers_belong_is_unseen_and_missing() -> None:
    assert number_bins([0.0, 1.0]).count(pa.array(["x", None, "1"])) == [1, 2, 0, 0, 0, 0]


def test_integers_with_nulls_are_read_as_the_numbers_they_are() -> None:
    bins = number_bins(pa.array([1, 2, None, 3]))
    assert bins.count(pa.chunked_array([pa.array([1, None]), pa.array([2, 9])])) == [1, 0, 0, 1, 1, 1, 0]


def test_an_empty_column_counts_nothing() -> None:
    assert number_bins([1.0]).count(pa.array([], pa.float64())) == [0] * 5
    assert level_bins(["a"]).count(pa.chunked_array([], pa.string())) == [0] * 5


def test_bins_survive_the_round_trip_through_json() -> None:
    for bins in (number_bins([0.1, 0.2, 0.7]), level_bins(["x", "y"])):
        assert from_json(bins.to_json()).to_json() == bins.to_json()


@pytest.mark.parametrize("values", [[], [None, math.nan], [math.inf], ["a"]])
def test_bins_cannot_be_made_of_nothing(values: list[Any]) -> None:
    with pytest.raises(BadInput):
        number_bins(values)


@pytest.mark.parametrize("edges", [[], [1.0], [1.0, 1.0], [2.0, 1.0], [math.nan, 1.0]])
def test_edges_that_do_not_increase_are_refused(edges: list[float]) -> None:
    with pytest.raises(BadInput):
        from_json({"kind": "number", "edges": edges})


def test_levels_given_twice_are_refused() -> None:
    with pytest.raises(BadInput):
        level_bins(["a", "a"])


def test_the_commonest_levels_come_first_and_the_rare_are_left_out() -> None:
    column = pa.chunked_array([pa.array(["b", "a", "c", None]), pa.array(["c", "a", "d"])])
    assert top_levels(column, 3) == ("a", "c", "b")
    assert top_levels(pa.array([None, None], pa.string())) == ()
