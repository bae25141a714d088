from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import edit, rowbits
from core.datasets.check import Before, check
from core.datasets.contract import Column, Contract, RowLimits, Rule
from core.datasets.finding import Finding
from core.datasets.load import write_parquet
from core.datasets.normal import normal
from core.errors import BadInput
from core.measures.tables import MemoryTable, ParquetTable

KINDS = {"a": "integer", "b": "number", "t": "text", "at": "time"}
COLUMNS = tuple(Column(name, kind, "time" if kind == "time" else "feature") for name, kind in KINDS.items())


def table(**columns: list[Any]) -> pa.Table:
    made = normal(pa.table({name: values for name, values in columns.items() if name != "at"}))
    times = columns.get("at")
    return made if times is None else made.append_column("at", pa.array(times, pa.timestamp("us", "UTC")))


def told(contract: Contract, held: pa.Table, **more: Any) -> list[Finding]:
    return [one for one in check(contract, held, **more) if "is missing" not in one.text]


def test_a_rule_between_columns_names_the_rows_that_break_it_and_passes_over_the_missing() -> None:
    contract = Contract(COLUMNS, rules=(Rule("a <= b", "in order"),))
    (found,) = told(contract, table(a=[1, 5, None, 9], b=[2.0, 4.0, 1.0, 8.5]))
    assert str(found) == "the rule 'in order' does not hold in 2 of 4 rows (50.0%)"
    assert [(one.row, one.values) for one in found.examples] == [(2, {"a": 5, "b": 4.0}), (4, {"a": 9, "b": 8.5})]


def test_a_rule_may_say_true_where_a_value_is_missing() -> None:
    contract = Contract(COLUMNS, rules=(Rule("if(missing(b), a > 0, true)"),))
    (found,) = told(contract, table(a=[1, -1, -1], b=[None, None, 3.0]))
    assert [one.row for one in found.examples] == [2]


def test_a_rule_that_the_columns_do_not_fit_is_refused_with_its_position() -> None:
    data = Contract(COLUMNS).to_json()
    with pytest.raises(BadInput, match="rule 'a <= c': position 6"):
        Contract.from_json({**data, "rules": [{"expression": "a <= c"}]})
    with pytest.raises(BadInput, match="is a text"):
        Contract.from_json({**data, "rules": [{"expression": "t"}]})


def test_a_contract_of_format_2_comes_back_from_json_and_toml_and_format_1_is_still_read() -> None:
    contract = Contract(
        (*COLUMNS[:2], replace(COLUMNS[2], pattern="[A-Z]+", null_share=0.1), COLUMNS[3]),
        rows=RowLimits(10, 20, 3.0),
        unique_together=(("a", "t"),),
        rules=(Rule("a <= b"),),
        in_order=True,
    )
    assert edit.read(edit.as_text(contract)) == contract
    toml = 'format = 2\nstrict = true\n[rows]\nleast = 5\n[[columns]]\nname = "a"\ntype = "integer"\nuse = "feature"\n'
    assert edit.read(toml) == Contract(COLUMNS[:1], rows=RowLimits(5), strict=True)
    old = {"format": 1, "freshness_us": None, "columns": [{"name": "a", "type": "integer", "use": "feature"}]}
    assert Contract.from_json(old) == Contract(COLUMNS[:1])


WRONG = [
    ({"rows": {"least": 0}}, "least is 0"),
    ({"rows": {"least": 9, "most": 2}}, "least is above most"),
    ({"rows": {"jump": 1}}, "jump is 1"),
    ({"unique_together": [["a", "z"]]}, "no column 'z'"),
    ({"strict": 1}, "strict is 1"),
    ({"columns": [{"name": "t", "type": "text", "use": "feature", "pattern": "("}]}, "pattern"),
    ({"columns": [{"name": "t", "type": "text", "use": "feature"}], "in_order": True}, "use time"),
]


