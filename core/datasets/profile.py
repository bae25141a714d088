"""What is in a table, column by column, in one pass over its batches: what a contract is inferred from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from core.datasets.normal import type_name

if TYPE_CHECKING:
    import pyarrow

DISTINCT_KEPT = 10_000
LEVELS_KEPT = 1000
SAMPLE = 65_536


def profile(table: pyarrow.Table) -> dict[str, Any]:
    """Plain data: `rows`, and for each column its `type`, `missing` rows, `distinct` values (None: over 10,000),
    whether it is `unique`, and by type

    - numbers: `min max mean std infinite` and the quantiles `p05 p50 p95` (of at most 65,536 rows, evenly spread);
      infinities are counted and otherwise left out; None where there is no value;
    - text: `levels`, the counts of at most 1000 levels, the commonest first (None for free text);
    - times: `min max` in microseconds;
    - yes and no: `true`, a count.
    """
    columns = {name: _column(table.column(name)) for name in table.column_names}
    return {"rows": table.num_rows, "columns": columns}


def _column(column: Any) -> dict[str, Any]:
    kind = type_name(column.type)
    present = column.drop_null()
    facts: dict[str, Any] = {"type": kind, "missing": column.null_count}
    if kind == "text":
        return {**facts, **_text(present, column)}
    facts |= {"distinct": _distinct(present), "unique": kind == "integer" and _is_unique(column)}
    if kind in ("integer", "number"):
        return {**facts, **_numbers(present)}
    if kind == "time":
        return {**facts, **_times(present)}
    return {**facts, **_booleans(present)} if kind == "boolean" else facts


def _chunks(column: Any) -> Iterable[Any]:
    return (chunk for chunk in column.chunks if len(chunk))


def _distinct(present: Any) -> int | None:
    seen: set[Any] = set()
    for chunk in _chunks(present):
        # A slice first: on nearly distinct values the whole chunk would cost most of the profile's time.
        for part in (chunk.slice(0, 4 * DISTINCT_KEPT), chunk.slice(4 * DISTINCT_KEPT)):
            seen.update(value.value if hasattr(value, "value") else value.as_py() for value in part.unique())
            if len(seen) > DISTINCT_KEPT:
                return None
    return len(seen)


def _is_unique(column: Any) -> bool:
    """Whether every row has a value of its own; a table of one row proves nothing."""
    import pyarrow.compute as pc

    if len(column) < 2 or column.null_count or len(column.slice(0, SAMPLE).unique()) < min(len(column), SAMPLE):
        return False
    return int(pc.count_distinct(column).as_py()) == len(column)


def _numbers(present: Any) -> dict[str, Any]:
    import numpy as np

    count, mean, squares, infinite = 0, 0.0, 0.0, 0
    low: float | None = None
    high: float | None = None
    for chunk in _chunks(present):
        values = chunk.to_numpy(zero_copy_only=False)
        if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
            infinite += int((~finite).sum())
            values = values[finite]
        if not len(values):
            continue
        low = min(values.min().item(), math.inf if low is None else low)
        high = max(values.max().item(), -math.inf if high is None else high)
        count, mean, squares = _merged(count, mean, squares, values)
    std = math.sqrt(squares / count) if count else None
    return {
        "min": low,
        "max": high,
        "mean": mean if count else None,
        "std": std,
        "infinite": infinite,
        **_quantiles(present),
    }


def _merged(count: int, mean: float, squares: float, values: Any) -> tuple[int, float, float]:
    """Moments of two parts from the moments of each (Chan, Golub and LeVeque 1979): no large sums are subtracted."""
    added, its_mean = len(values), float(values.mean(dtype="float64"))
    its_squares = float(((values - its_mean) ** 2).sum(dtype="float64"))
    total, apart = count + added, its_mean - mean
    return total, mean + apart * added / total, squares + its_squares + apart * apart * count * added / total


def _quantiles(present: Any) -> dict[str, float | None]:
    import numpy as np

    step = -(-len(present) // SAMPLE) or 1
    values = present.take(np.arange(0, len(present), step)).to_numpy().astype("float64")
    values = values[np.isfinite(values)]
    if not len(values):
        return {"p05": None, "p50": None, "p95": None}
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return {"p05": low, "p50": middle, "p95": high}


def _text(present: Any, column: Any) -> dict[str, Any]:
    import pyarrow.compute as pc

    counts: Counter[str] = Counter()
    for chunk in _chunks(present):
        found = pc.value_counts(chunk)
        counts.update(dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True)))
        if len(counts) > DISTINCT_KEPT:
            return {"distinct": None, "unique": _is_unique(column), "levels": None}
    ordered = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return {
        "distinct": len(ordered),
        "unique": _is_unique(column),
        "levels": ordered if len(ordered) <= LEVELS_KEPT else None,
    }


def _booleans(present: Any) -> dict[str, Any]:
    import pyarrow.compute as pc

    return {"true": int(pc.sum(present).as_py() or 0)}


def _times(present: Any) -> dict[str, Any]:
    import pyarrow.compute as pc

    ends = pc.min_max(present.cast("int64"))
    return {"min": ends["min"].as_py(), "max": ends["max"].as_py()}
