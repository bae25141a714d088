from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.tables import open_table
from core.errors import BadInput, NotFound
from core.measures import distance
from core.measures.compare import Comparison, compare
from core.measures.grid import Grid
from core.measures.tables import MemoryTable


def frame(rows: int, seed: int, shift: float = 0.0, **more: Any) -> pa.Table:
    draw = np.random.default_rng(seed)
    return pa.table(
        {
            "x": draw.normal(shift, 1, rows),
            "steady": draw.normal(size=rows),
            "count": draw.poisson(3, rows),
            "level": draw.choice(["a", "b", "c"], rows),
            **more,
        }
    )


def in_memory(reference: pa.Table, current: pa.Table, **how: Any) -> Comparison:
    return compare(MemoryTable(reference), MemoryTable(current), **how)


def test_the_shifted_column_is_found_and_no_other() -> None:
    found = in_memory(frame(5000, 1), frame(4000, 2, shift=0.6))
    assert found.drifted == ["x"]
    assert (found.reference_rows, found.current_rows) == (5000, 4000)
    assert [column.n for column in found.columns] == [4000] * 4


def test_counts_are_the_same_streamed_from_a_file_in_memory_and_on_two_threads(tmp_path: Path) -> None:
    sides = [frame(300_000, 1), frame(200_000, 2, shift=0.1)]
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for side, path in zip(sides, paths, strict=True):
        pq.write_table(side, path, row_group_size=70_001)
    streamed = compare(*map(open_table, paths), threads=2)
    assert streamed.columns == in_memory(*sides).columns


def test_nulls_and_not_a_numbers_are_missing_and_every_other_row_is_counted(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=400_000)
    values[::5] = np.nan
    null = np.arange(400_000) % 7 == 0
    pq.write_table(pa.table({"x": pa.array(values, mask=null)}), tmp_path / "x.parquet")
    table = open_table(tmp_path / "x.parquet")
    found = compare(table, table).columns[0]
    assert found.n == int((~null & ~np.isnan(values)).sum())
    assert found.missing_rate == (400_000 - found.n) / 400_000
    assert found.psi == 0


@settings(max_examples=60, deadline=None)
@given(
    edges=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=70, unique=True).map(sorted),
    values=st.lists(st.floats(allow_nan=False), max_size=50),
    seed=st.integers(0, 1000),
    scale=st.floats(1e-3, 1e6),
)
def test_the_grid_counts_exactly_what_a_search_does(
    edges: list[float], values: list[float], seed: int, scale: float
) -> None:
    draw = np.random.default_rng(seed)
    every = np.concatenate([values, edges, np.nextafter(edges, -np.inf), draw.normal(0, scale, 500)])
    grid = Grid(edges, draw.normal(0, scale, 200))
    expected = np.bincount(np.searchsorted(edges, every, side="right"), minlength=len(edges) + 1)
    assert grid.count(every).tolist() == expected.tolist()


@pytest.mark.parametrize("sample", [[], [1.0], [1.0] * 50, [0.0, 5e-324]])
def test_the_grid_counts_exactly_where_its_sample_says_little(sample: list[float]) -> None:
    grid = Grid([0.0, 1.0, 2.0], np.array(sample))
    assert grid.count(np.array([-1.0, 0.0, 0.5, 1.0, 9.0])).tolist() == [1, 2, 1, 1]


def test_ks_is_within_one_bin_of_the_raw_statistic() -> None:
    sides = [frame(6000, 1), frame(5000, 2, shift=0.4)]
    found = {column.name: column for column in in_memory(*sides).columns}
    raw = distance.kolmogorov_smirnov_raw(*(side["x"].to_pylist() for side in sides))
    assert found["x"].ks == pytest.approx(raw, abs=1 / 64)


def test_missing_values_jump_without_hiding_in_a_distance() -> None:
    gone = pa.array(np.random.default_rng(5).normal(size=3000), mask=np.arange(3000) % 10 != 0)
    current = frame(3000, 2).set_column(1, "steady", gone)
    found = {column.name: column for column in in_memory(frame(3000, 1), current).columns}
    assert found["steady"].missing_rate == 0.9
    assert found["steady"].missing_jumped
    assert not found["steady"].drifted


def test_columns_that_cannot_be_compared_are_named_with_the_reason() -> None:
    rows = 60_000
    keys = [f"k{n}" for n in range(rows)]
    times = pa.array(range(rows), pa.timestamp("us"))
    nothing = pa.array([None] * rows, pa.float64())
    left = frame(rows, 1, key=keys, at=times, empty=nothing, turned=[1.0] * rows, gone=[1] * rows)
    right = frame(rows, 2, key=keys, at=times, empty=nothing, turned=["1"] * rows, new=[1] * rows)
    found = in_memory(left, right)
    assert found.skipped == {
        "at": "neither a number nor a category",
        "empty": "no numbers in the reference",
        "gone": "only in the reference",
        "key": "more than 50,000 values",
        "new": "only in the current table",
        "turned": "a number in the reference, a category in the current table",
    }
    assert found.drifted == []


def test_booleans_decimals_and_dictionaries_are_compared_as_what_they_mean() -> None:
    from decimal import Decimal

    def table(flags: list[bool], low: int) -> pa.Table:
        return pa.table(
            {
                "flag": flags,
                "price": [Decimal(low + n % 7) for n in range(1000)],
                "kind": pa.array(["p", "q"] * 500).dictionary_encode(),
            }
        )

    found = in_memory(table([True] * 1000, 0), table([False] * 1000, 9))
    assert found.drifted == ["flag", "price"]
    assert found.skipped == {}


def test_csv_files_are_compared_as_parquet_ones_are(tmp_path: Path) -> None:
    sides = [frame(2000, 1), frame(2000, 2, shift=1.0)]
    for number, side in enumerate(sides):
        pyarrow.csv.write_csv(side, tmp_path / f"{number}.csv")
    found = compare(open_table(tmp_path / "0.csv"), open_table(tmp_path / "1.csv"))
    assert found.drifted == ["x"]


def test_an_empty_current_table_is_not_enough_data() -> None:
    found = in_memory(frame(2000, 1), frame(0, 2))
    assert found.drifted == []
    assert not any(column.enough for column in found.columns)


def test_files_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(BadInput, match="not a readable Parquet"):
        open_table(damaged)
    with pytest.raises(NotFound):
        open_table(tmp_path / "nowhere.csv")
