"""Aggregates over whole columns: at many instants at once, equal to the last bit to `core.features.window`.

The values are sorted by key and known time, so a window is a slice between two places found by bisection. Sums are
differences of running sums of whole numbers, which are exact; the largest and least of a slice come from a table of
the spans of lengths 1, 2, 4 and so on (a sparse table).
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from core.features.events import Events

# Whole numbers up to here are all floats.
EXACT = 1 << 53


def values_at(events: Events, how: str, over_us: int, keys: list[str], codes: Any, at_us: Any) -> Any:
    """The aggregate at many instants, as NumPy floats; `codes` are places in `keys`, -1 for a row without a key.

    Missing (not-a-number) for a row without key or instant (-1); of no value known in (at - over, at] the count is 0
    and all else missing.
    """
    import numpy as np

    places = {key: place for place, key in enumerate(events.keys)}
    own = np.array([*(places.get(key, len(places)) for key in keys), len(places)], dtype=np.int64)[codes]
    first, end = windows(events, own, at_us, over_us)
    found = _of_slices(events.values, how, first, end)
    found[(codes < 0) | (at_us < 0)] = np.nan
    return found


def windows(events: Events, codes: Any, at_us: Any, over_us: int) -> tuple[Any, Any]:
    """The slice of values, [first, end), that each instant's window (at - over, at] of a key holds."""
    import numpy as np

    instants = np.unique(events.known_us)
    wide = len(instants) + 1
    order = events.codes * wide + np.searchsorted(instants, events.known_us)
    bounds = [np.searchsorted(instants, edge, side="right") for edge in (at_us - over_us, at_us)]
    first, end = (np.searchsorted(order, codes * wide + bound) for bound in bounds)
    return first, end


def _of_slices(values: Any, how: str, first: Any, end: Any) -> Any:
    import numpy as np

    counts = (end - first).astype(float)
    if how == "count":
        return counts
    found = np.full(len(first), np.nan)
    there = end > first
    first, end = first[there], end[there]
    if how == "last":
        found[there] = values[end - 1]
    elif how in ("max", "min"):
        found[there] = _extremes(values, np.maximum if how == "max" else np.minimum, first, end)
    else:
        totals = _totals(values, first, end)
        found[there] = totals / counts[there] if how == "mean" else totals
    return found


def _totals(values: Any, first: Any, end: Any) -> Any:
    """The exact sum of each slice, rounded once."""
    import numpy as np

    whole = np.rint(values)
    if (whole == values).all() and np.abs(values).sum() < EXACT:
        sums = np.concatenate([[0], np.cumsum(whole.astype(np.int64))])
        return (sums[end] - sums[first]).astype(float)
    parts, powers = np.frexp(values)
    shared = int(powers.min()) - 53
    scaled = [
        part << power - 53 - shared
        for part, power in zip(np.ldexp(parts, 53).astype(np.int64).tolist(), powers.tolist(), strict=True)
    ]
    running = [*accumulate(scaled, initial=0)]
    exact = (running[b] - running[a] for a, b in zip(first.tolist(), end.tolist(), strict=True))
    # The division of whole numbers is rounded once, whatever their length.
    if shared < 0:
        return np.array([total / (1 << -shared) for total in exact], dtype=float)
    return np.array([float(total << shared) for total in exact], dtype=float)


def _extremes(values: Any, larger: Any, first: Any, end: Any) -> Any:
    """The largest (or least) of each slice that is not empty: two spans of a length that is a power of two cover it."""
    import numpy as np

    found = np.empty(len(first))
    levels = np.frexp((end - first).astype(float))[1] - 1
    spans = values
    for level in range(int(levels.max(initial=-1)) + 1):
        mine = levels == level
        found[mine] = larger(spans[first[mine]], spans[end[mine] - (1 << level)])
        spans = larger(spans[: -(1 << level)], spans[1 << level :])
    return found
