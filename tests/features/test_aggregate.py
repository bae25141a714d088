from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.features.aggregate import values_at
from core.features.declared import Aggregate
from core.features.events import events_of, keyed
from core.features.window import key_text, value_at

HOWS = ("mean", "sum", "count", "max", "min", "last")
Row = tuple[int, int | None, str | None, float | None]
NUMBERS = st.one_of(
    st.integers(-5, 5).map(float), st.floats(-1e9, 1e9), st.sampled_from([0.1, 0.2, 0.3, -0.0, 1e16, -1e16, 5e-324])
)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.one_of(st.none(), st.integers(0, 40)),
        st.sampled_from(["a", "b", None]),
        st.one_of(st.none(), NUMBERS),
    ),
    max_size=25,
)


def aggregate(how: str = "mean", over_us: int = 10, **fields: Any) -> Aggregate:
    """An aggregate of `v` by `k`; its window in microseconds, which no file can write."""

    class Short(Aggregate, frozen=True):
        @property
        def over_us(self) -> int:
            return over_us

    plain = {"name": "g", "source": "s", "key": ("k",), "value": "v", "over": "1s", "known": "known", **fields}
    return Short(how=how, **plain)  # type: ignore[arg-type]


def table_of(rows: list[Row]) -> tuple[Any, Any]:
    instants = pa.array([known for _, known, _, _ in rows], pa.int64()).cast(pa.timestamp("us", "UTC"))
    columns = {
        "known": instants,
        "k": pa.array([key for _, _, key, _ in rows], pa.string()),
        "v": pa.array([value for *_, value in rows], pa.float64()),
    }
    return pa.table(columns), np.array([row[0] for row in rows], dtype=np.int64)


def whole(spec: Aggregate, rows: list[Row], asked: list[tuple[int, str | None]]) -> list[float]:
    table, times = table_of(rows)
    events = events_of(spec, table, times)
    keys, codes = keyed(spec, pa.table({"k": pa.array([key for _, key in asked], pa.string())}))
    at = np.array([at for at, _ in asked], dtype=np.int64)
    return list(values_at(events, spec.how, spec.over_us, keys, codes, at).tolist())


def brute(spec: Aggregate, rows: list[Row], at: int, key: str | None) -> float:
    """Every row looked at for every question."""
    if spec.key and key is None:
        return math.nan
    found = []
    for time, known, of, value in rows:
        if value is None or known is None or (spec.key and of != key):
            continue
        when = max(known, time + 1)
        if at - spec.over_us < when <= at:
            found.append((when, value))
    values = [value for _, value in sorted(found)]
    if spec.how == "count":
        return float(len(values))
    if not values:
        return math.nan
    total = math.fsum(values) + 0.0
    rules = {"max": max(values), "min": min(values), "last": values[-1], "sum": total, "mean": total / len(values)}
    return float(rules[spec.how])


def same(left: float, right: float) -> bool:
    return left == right or (left != left and right != right)