@pytest.mark.parametrize(("change", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_a_contract_of_format_2_cannot_say_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Contract.from_json({**Contract(COLUMNS).to_json(), **change})
    assert says in caught.value.message


def test_row_counts_are_held_against_limits_and_the_last_snapshot() -> None:
    contract = Contract(COLUMNS, rows=RowLimits(3, 4, 2.0))
    assert [one.rule for one in told(contract, table(a=[1, 2]), before=Before(5))] == ["rows", "rows"]
    assert told(contract, table(a=[1, 2, 3]), before=Before(6)) == []
    assert told(contract, table(a=[1, 2, 3])) == []


def test_a_key_of_two_columns_is_found_repeated_and_one_with_a_missing_part_is_not_compared() -> None:
    contract = Contract(COLUMNS, unique_together=(("a", "t"),))
    held = table(a=[1, 1, 1, None, None, 2], t=["x", "y", "x", "x", "x", "x"])
    (found,) = told(contract, held)
    assert (found.count, [one.row for one in found.examples]) == (1, [3])


def test_a_pattern_is_matched_whole_and_a_share_of_missing_values_is_a_limit_of_its_own() -> None:
    column = replace(COLUMNS[2], pattern="[A-Z]{2}", null_share=0.25, tolerance=0.0)
    found = told(Contract((column,)), table(t=["AB", "ABC", None, None]))
    assert [(one.rule, one.count) for one in found] == [("missing", 2), ("pattern", 1)]
    assert told(Contract((column,)), table(t=["AB", "CD", "EF", None])) == []


def test_times_run_forward_in_a_file_and_from_one_snapshot_to_the_next() -> None:
    contract = Contract(COLUMNS, in_order=True, after_last=True)
    found = told(contract, table(a=[1, 2, 3], at=[10, 30, 20]), before=Before(3, 15))
    assert [(one.rule, [each.row for each in one.examples]) for one in found] == [("order", [3]), ("after_last", [1])]


def test_a_sensitive_value_is_masked_in_examples_and_words() -> None:
    column = Column("t", "text", "feature", levels=("A",), sensitive="mask")
    (found,) = told(Contract((column,)), table(t=["A", "secret"]))
    assert "secret" not in json.dumps(found.to_json())
    assert found.examples[0].values == {"t": "[masked]"}


def test_a_finding_comes_back_from_its_json() -> None:
    (found,) = told(Contract(COLUMNS, rules=(Rule("a <= b"),)), table(a=[5], b=[1.0]))
    assert Finding.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_more_than_ten_offending_rows_are_counted_and_ten_named() -> None:
    (found,) = told(Contract(COLUMNS, rules=(Rule("a > 100"),)), table(a=list(range(1, 51))))
    assert (found.count, [one.row for one in found.examples]) == (50, list(range(1, 11)))


ROWS = st.lists(st.tuples(st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, "", "x", "y"])), min_size=1)


@given(ROWS, st.integers(1, 4))
def test_repeated_rows_are_those_python_finds_however_many_parts_they_are_read_in(
    rows: list[tuple[Any, Any]], parts: int
) -> None:
    held = MemoryTable(table(a=[row[0] for row in rows], t=[row[1] for row in rows]))
    expected = [place for place, row in enumerate(rows) if row in rows[:place]]
    found = rowbits.repeats(lambda: rowbits.row_bits(held, ["a", "t"], whole=True), len(rows))
    assert (found.count, list(found.places)) == (len(expected), expected)


def test_a_block_of_rows_that_comes_twice_is_found_in_parts_as_in_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    dice = np.random.default_rng(4)
    values = dice.normal(size=1000)
    values[600:700] = values[100:200]
    write_parquet(tmp_path / "x", [pa.table({"b": values})])
    held = ParquetTable(tmp_path / "x")

    def found() -> rowbits.Repeats:
        return rowbits.repeats(lambda: rowbits.row_bits(held, ["b"]), held.rows)

    once = found()
    assert (once.count, once.block) == (100, (600, 100, 100))
    monkeypatch.setattr(rowbits, "AT_ONCE", 300)
    assert found() == once
