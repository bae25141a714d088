from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.check import check
from core.datasets.contract import Column, Contract, infer
from core.datasets.normal import normal
from core.datasets.profile import profile
from core.datasets.semantics import compare, giveaways
from core.errors import BadInput

VALUES = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53)), min_size=1),
    st.lists(st.one_of(st.none(), st.floats(allow_infinity=False, width=32)), min_size=1),
    st.lists(st.one_of(st.none(), st.text("abcd", max_size=3)), min_size=1),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1),
)


def table(**columns: list[Any]) -> pa.Table:
    return normal(pa.table(columns))


def found(column: Column, **columns: list[Any]) -> list[str]:
    return [f"{finding.severity}: {finding}" for finding in check(Contract((column,)), table(**columns))]


@given(VALUES)
def test_a_table_keeps_the_contract_inferred_from_it(values: list[Any]) -> None:
    held = table(x=values)
    errors = [finding for finding in check(infer(profile(held)), held) if finding.severity == "error"]
    assert errors == []


@given(VALUES)
def test_a_contract_comes_back_from_its_json(values: list[Any]) -> None:
    contract = infer(profile(table(x=values, y=values)), label="y")
    assert Contract.from_json(contract.to_json()) == contract


def test_a_season_fits_the_inferred_range_and_a_sentinel_does_not() -> None:
    column = infer(profile(table(temp=[20.0, 30.0, 60.0])), label="x").columns[0]
    assert (column.min, column.max) == (-20.0, 100.0)
    assert found(column, temp=[95.0, 61.0]) == []
    assert found(column, temp=[-9999.0, 61.0]) == ["error: temp: is below -20 in 1 of 2 rows (50.0%)"]