@given(st.sampled_from(HOWS), st.integers(1, 20), ROWS, st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc"))))
def test_whole_columns_are_what_every_pair_of_rows_says(
    how: str, over: int, rows: list[Row], asked: list[tuple[int, str]]
) -> None:
    spec = aggregate(how, over)
    wanted = [brute(spec, rows, at, key) for at, key in asked]
    found = whole(spec, rows, [*asked])
    assert all(same(a, b) for a, b in zip(found, wanted, strict=True)), (found, wanted)


@given(st.sampled_from(HOWS), st.integers(1, 20), ROWS, st.integers(0, 60))
def test_one_key_at_one_instant_is_the_whole_column_to_the_last_bit(
    how: str, over: int, rows: list[Row], at: int
) -> None:
    spec = aggregate(how, over)
    table, times = table_of(rows)
    events = events_of(spec, table, times)
    for place, key in enumerate(events.keys):
        mine = events.codes == place
        alone = value_at(events.known_us[mine].tolist(), events.values[mine].tolist(), how, over, at)
        (column,) = whole(spec, rows, [(at, str(key)[2:-2])])
        assert same(alone, column)
        assert math.copysign(1, alone) == math.copysign(1, column) or alone != alone


@given(st.sampled_from(HOWS), ROWS)
def test_without_a_key_all_rows_make_one_value(how: str, rows: list[Row]) -> None:
    spec = aggregate(how, key=())
    assert all(
        same(found, brute(spec, rows, at, None))
        for at, found in zip((5, 25), whole(spec, rows, [(5, "a"), (25, None)]), strict=True)
    )


@given(st.sampled_from(HOWS), ROWS, st.integers(0, 40))
def test_what_is_known_a_microsecond_later_changes_nothing(how: str, rows: list[Row], at: int) -> None:
    spec = aggregate(how, 50)
    later: list[Row] = [(0, at + 1, "a", 1e6), (at, 0, "a", 1e6), (at, None, "a", 1e6)]
    before = whole(spec, rows, [(at, "a")])
    assert all(same(a, b) for a, b in zip(before, whole(spec, [*rows, *later], [(at, "a")]), strict=True))


@pytest.mark.parametrize(
    ("known", "asked", "counted"),
    [(100, 99, 0), (100, 100, 1), (100, 109, 1), (100, 110, 0)],
    ids=["a microsecond early", "at the instant it is known", "at the window's far end", "out of the window"],
)
def test_a_window_is_open_at_its_start_and_closed_at_its_end(known: int, asked: int, counted: int) -> None:
    assert whole(aggregate("count", 10), [(1, known, "a", 3.0)], [(asked, "a")]) == [counted]


def test_no_row_sees_its_own_value_nor_one_of_its_instant() -> None:
    rows: list[Row] = [(7, 7, "a", 1.0), (7, 3, "a", 1.0), (6, 6, "a", 5.0)]
    assert whole(aggregate("sum"), rows, [(6, "a"), (7, "a"), (8, "a")])[1:] == [5.0, 7.0]
    at_once = aggregate("sum", known="", delay="")
    assert whole(at_once, rows, [(7, "a"), (8, "a")]) == [5.0, 7.0]


def test_a_delay_is_when_values_are_known() -> None:
    late = aggregate("count", 2_000_000, known="", delay="3s")
    assert whole(late, [(0, None, "a", 1.0)], [(2_999_999, "a"), (3_000_000, "a"), (5_000_000, "a")]) == [0, 1, 0]


def test_values_may_be_expressions_and_keys_numbers() -> None:
    table = pa.table({"n": [5, 5, 6], "flag": [True, False, True], "v": [15.0, 14.0, None]})
    spec = aggregate("mean", 100, key=("n",), value="v >= 15", known="", delay="")
    found = events_of(spec, table, np.array([1, 2, 3]))
    assert (found.keys, found.values.tolist()) == ([key_text(5), key_text(6)], [1.0, 0.0])
    assert key_text(5) == key_text(5.0) != key_text("5")
    assert key_text("a", None) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": ("nosuch",)}, "aggregate 'g': s has no column 'nosuch'"),
        ({"value": "nosuch > 1"}, "aggregate 'g': s has no column 'nosuch'"),
        ({"value": "k"}, "its value is a text"),
        ({"known": "v"}, "'v' holds no times"),
    ],
)
def test_what_does_not_fit_the_source_is_named(fields: dict[str, Any], words: str) -> None:
    table, times = table_of([(1, 2, "a", 1.0)])
    with pytest.raises(BadInput) as said:
        events_of(aggregate(**fields), table, times)
    assert words in said.value.message


def test_sums_are_exact_however_the_values_are_spread() -> None:
    draw = random.Random(3)
    values = [draw.choice([1e-9, 0.1, 1e16, 3.0]) * draw.uniform(-1, 1) for _ in range(400)]
    rows: list[Row] = [(i, i, "a", value) for i, value in enumerate(values)]
    asked = [(i, "a") for i in range(1, 400, 7)]
    found = whole(aggregate("sum", 60), rows, [*asked])
    assert found == [math.fsum(values[max(0, at - 60) : at]) for at, _ in asked]
