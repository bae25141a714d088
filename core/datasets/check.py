"""Hold a table against its contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.clock import span
from core.datasets.columns import Columns, columns_of
from core.datasets.contract import Column, Contract
from core.datasets.distinct import repeats

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


def check(contract: Contract, table: pyarrow.Table | Columns, *, now_us: int | None = None) -> list[Finding]:
    """Everything in a table that breaks the contract or strains it, in the order of the columns; empty where it fits.

    `now_us` is what freshness is measured from; without it freshness is not checked. Memory does not grow with the
    rows of `Columns`.
    """
    held = columns_of(table)
    found = [finding for column in contract.columns for finding in _column(column, held)]
    known = {column.name for column in contract.columns}
    found += [
        Finding(name, "warning", "is not in the contract: it is kept and not used")
        for name in held.types
        if name not in known
    ]
    return found + _freshness(contract, held, now_us)


def _column(column: Column, table: Columns) -> list[Finding]:
    kind = table.types.get(column.name)
    if kind is None:
        return [Finding(column.name, "error", "is missing")]
    missing = table.missing(column.name)
    if missing == table.rows:
        severity: Literal["error", "warning"] = "warning" if column.nullable else "error"
        return [Finding(column.name, severity, "has no value in any row")]
    if kind != column.type and (kind, column.type) not in FITS and column.type != "unknown":
        return [Finding(column.name, "error", f"holds {kind} where the contract says {column.type}")]
    found = [*_outside(column, table, kind), *_foreign(column, table, kind), *_unseen(column, table, kind)]
    found += _twice(column, table)
    return [*_missing(column, missing, table.rows), *found]


def _missing(column: Column, missing: int, rows: int) -> list[Finding]:
    if column.nullable or not missing:
        return []
    return [Finding(column.name, "error", f"is empty in {_share(missing, rows)}; it may never be")]


def _outside(column: Column, table: Columns, kind: str) -> list[Finding]:
    import pyarrow.compute as pc

    bounds = [(column.min, "below", pc.less), (column.max, "above", pc.greater)]
    asked = [bound for bound in bounds if bound[0] is not None]
    if not asked or kind not in ("integer", "number"):
        return []
    counts = [0] * len(asked)
    for batch in table.batches(column.name):
        for place, (bound, _, compare) in enumerate(asked):
            counts[place] += int(pc.sum(compare(batch, bound)).as_py() or 0)
    words = [f"{word} {bound:g}" for bound, word, _ in asked]
    return [
        finding
        for count, what in zip(counts, words, strict=True)
        for finding in _judged(column, count, table.rows, what)
    ]


def _foreign(column: Column, table: Columns, kind: str) -> list[Finding]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.values is None or kind not in ("integer", "number"):
        return []
    known, count, example = pa.array(column.values, pa.float64()), 0, 0.0
    for batch in table.batches(column.name):
        strangers = pc.and_(pc.is_valid(batch), pc.invert(pc.is_in(batch.cast("double"), known)))
        if strangers.true_count:
            example = example if count else batch.filter(strangers)[0].as_py()
            count += strangers.true_count
    few = ", ".join(str(value) for value in column.values[:10])
    return _judged(column, count, table.rows, f"none of {few} (as {example:g})")


def _unseen(column: Column, table: Columns, kind: str) -> list[Finding]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.levels is None or kind != "text":
        return []
    levels = pa.array(column.levels, pa.string())
    count, example = 0, ""
    for batch in table.batches(column.name):
        strange = pc.invert(pc.is_in(batch.dictionary, levels))
        strangers = strange.take(batch.indices).fill_null(False)
        if strangers.true_count:
            example = example if count else batch.filter(strangers)[0].as_py()
            count += strangers.true_count
    return _judged(column, count, table.rows, f"none of the {len(column.levels)} known levels (as {example!r})")


def _judged(column: Column, count: int, rows: int, what: str) -> list[Finding]:
    if not count:
        return []
    severity: Literal["error", "warning"] = "error" if count > column.tolerance * rows else "warning"
    return [Finding(column.name, severity, f"is {what} in {_share(count, rows)}")]


def _twice(column: Column, table: Columns) -> list[Finding]:
    extra = repeats(table.batches(column.name), table.rows) if column.unique else 0
    return [Finding(column.name, "error", f"repeats a value in {_share(extra, table.rows)}")] if extra else []


def _freshness(contract: Contract, table: Columns, now_us: int | None) -> list[Finding]:
    import pyarrow.compute as pc

    name = contract.time_column
    if contract.freshness_us is None or now_us is None or name is None or table.types.get(name) != "time":
        return []
    ends = [pc.max(batch.cast("int64")).as_py() for batch in table.batches(name)]
    newest = max((end for end in ends if end is not None), default=None)
    if newest is None or now_us - newest <= contract.freshness_us:
        return []
    age, limit = span(now_us - newest), span(contract.freshness_us)
    return [Finding(name, "error", f"its newest row is {age} old; the contract allows {limit}")]


def _share(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows ({count / rows:.1%})"
