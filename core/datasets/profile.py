"""What is in a table, column by column, in one pass over its batches: what a contract is inferred from."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from core.datasets.distinct import repeats
from core.datasets.facts import PARTS, Values
from core.engines.engine import Before, Engine
from core.engines.local import LocalEngine
from core.measures.tables import Table, table_of

if TYPE_CHECKING:
    import pyarrow

# A column whose first rows already repeat a value is not read again to see whether it does.
START = 65_536


def profile(table: pyarrow.Table | Table, *, threads: int = 1, engine: Engine | None = None) -> dict[str, Any]:
    """Plain data: `rows`, and for each column its `type`, `missing` rows, `distinct` values (None: over 10,000, then
    `about` estimates them within a few percent), whether it is `unique`, and by type

    - numbers: `min max mean std infinite` and the quantiles `p05 p50 p95` (of at most 65,536 rows, evenly spread);
      infinities are counted and otherwise left out; None where there is no value;
    - text: `levels`, the counts of at most 1000 levels, the commonest first (None for free text);
    - times: `min max` in microseconds;
    - yes and no: `true`, a count.

    It is the same to the last bit for every engine (without one this process with `threads`), however the rows are
    cut. Here a thread reads one column at a time, in batches: memory does not grow with the rows.
    """
    held = table_of(table)
    wanted: dict[str, Callable[[Before], ColumnTally]] = {
        name: partial(ColumnTally, kind, held.rows - held.missing(name)) for name, kind in held.types.items()
    }
    found = (engine or LocalEngine("", threads)).fold(held, wanted)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        facts = list(pool.map(lambda name: _facts(held, name, found[name]), held.types))
    return {"rows": held.rows, "columns": dict(zip(held.types, facts, strict=True))}


class ColumnTally:
    """What a profile gathers of a column's rows; `present` is how many values the whole column has."""

    def __init__(self, kind: str, present: int, before: Before) -> None:
        self.missing, self.values = 0, Values()
        self.parts = [part(present, before.rows - before.missing) for part in PARTS.get(kind, ())]

    def add(self, batch: Any) -> None:
        """Take in the next rows."""
        self.missing += batch.null_count
        there = _present(batch)
        if len(there):
            for each in (self.values, *self.parts):
                each.add(there)

    def merge(self, later: ColumnTally) -> None:
        """Take in the rows right after these, which the other may no longer tell."""
        self.missing += later.missing
        self.values.merge(later.values)
        for part, other in zip(self.parts, later.parts, strict=True):
            part.merge(other)


def _facts(table: Table, name: str, tally: ColumnTally) -> dict[str, Any]:
    kind = table.types[name]
    facts: dict[str, Any] = {"type": kind, "missing": tally.missing, **tally.values.facts()}
    facts["unique"] = kind in ("integer", "text") and not tally.missing and _is_unique(table, name, tally.values)
    for part in tally.parts:
        facts |= part.facts()
    return {**facts, "levels": tally.values.levels()} if kind == "text" else facts


def _present(batch: Any) -> Any:
    """The values that are there; times as integers."""
    import pyarrow as pa

    plain = batch.cast(pa.int64()) if pa.types.is_timestamp(batch.type) else batch
    return plain.drop_null()


def _is_unique(table: Table, name: str, values: Values) -> bool:
    """Whether every row has a value of its own; a table of one row proves nothing.

    It takes all values in one place, and so it is found here, whichever engine gathered the rest.
    """
    if table.rows < 2 or values.fewer_than(table.rows):
        return False
    start = table.head(name, START)
    return repeats(start.chunks, len(start)) == 0 and repeats(table.batches(name), table.rows) == 0
