"""The latency histogram: fixed logarithmic bins, so that any two of them add."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Each bin is 2 % wide, so its middle is within 1 % of any value in it; 1000 bins reach from 1 us to over six minutes.
GROWTH = 1.02
BINS = 1000
_LOG = math.log(GROWTH)


def latency_bin(us: float) -> int:
    """The bin of a latency in microseconds; below one and beyond the last fall into the outermost bins."""
    if us <= 1:
        return 0
    return min(int(math.log(us) / _LOG), BINS - 1)


def latency_value(index: int) -> float:
    """The middle of a bin, in microseconds: within 1 % of every value counted there."""
    return float(GROWTH ** (index + 0.5))


def quantile(counts: Sequence[int], share: float) -> float | None:
    """The latency in microseconds that `share` of the requests stay at or under; None where there were none."""
    total = sum(counts)
    if total == 0:
        return None
    rank = max(1, math.ceil(share * total))
    seen = 0
    for index, count in enumerate(counts):
        seen += count
        if seen >= rank:
            return latency_value(index)
    return latency_value(len(counts) - 1)


def at_most(counts: Sequence[int], threshold_us: float) -> int:
    """How many requests took at most `threshold_us`, to the resolution of one bin."""
    return sum(counts[: latency_bin(threshold_us) + 1])
