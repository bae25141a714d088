"""Hold a table against its contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.clock import span
from core.datasets.contract import Column, Contract
from core.datasets.normal import type_name

if TYPE_CHECKING:
    import pyarrow

FITS = {("integer", "number"), ("unknown", "unknown")}


@dataclass(frozen=True)
class Finding:
    """Something seen in a column (None: in the whole file): an `error` refuses the file, a `warning` does not."""

    column: str | None
    severity: Literal["error", "warning"]
    text: str

    def __str__(self) -> str:
        return f"{self.column}: {self.text}" if self.column else self.text


def check(contract: Contract, table: pyarrow.Table, *, now_us: int | None = None) -> list[Finding]:
    """Everything in a table that breaks the contract or strains it, in the order of the columns; empty where it fits.

    `now_us` is what freshness is measured from; without it freshness is not checked.
    """
    found = [finding for column in contract.columns for finding in _column(column, table)]
    known = {column.name for column in contract.columns}
    found += [
        Finding(name, "warning", "is not in the contract: it is kept and not used")
        for name in table.column_names
        if name not in known
    ]
    return found + _freshness(contract, table, now_us)


def _column(column: Column, table: pyarrow.Table) -> list[Finding]:
    if column.name not in table.column_names:
        return [Finding(column.name, "error", "is missing")]
    values = table.column(column.name)
    held = type_name(values.type)
    if values.null_count == len(values):
        severity: Literal["error", "warning"] = "warning" if column.nullable else "error"
        return [Finding(column.name, severity, "has no value in any row")]
    if held != column.type and (held, column.type) not in FITS and column.type != "unknown":
        return [Finding(column.name, "error", f"holds {held} where the contract says {column.type}")]
    return [*_missing(column, values), *_outside(column, values), *_unseen(column, values), *_twice(column, values)]


def _missing(column: Column, values: Any) -> list[Finding]:
    if column.nullable or not values.null_count:
        return []
    return [Finding(column.name, "error", f"is empty in {_share(values.null_count, len(values))}; it may never be")]


def _outside(column: Column, values: Any) -> list[Finding]:
    import pyarrow.compute as pc

    found = []
    for bound, word, compare in ((column.min, "below", pc.less), (column.max, "above", pc.greater)):
        if bound is None or type_name(values.type) not in ("integer", "number"):
            continue
        count = int(pc.sum(compare(values, bound)).as_py() or 0)
        found += _judged(column, count, len(values), f"{word} {bound:g}")
    return found + _foreign(column, values)


def _foreign(column: Column, values: Any) -> list[Finding]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.values is None or type_name(values.type) not in ("integer", "number"):
        return []
    known = pa.array([float(value) for value in column.values] if pa.types.is_floating(values.type) else column.values)
    strangers = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, known)))
    count = int(pc.sum(strangers).as_py() or 0)
    example = values.filter(strangers)[0].as_py() if count else 0
    few = ", ".join(str(value) for value in column.values[:10])
    return _judged(column, count, len(values), f"none of {few} (as {example:g})")


def _unseen(column: Column, values: Any) -> list[Finding]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.levels is None or type_name(values.type) != "text":
        return []
    strangers = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(column.levels, pa.string()))))
    count = int(pc.sum(strangers).as_py() or 0)
    example = values.filter(strangers)[0].as_py() if count else ""
    return _judged(column, count, len(values), f"none of the {len(column.levels)} known levels (as {example!r})")


def _judged(column: Column, count: int, rows: int, what: str) -> list[Finding]:
    if not count:
        return []
    severity: Literal["error", "warning"] = "error" if count > column.tolerance * rows else "warning"
    return [Finding(column.name, severity, f"is {what} in {_share(count, rows)}")]


def _twice(column: Column, values: Any) -> list[Finding]:
    import pyarrow.compute as pc

    if not column.unique:
        return []
    extra = len(values) - values.null_count - int(pc.count_distinct(values, mode="only_valid").as_py())
    return [Finding(column.name, "error", f"repeats a value in {_share(extra, len(values))}")] if extra else []


def _freshness(contract: Contract, table: pyarrow.Table, now_us: int | None) -> list[Finding]:
    import pyarrow.compute as pc

    name = contract.time_column
    if contract.freshness_us is None or now_us is None or name not in table.column_names:
        return []
    if type_name(table.column(name).type) != "time":
        return []
    newest = pc.max(table.column(name).cast("int64")).as_py()
    if newest is None or now_us - newest <= contract.freshness_us:
        return []
    age, limit = span(now_us - newest), span(contract.freshness_us)
    return [Finding(name, "error", f"its newest row is {age} old; the contract allows {limit}")]


def _share(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows ({count / rows:.1%})"
