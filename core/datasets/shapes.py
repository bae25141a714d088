"""How the values of each column are spread: counts in bins of equal width, in one pass a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from core.measures.tables import Table

BINS = 64


class Bins(NamedTuple):
    """Where the bins begin and end, and how many there are."""

    low: float
    high: float
    number: int


def shapes(table: Table, profile: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For each column of numbers or times with a value: `low`, `high`, the `counts` of the bins between them, and how
    many values lie `below` and `above`. Levels and yes and no have their counts in the profile already.

    The ends are those of the values, but a long tail is cut: the bins reach at most one distance from the 5 % to the
    95 % quantile beyond each. Infinities are below or above. Whole numbers that are few have a bin each.
    """
    found = {}
    for name, facts in profile["columns"].items():
        bins = _bins(facts) if name in table.types else None
        if bins is not None:
            found[name] = _counted(table, name, bins)
    return found


def _bins(facts: Mapping[str, Any]) -> Bins | None:
    kind, low, high = facts["type"], facts.get("min"), facts.get("max")
    if kind not in ("integer", "number", "time") or low is None or high is None:
        return None
    if facts.get("p05") is not None:
        reach = facts["p95"] - facts["p05"]
        low = max(low, facts["p05"] - reach) if reach else low
        high = min(high, facts["p95"] + reach) if reach else high
    if kind == "integer" and high - low < BINS:
        low, high = round(low), round(high)
        return Bins(low - 0.5, high + 0.5, high - low + 1)
    return Bins(float(low), float(high), BINS) if high > low else Bins(low - 0.5, high + 0.5, 1)


def _counted(table: Table, name: str, bins: Bins) -> dict[str, Any]:
    import numpy as np

    counts, below, above = np.zeros(bins.number, np.int64), 0, 0
    for batch in table.batches(name):
        values = _numbers(batch)
        counts += np.histogram(values[np.isfinite(values)], bins.number, (bins.low, bins.high))[0]
        below += int((values < bins.low).sum())
        above += int((values > bins.high).sum())
    return {"low": bins.low, "high": bins.high, "counts": counts.tolist(), "below": below, "above": above}


def _numbers(batch: Any) -> Any:
    import pyarrow as pa

    there = batch.drop_null()
    plain = there.cast(pa.int64()) if pa.types.is_timestamp(there.type) else there
    return plain.to_numpy(zero_copy_only=False).astype("float64")
