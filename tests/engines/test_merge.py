"""Partial tallies merge into exactly what one pass gathers, wherever the rows are cut."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import facts
from core.datasets.profile import profile
from core.engines.engine import Before, Choice, Make, Readable
from core.engines.local import LocalEngine
from core.errors import BadInput, NotFound
from core.measures.compare import compare
from core.measures.exact import Moments
from core.measures.tables import MemoryTable, ParquetTable, Table


class Scattered(LocalEngine):
    """Every piece gathered apart, pickled there and back as on its way to another process."""

    def fold(self, table: Readable, wanted: dict[str, Make]) -> dict[str, Any]:  # type: ignore[override]
        whole = {name: make(Before()) for name, make in wanted.items()}
        rows, missing = 0, dict.fromkeys(wanted, 0)
        for piece in table.pieces([*wanted]):
            there = pickle.loads(pickle.dumps(piece))
            for name, make in wanted.items():
                tally = pickle.loads(pickle.dumps(make(Before(rows, missing[name]))))
                for batch in there.batches(name):
                    tally.add(batch)
                whole[name].merge(pickle.loads(pickle.dumps(tally)))
                missing[name] += piece.missing(name)
            rows += piece.rows
        return whole


class CutTable(MemoryTable):
    """A table cut where one says."""

    def __init__(self, table: pa.Table, cuts: Sequence[int]) -> None:
        super().__init__(table)
        self._cuts = [0, *sorted(min(cut, table.num_rows) for cut in cuts), table.num_rows]

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        for start, end in zip(self._cuts, self._cuts[1:], strict=False):
            yield MemoryTable(self._table.select([*names]).slice(start, end - start))


Row = tuple[float | None, int | None, str | None, bool | None, int | None]
row: st.SearchStrategy[Row] = st.tuples(
    st.none() | st.floats(allow_nan=False),
    st.none() | st.integers(-(2**62), 2**62),
    st.none() | st.text(max_size=2),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 2**50),
)
KINDS = (pa.float64(), pa.int64(), pa.string(), pa.bool_(), pa.timestamp("us", "UTC"))


def table_of(rows: Sequence[Row]) -> pa.Table:
    columns = [pa.array([each[place] for each in rows], kind) for place, kind in enumerate(KINDS)]
    return pa.table(columns, names=["x", "whole", "text", "yes", "at"])


@given(st.lists(row, max_size=60), st.lists(st.integers(0, 60), max_size=6), st.integers(1, 20))
def test_any_split_of_the_rows_gives_the_same_profile(rows: list[Row], cuts: list[int], kept: int) -> None:
    table = table_of(rows)
    with pytest.MonkeyPatch.context() as patch:
        # So few that estimates and sparse samples come about.
        patch.setattr(facts, "DISTINCT_KEPT", kept)
        patch.setattr(facts, "SAMPLE", kept)
        whole = profile(table)
        assert json.dumps(profile(CutTable(table, cuts), engine=Scattered())) == json.dumps(whole)


@given(st.lists(row, max_size=60), st.lists(st.integers(0, 60), max_size=6), st.integers(0, 60))
def test_any_split_of_two_tables_gives_the_same_comparison(rows: list[Row], cuts: list[int], half: int) -> None:
    first, second = table_of(rows[:half]), table_of(rows[half:])
    whole = compare(MemoryTable(first), MemoryTable(second))
    assert repr(compare(CutTable(first, cuts), CutTable(second, cuts), engine=Scattered())) == repr(whole)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_the_mean_is_the_nearest_double_and_the_deviation_right_to_its_last_place(values: list[float]) -> None:
    moments = Moments()
    moments.add(np.array(values))
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    assert moments.mean == float(mean)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    near = (math.nextafter(moments.std, 0), math.nextafter(moments.std, math.inf))
    assert Fraction(near[0]) ** 2 <= variance <= Fraction(near[1]) ** 2


@pytest.mark.parametrize("group", [1000, 70_001, 300])
def test_the_bytes_of_row_groups_are_read_as_the_file_is(tmp_path: Path, group: int) -> None:
    draw = np.random.default_rng(4)
    table = pa.table(
        {
            "x": pa.array(draw.normal(size=100_000), mask=draw.random(100_000) < 0.1),
            "text": draw.choice(["a", "b", "c"], 100_000),
            "unique": [f"{value}" for value in range(100_000)],
            "yes": draw.random(100_000) < 0.5,
        }
    )
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=group, compression="zstd")
    whole = profile(ParquetTable(path))
    assert profile(ParquetTable(path), engine=Scattered()) == whole
    assert whole == profile(table)
    assert 0 < len([*ParquetTable(path).pieces(["x"])]) <= 67
    sides = ParquetTable(path), MemoryTable(table.slice(0, 5000))
    assert compare(*sides, engine=Scattered()) == compare(*sides)


def test_an_empty_table_has_a_profile_too(tmp_path: Path) -> None:
    pq.write_table(table_of([]), tmp_path / "empty.parquet")
    empty = ParquetTable(tmp_path / "empty.parquet")
    assert profile(empty, engine=Scattered()) == profile(empty)


@pytest.mark.parametrize(
    ("args", "said"),
    [({"address": "tcp://a:1"}, "has no address"), ({"engine": "dask"}, "needs an address")],
)
def test_half_a_choice_is_refused(args: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Choice.of(args)


def test_an_engine_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="'spark'") as caught:
        Choice.of({"engine": "spark", "address": "x"}).open(1)
    assert caught.value.hint.startswith("installed:")
