from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import DAY, HOUR, MINUTE
from core.counts import histogram, series, vector
from core.counts.series import SeriesKey
from core.desk import Desk
from core.errors import StoreUnusable

NAMES = itertools.count()
KEY = SeriesKey("requests", "m", 1, "e")
vectors = st.lists(st.integers(0, 2**40), max_size=80)


@given(vectors)
def test_a_vector_survives_its_encoding(vec: list[int]) -> None:
    assert vector.decode(vector.encode(vec)) == vec
    wire = vector.sparse(vec)
    assert vector.dense(wire["i"], wire["n"], wire["len"]) == vec  # type: ignore[arg-type]


@given(vectors, vectors, vectors)
def test_adding_is_commutative_and_associative_and_has_a_zero(a: list[int], b: list[int], c: list[int]) -> None:
    assert vector.add(a, b) == vector.add(b, a)
    assert vector.add(vector.add(a, b), c) == vector.add(a, vector.add(b, c))
    assert vector.add(a, []) == a


@given(st.binary(max_size=40))
def test_any_bytes_decode_to_counts_or_to_a_clear_error(blob: bytes) -> None:
    try:
        assert all(count >= 0 for count in vector.decode(blob))
    except StoreUnusable as error:
        assert "damaged" in error.message


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        vector.encode([1, -1])


def test_a_mostly_empty_vector_takes_few_bytes() -> None:
    assert len(vector.encode([0] * 255 + [7])) <= 8


@given(st.integers(0, 5 * DAY), st.integers(0, 5 * DAY))
def test_pieces_cover_a_window_exactly_once(start: int, length: int) -> None:
    start, end = start - start % MINUTE, start + length - (start + length) % MINUTE
    cut = series.pieces(start, end)
    assert sum(b - a for _, a, b in cut) == max(0, end - start)
    assert all(a % grain == 0 and (b - a) % grain == 0 for grain, a, b in cut)
    edges = [edge for _, a, b in cut for edge in (a, b)]
    assert edges == sorted(edges)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    minutes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 50)), min_size=1, max_size=12),
    window=st.tuples(st.integers(0, 4200), st.integers(0, 4200)),
)
def test_any_window_reads_the_sum_of_its_minutes(
    desk: Desk, minutes: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    key = SeriesKey("requests", "m", 1, "e", str(next(NAMES)))
    with desk.write() as tx:
        for minute, count in minutes:
            series.add(tx, key, minute * MINUTE, [count, 1])
    start, end = sorted(window)
    inside = [count for minute, count in minutes if start <= minute < end]
    total = series.read_sum(desk.store, key, start * MINUTE, end * MINUTE)
    assert total == ([sum(inside), len(inside)] if inside else [])


def test_forgetting_minutes_keeps_the_hours_and_days(desk: Desk) -> None:
    with desk.write() as tx:
        series.add(tx, KEY, 5 * MINUTE, [3])
        series.add(tx, KEY, 2 * HOUR, [4])
    with desk.write() as tx:
        assert series.forget(tx, MINUTE, DAY) == 2
    assert series.read_sum(desk.store, KEY, 0, DAY) == [7]
    assert series.read_sum(desk.store, KEY, 0, HOUR) == [3]


def test_a_window_that_does_not_begin_a_minute_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="whole minutes"), desk.write() as tx:
        series.add(tx, KEY, 1, [1])


@given(st.floats(1.5, 3e8))
def test_a_latency_is_known_within_one_percent(us: float) -> None:
    value = histogram.latency_value(histogram.latency_bin(us))
    assert abs(value - us) / us <= 0.0101


def test_a_quantile_is_the_value_that_the_share_stays_under() -> None:
    counts = [0] * histogram.BINS
    for us in range(1000, 2000):
        counts[histogram.latency_bin(us)] += 1
    assert histogram.quantile(counts, 0.95) == pytest.approx(1950, rel=0.02)
    assert histogram.quantile([0] * histogram.BINS, 0.5) is None
    assert histogram.at_most(counts, 1500) == pytest.approx(500, abs=30)


def test_adding_many_at_once_is_adding_each(desk: Desk) -> None:
    together, apart = SeriesKey("requests", "m", 1, "together"), SeriesKey("requests", "m", 1, "apart")
    minutes = [(3, [1, 0]), (61, [2, 1]), (62, [4, 0]), (24 * 60, [8, 0])]
    with desk.write() as tx:
        series.add_all(tx, {(together, minute * MINUTE): vec for minute, vec in minutes})
        for minute, vec in minutes:
            series.add(tx, apart, minute * MINUTE, vec)
    for grain in (MINUTE, HOUR, DAY):
        both = [series.read_steps(desk.store, key, 0, 2 * DAY, grain) for key in (together, apart)]
        assert both[0] == both[1]
        assert both[0]


def test_distributions_are_kept_by_the_hour_and_read_in_whole_hours(desk: Desk) -> None:
    key = SeriesKey("feature", "m", 1, "e", "age")
    with desk.write() as tx:
        series.add(tx, key, 5 * MINUTE, [3])
        series.add(tx, key, HOUR, [4])
    assert series.read_steps(desk.store, key, 0, DAY, MINUTE) == []
    assert series.read_sum(desk.store, key, 10 * MINUTE, 20 * MINUTE) == [3]
    assert series.read_sum(desk.store, key, 10 * MINUTE, 61 * MINUTE) == [7]
