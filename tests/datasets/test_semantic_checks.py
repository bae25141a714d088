from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.datasets import diff, rowbits, rows
from core.datasets.arrangement import clustered
from core.datasets.contract import Column, Contract
from core.datasets.ingest import add
from core.datasets.leaks import giveaways
from core.datasets.load import write_parquet
from core.datasets.shifts import relabelled, unit_change
from core.desk import Desk
from core.measures.tables import MemoryTable

ROWS = 2000


def trips(seed: int, size: int = ROWS) -> dict[str, Any]:
    """An ordinary month: nothing of it depends on the month."""
    dice = np.random.default_rng(seed)
    return {
        "trip": np.arange(size) + seed * size,
        "temp": dice.normal(60, 10, size),
        "wind": dice.gamma(3, 4, size),
        "share": dice.beta(2, 5, size),
        "clock": dice.integers(5, 23, size) * 100 + dice.integers(0, 60, size),
        "city": dice.choice(["Boston", "Chicago", "Denver"], size, p=[0.5, 0.3, 0.2]),
        "late": dice.integers(0, 2, size),
    }


@pytest.fixture
def added(desk: Desk, tmp_path: Path) -> Callable[[dict[str, Any]], list[tuple[str | None, str]]]:
    """Adds a month, whatever its contract says of ranges and levels, and hands back the semantic findings."""

    def adder(columns: dict[str, Any]) -> list[tuple[str | None, str]]:
        number = len(rows.snapshots(desk.store, "trips"))
        path = tmp_path / f"{number}.parquet"
        write_parquet(path, [pa.table(columns)])
        found = add(desk, path, dataset="trips", label="late").findings
        return [(one.column, one.rule) for one in found if one.rule]

    return adder


@pytest.fixture
def wide(desk: Desk, added: Callable[[dict[str, Any]], Any]) -> None:
    """A first month, and a contract that leaves every value free."""
    from dataclasses import replace

    from core.datasets import verbs

    added(trips(1))
    contract = rows.contract(desk.store, "trips").contract
    free = [replace(c, min=None, max=None, levels=None) if c.use == "feature" else c for c in contract.columns]
    verbs.set_contract(desk, "trips", replace(contract, columns=tuple(free)))


@pytest.mark.usefixtures("wide")
def test_ordinary_months_raise_no_alarm(added: Callable[[dict[str, Any]], Any]) -> None:
    assert [found for seed in range(2, 12) for found in added(trips(seed))] == []


CHANGES: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("temp", "unit", lambda v: (v - 32) / 1.8),
    ("wind", "unit", lambda v: v * 1000),
    ("wind", "unit", lambda v: v * 0.001),
    ("wind", "unit", lambda v: v * 60),
    ("wind", "unit", lambda v: v * 1.609344),
    ("share", "unit", lambda v: v * 100),
    ("temp", "unit", lambda v: -v),
    ("clock", "unit", lambda v: v // 100 * 60 + v % 100),
    ("temp", "shift", lambda v: v + 15),
    ("city", "renamed", lambda v: np.char.upper(v)),
    ("city", "renamed", lambda v: np.where(v == "Denver", "DEN", v)),
]


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(("column", "rule", "change"), CHANGES, ids=[f"{c} {n}" for n, (c, _, _) in enumerate(CHANGES)])
def test_a_change_is_recognised_as_what_it_is(
    added: Callable[[dict[str, Any]], Any], column: str, rule: str, change: Callable[[Any], Any]
) -> None:
    month = trips(2)
    assert added({**month, column: change(month[column])}) == [(column, rule)]


@pytest.mark.usefixtures("wide")
def test_two_columns_that_changed_places_are_told_as_such(added: Callable[[dict[str, Any]], Any]) -> None:
    month = trips(2)
    found = added({**month, "temp": month["wind"], "wind": month["temp"]})
    assert sorted(found) == [("temp", "swapped"), ("wind", "swapped")]