def test_uses_are_inferred_so_that_only_inputs_are_features() -> None:
    from datetime import UTC, datetime

    rows = 1200
    contract = infer(
        profile(
            table(
                key=list(range(rows)),
                at=[datetime(2013, 4, 1, tzinfo=UTC)] * rows,
                note=[f"note {row // 2} {row % 2}" for row in range(rows - 1)] + ["note 0 0"],
                grade=["A", "B"] * (rows // 2),
                paid=[0, 1] * (rows // 2),
                outcome=[1, 0] * (rows // 2),
            )
        ),
        label="outcome",
        leaks=("paid",),
    )
    uses = {column.name: column.use for column in contract.columns}
    assert uses == {"key": "id", "at": "time", "note": "other", "grade": "feature", "paid": "leak", "outcome": "label"}


def test_two_columns_of_times_are_no_guess() -> None:
    from datetime import UTC, datetime

    moments = [datetime(2013, 4, 1, tzinfo=UTC), datetime(2013, 4, 2, tzinfo=UTC)]
    facts = profile(table(a=moments, b=moments))
    assert infer(facts).time_column is None
    assert infer(facts, time_column="b").time_column == "b"


def test_a_break_is_an_error_and_a_strain_within_tolerance_a_warning() -> None:
    column = Column("g", "text", "feature", levels=("A", "B"), tolerance=0.01)
    assert found(column, g=["A"] * 99 + ["Z"]) == [
        "warning: g: is none of the 2 known levels (as 'Z') in 1 of 100 rows (1.0%)"
    ]
    assert found(column, g=["A"] * 98 + ["Z", "Y"])[0].startswith("error: g: is none of the 2 known levels")


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ([0, 1], (0, 1)),
        ([0, 1, None], (0, 1)),
        ([-1, 1], (-1, 1)),
        ([2, 1, 3], (1, 2, 3)),
        ([1, 2, 4], None),
        (list(range(11)), None),
        ([1, 1], None),
        ([0.0, 0.5], None),
    ],
)
def test_a_label_of_few_whole_numbers_gets_them_as_its_only_values(
    label: list[Any], values: tuple[int, ...] | None
) -> None:
    column = infer(profile(table(y=label)), label="y").columns[0]
    assert column.values == values
    assert values is None or (column.min, column.max, column.tolerance) == (None, None, 0.0)


def test_a_feature_of_nothing_but_0_and_1_is_no_range_once_enough_rows_show_it() -> None:
    assert infer(profile(table(x=[0, 1] * 25))).columns[0].values == (0, 1)
    few = infer(profile(table(x=[0, 1] * 24, month=[1, 2] * 24))).columns
    assert [(one.values, one.min, one.max) for one in few] == [(None, -1, 2), (None, 0, 3)]
    assert infer(profile(table(month=[1, 2, 3] * 25))).columns[0].values is None


@pytest.mark.parametrize("strange", [2, -1, 0.5])
def test_a_value_that_is_no_class_breaks_a_label_once_it_is_there(strange: float) -> None:
    column = infer(profile(table(y=[0, 1])), label="y").columns[0]
    assert found(column, y=[0, 1, 1]) == []
    kept = Column("y", "number", "label", values=(0, 1), tolerance=0.0)
    assert found(kept, y=[0] * 999 + [strange]) == [
        f"error: y: is none of 0, 1 (as {strange:g}) in 1 of 1,000 rows (0.1%)"
    ]


def test_a_contract_from_before_there_were_values_reads_as_it_was() -> None:
    old = {"name": "y", "type": "integer", "use": "label", "min": -1, "max": 2}
    assert found(Contract.from_json({"columns": [old]}).columns[0], y=[0, 1, 2, -1]) == []
    kept = Contract((Column("y", "integer", "label", values=(0, 1)),))
    assert Contract.from_json(kept.to_json()) == kept


def test_missing_values_break_a_column_that_may_not_be_empty() -> None:
    column = Column("x", "number", "feature", nullable=False)
    assert found(column, x=[1.0, None]) == ["error: x: is empty in 1 of 2 rows (50.0%); it may never be"]
    assert found(column, x=[None, None]) == ["error: x: has no value in any row"]
    assert found(Column("x", "number", "feature"), x=[None, None]) == ["warning: x: has no value in any row"]


def test_a_repeated_id_a_missing_column_and_another_type_are_errors() -> None:
    assert found(Column("k", "integer", "id", unique=True), k=[1, 2, 2, None]) == [
        "error: k: repeats a value in 1 of 4 rows (25.0%)"
    ]
    assert found(Column("k", "integer", "id"), x=[1])[0] == "error: k: is missing"
    assert found(Column("k", "integer", "id"), k=["a"]) == ["error: k: holds text where the contract says integer"]


def test_a_column_outside_the_contract_is_kept_and_told() -> None:
    assert found(Column("k", "integer", "id"), k=[1], more=[2]) == [
        "warning: more: is not in the contract: it is kept and not used"
    ]


GOOD = {"name": "x", "type": "number", "use": "feature"}
WRONG = [
    ([], "an object with a list of columns"),
    ({"columns": [{"type": "number"}]}, "has a name"),
    ({"columns": [{**GOOD, "type": "float"}]}, "column 'x': type is 'float'"),
    ({"columns": [{**GOOD, "use": "target"}]}, "column 'x': use is 'target'"),
    ({"columns": [{**GOOD, "nullabel": True}]}, "column 'x': there is no field 'nullabel'"),
    ({"columns": [{**GOOD, "nullable": "no"}]}, "nullable is 'no'"),
    ({"columns": [{**GOOD, "min": "0"}]}, "min is '0'"),
    ({"columns": [{**GOOD, "min": 2, "max": 1}]}, "min is above max"),
    ({"columns": [{**GOOD, "tolerance": 2}]}, "tolerance is 2"),
    ({"columns": [{**GOOD, "levels": [1]}]}, "levels is [1]"),
    ({"columns": [{**GOOD, "values": [0.5]}]}, "values is [0.5]"),
    ({"columns": [{**GOOD, "values": []}]}, "values is []"),
    ({"columns": [{**GOOD, "values": [True]}]}, "values is [True]"),
    ({"columns": [GOOD, GOOD]}, "two columns called 'x'"),
    ({"columns": [{**GOOD, "use": "label"}, {**GOOD, "name": "y", "use": "label"}]}, "more than one label column"),
    ({"columns": [GOOD], "freshness_us": -1}, "freshness_us is -1"),
    ({"columns": [GOOD], "format": 2}, "format 2"),
]


@pytest.mark.parametrize(("data", "says"), WRONG, ids=[says for _, says in WRONG])
def test_an_edited_contract_that_does_not_fit_names_the_field(data: object, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Contract.from_json(data)
    assert says in caught.value.message
    assert caught.value.hint


def test_jumps_between_snapshots_are_told_in_rows_missing_values_and_means() -> None:
    before = profile(table(x=[float(v % 10) for v in range(100)], g=["A"] * 100))
    after = profile(table(x=[float(v % 10) + 5 for v in range(400)], g=["A"] * 300 + [None] * 100))
    told = [str(finding) for finding in compare(before, after, ["x", "g"])]
    assert told == [
        "it has 400 rows where the snapshot before had 100",
        "x: its mean went from 4.5 to 9.5, 1.7 standard deviations: has its unit changed?",
        "g: is missing in 25.0% of rows; before it was 0.0%",
    ]
    assert compare(before, before, ["x", "g"]) == []


def test_a_column_that_gives_the_label_away_is_told_and_a_declared_leak_is_not() -> None:
    late = [float(v % 37) for v in range(200)]
    held = table(delay=[v + 1 for v in late], noise=[float(v * 7919 % 101) for v in range(200)], late=late)
    open_contract = infer(profile(held), label="late")
    assert [finding.column for finding in giveaways(open_contract, held)] == ["delay"]
    assert giveaways(infer(profile(held), label="late", leaks=("delay",)), held) == []
