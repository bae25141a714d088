"""What one aggregate is at one instant, from the known values of one key: the rule that serving asks.

`core.features.aggregate` computes whole columns of the same; both are equal to the last bit because a sum is the exact
one, rounded once, in whatever order its values come.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from core.measures.values import NAN, as_number

# What is larger is taken for missing, so that no sum of values overflows.
LARGEST = 1e150


def key_text(*values: Any) -> str | None:
    """The values of a key as one text, numbers as floats; None where one is missing."""
    parts = [_part(value) for value in values]
    return None if None in parts else json.dumps(parts, ensure_ascii=False)


def _part(value: Any) -> str | float | None:
    if isinstance(value, str):
        return value
    number = as_number(value)
    return number + 0.0 if math.isfinite(number) else None


def value_at(times: Sequence[int], values: Sequence[float], how: str, over_us: int, at_us: int) -> float:
    """An aggregate of the values known in (at - over, at]; `times` are when each was known, rising.

    Of no value at all the count is 0 and everything else missing (not-a-number). Values of one instant stand in rising
    order, so that of several `last` is the largest.
    """
    first, end = bisect_right(times, at_us - over_us), bisect_right(times, at_us)
    if how == "count":
        return float(end - first)
    if first == end:
        return NAN
    if how == "last":
        return values[end - 1]
    part = values[first:end]
    if how in ("max", "min"):
        return max(part) if how == "max" else min(part)
    total = math.fsum(part) + 0.0
    return total / len(part) if how == "mean" else total