@pytest.mark.usefixtures("wide")
def test_a_block_that_came_twice_is_told_with_its_place(
    desk: Desk, added: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    month = {name: values for name, values in trips(2).items() if name != "trip"}
    first = {name: np.r_[values, values[100:300]] for name, values in month.items()}
    path = tmp_path / "twice.parquet"
    write_parquet(path, [pa.table(first)])
    (found,) = [one for one in add(desk, path, dataset="fresh").findings if one.rule == "repeated_block"]
    assert (found.count, found.examples[0].row) == (200, ROWS + 1)
    assert "rows 2,001 to 2,200 are rows 101 to 300 again" in found.text


def test_levels_of_a_like_share_are_not_guessed_where_two_could_be_meant() -> None:
    assert relabelled({"a": 50, "b": 50}, {"c": 50, "d": 50}) == {}
    assert relabelled({"a": 70, "b": 30}, {"c": 70, "d": 30}) == {"a": "c", "b": "d"}
    assert relabelled({"New York ": 5, "x": 95}, {"new york": 5, "x": 95}) == {"New York ": "new york"}


def test_a_shift_that_no_unit_explains_is_no_unit_change() -> None:
    dice = np.random.default_rng(3)
    assert unit_change(dice.normal(0, 1, 900).tolist(), dice.normal(3, 1, 900).tolist()) is None


def test_leaks_of_any_shape_are_told_and_noise_and_keys_are_not() -> None:
    dice = np.random.default_rng(5)
    late = dice.integers(0, 2, ROWS)
    outside = dice.choice([-1, 1], ROWS) * dice.uniform(2, 3, ROWS)
    held = pa.table(
        {
            "late": late,
            "curved": np.where(late == 1, outside, dice.normal(0, 0.5, ROWS)),
            "word": np.where(late == 1, dice.choice(["x", "y"], ROWS), dice.choice(["z", "w"], ROWS)),
            "gap": pa.array(dice.normal(size=ROWS), mask=late == 1),
            "noise": dice.normal(size=ROWS),
            "many": [f"k{row % 900}" for row in range(ROWS)],
        }
    )
    kinds = {"late": "integer", "word": "text", "many": "text"}
    columns = tuple(
        Column(name, kinds.get(name, "number"), "label" if name == "late" else "feature") for name in held.column_names
    )
    found = giveaways(Contract(columns), held)
    assert [one.column for one in found] == ["curved", "word", "gap"]


def test_a_file_sorted_by_a_group_is_told_and_a_shuffled_one_is_not() -> None:
    dice = np.random.default_rng(6)
    city = dice.choice(["a", "b", "c"], ROWS)
    assert clustered(MemoryTable(pa.table({"city": city})), ["city"]) == []
    assert [one.rule for one in clustered(MemoryTable(pa.table({"city": np.sort(city)})), ["city"])] == ["order"]


@pytest.mark.usefixtures("wide")
def test_two_snapshots_are_compared_and_their_common_rows_counted(
    desk: Desk,
    added: Callable[[dict[str, Any]], Any],
    tocsin: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = trips(1), trips(2)
    added({name: np.r_[first[name][:500], second[name][500:]] for name in first})
    found = json.loads(tocsin("dataset", "overlap", "trips/1", "trips/2", "--json")[1])
    assert (found["shared"], found["rows"], found["share"]) == (500, ROWS, 0.25)
    monkeypatch.setattr(rowbits, "AT_ONCE", 300)
    old, new = rows.snapshots(desk.store, "trips")
    assert diff.overlap(desk, old, new, ["trip"]).shared == 500
    code, out, _ = tocsin("dataset", "diff", "trips/1", "trips/2", "--json")
    told = json.loads(out)
    assert (code, told["rows"], told["added"]) == (0, [ROWS, ROWS], [])
    assert tocsin("dataset", "diff", "trips/1", "trips/2")[0] == 0
    assert tocsin("dataset", "diff", "trips/1", "trips")[0] == 2
    assert tocsin("dataset", "overlap", "trips/1", "trips/2", "--by", "nothing")[0] == 2


def test_a_renamed_and_a_retyped_column_are_told(desk: Desk, tmp_path: Path) -> None:
    month = trips(1)
    renamed = {("degrees" if name == "temp" else name): values for name, values in trips(2).items()}
    for name, columns in (("a", month), ("b", {**renamed, "clock": [str(v) for v in renamed["clock"]]})):
        write_parquet(tmp_path / name, [pa.table(columns)])
        add(desk, tmp_path / name, dataset=name)
    found = diff.diff(desk, rows.snapshot(desk.store, "a"), rows.snapshot(desk.store, "b"))
    assert (found.added, found.removed, found.renamed) == (["degrees"], ["temp"], {"temp": "degrees"})
    assert found.retyped == {"clock": ("integer", "text")}
