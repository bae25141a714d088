"""What a contract asks of the values of one column, all of it in one pass over the column's batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.datasets.contract import Column, whole
from core.datasets.distinct import repeats as repeated_values
from core.datasets.finding import NAMED_ROWS, Finding, Offenders, share
from core.datasets.rowbits import repeats, row_bits
from core.measures.tables import Table


@dataclass(frozen=True)
class Asked:
    """One thing asked of each value: `broken` gives pyarrow booleans of a batch, `allowed` ends what is said."""

    rule: str
    what: Callable[[str], str] | str
    tolerance: float
    broken: Callable[[Any], Any]
    allowed: str = ""


def value_findings(column: Column, table: Table, kind: str, missing: int) -> list[Finding]:
    """What breaks the column's rules on missing values, ranges, values, levels, the pattern, and repetition."""
    asked = [*_absence(column, missing, table.rows), *_range(column, kind), *_texts(column, kind)]
    found = [Offenders(masked(column)) for _ in asked]
    first = 0
    for batch in table.batches(column.name) if asked else ():
        for each, offenders in zip(asked, found, strict=True):
            broken = each.broken(batch).fill_null(False).to_numpy(zero_copy_only=False)
            offenders.add(first, broken, {column.name: batch})
        first += len(batch)
    judged = [
        offenders.judged(column.name, each.rule, table.rows, each.tolerance, each.what, each.allowed)
        for each, offenders in zip(asked, found, strict=True)
    ]
    return [*(finding for findings in judged for finding in findings), *_twice(column, table)]


def masked(*columns: Column) -> frozenset[str]:
    """The columns whose values are not shown."""
    return frozenset(column.name for column in columns if column.sensitive is not None)


def _absence(column: Column, missing: int, rows: int) -> Iterator[Asked]:
    most = 0.0 if not column.nullable else column.null_share
    if most is not None and missing > most * rows:
        allowed = f"; at most {most:.1%} may be" if most else "; it may never be"
        yield Asked("missing", "empty", 0.0, _is_null, allowed)


def _is_null(batch: Any) -> Any:
    return batch.is_null()


def _range(column: Column, kind: str) -> Iterator[Asked]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind not in ("integer", "number"):
        return
    for bound, word, outside in ((column.min, "below", pc.less), (column.max, "above", pc.greater)):
        if bound is not None:
            yield Asked("range", f"{word} {bound:g}", column.tolerance, partial(_compared, outside, bound))
    if column.values is not None:
        known, few = pa.array(column.values, pa.float64()), ", ".join(str(value) for value in column.values[:10])

        def strange(batch: Any) -> Any:
            return pc.and_(pc.is_valid(batch), pc.invert(pc.is_in(batch.cast("double"), known)))

        yield Asked("values", lambda first: f"none of {few} (as {_short(first)})", column.tolerance, strange)


def _compared(outside: Callable[..., Any], bound: float, batch: Any) -> Any:
    return outside(batch, bound)


def _short(value: str) -> str:
    return value.removesuffix(".0")


def _texts(column: Column, kind: str) -> Iterator[Asked]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind != "text":
        return
    if column.levels is not None:
        levels, known = pa.array(column.levels, pa.string()), len(column.levels)

        def unseen(batch: Any) -> Any:
            return pc.invert(pc.is_in(batch.dictionary, levels)).take(batch.indices)

        yield Asked("levels", lambda first: f"none of the {known} known levels (as {first})", column.tolerance, unseen)
    if column.pattern is not None:
        pattern = column.pattern

        def other(batch: Any) -> Any:
            return pc.invert(pc.match_substring_regex(batch.dictionary, whole(pattern))).take(batch.indices)

        yield Asked("pattern", lambda first: f"not like {pattern!r} (as {first})", column.tolerance, other)


def _twice(column: Column, table: Table) -> list[Finding]:
    extra = repeated_values(table.batches(column.name), table.rows) if column.unique else 0
    if not extra:
        return []
    found = named(table, [column.name], repeats(lambda: row_bits(table, [column.name]), table.rows).places, column)
    text = f"repeats a value in {share(extra, table.rows)}"
    return [Finding(column.name, "error", text, "unique", extra, table.rows, tuple(found.examples))]


def named(table: Table, names: list[str], places: tuple[int, ...], *columns: Column) -> Offenders:
    """Rows known by their places, counted from 0, with the values of some columns."""
    import numpy as np

    found, first = Offenders(masked(*columns)), 0
    wanted = np.array(places[:NAMED_ROWS], dtype=np.int64)
    for batch in table.together(names) if len(wanted) else ():
        rows = len(next(iter(batch.values())))
        broken = np.zeros(rows, bool)
        broken[wanted[(wanted >= first) & (wanted < first + rows)] - first] = True
        found.add(first, broken, batch)
        first += rows
        if first > wanted.max():
            break
    return found
