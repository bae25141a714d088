"""What is in a table, column by column, in one pass over its batches: what a contract is inferred from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from core.datasets.distinct import repeats
from core.datasets.facts import PARTS, Values
from core.measures.tables import Table, table_of

if TYPE_CHECKING:
    import pyarrow

# A column whose first rows already repeat a value is not read again to see whether it does.
START = 65_536


def profile(table: pyarrow.Table | Table, *, threads: int = 1) -> dict[str, Any]:
    """Plain data: `rows`, and for each column its `type`, `missing` rows, `distinct` values (None: over 10,000, then
    `about` estimates them within a few percent), whether it is `unique`, and by type

    - numbers: `min max mean std infinite` and the quantiles `p05 p50 p95` (of at most 65,536 rows, evenly spread);
      infinities are counted and otherwise left out; None where there is no value;
    - text: `levels`, the counts of at most 1000 levels, the commonest first (None for free text);
    - times: `min max` in microseconds;
    - yes and no: `true`, a count.

    A thread reads one column at a time, in batches: memory does not grow with the rows.
    """
    held = table_of(table)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        facts = list(pool.map(lambda name: _column(held, name), held.types))
    return {"rows": held.rows, "columns": dict(zip(held.types, facts, strict=True))}


def _column(table: Table, name: str) -> dict[str, Any]:
    kind, missing = table.types[name], table.missing(name)
    values = Values()
    parts = [part(table.rows - missing) for part in PARTS.get(kind, ())]
    for batch in table.batches(name):
        present = _present(batch)
        if len(present):
            for each in (values, *parts):
                each.add(present)
    facts: dict[str, Any] = {"type": kind, "missing": missing, **values.facts()}
    facts["unique"] = kind in ("integer", "text") and not missing and _is_unique(table, name, values)
    for part in parts:
        facts |= part.facts()
    return {**facts, "levels": values.levels()} if kind == "text" else facts


def _present(batch: Any) -> Any:
    """The values that are there; times as integers."""
    import pyarrow as pa

    plain = batch.cast(pa.int64()) if pa.types.is_timestamp(batch.type) else batch
    return plain.drop_null()


def _is_unique(table: Table, name: str, values: Values) -> bool:
    """Whether every row has a value of its own; a table of one row proves nothing."""
    if table.rows < 2 or values.fewer_than(table.rows):
        return False
    start = table.head(name, START)
    return repeats(start.chunks, len(start)) == 0 and repeats(table.batches(name), table.rows) == 0
