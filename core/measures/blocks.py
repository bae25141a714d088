"""Intervals of measures that are functions of sums: whole blocks of rows are drawn again, so that a day stays a day.

Rows of one day share its weather; drawing single rows would take them as independent and give intervals too narrow.
Source: Carlstein 1986 (disjoint blocks); Efron and Tibshirani 1993, 13.3 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DRAWS = 1000
SEED = 20_260_101
LEAST_DAYS = 8
GROUPS = 200


def blocks_of(days: Any | None, rows: int) -> Any:
    """A block number from 0 for each row (NumPy integers): its day where there are at least eight of them, else one of
    at most 200 groups of equal size by chance, which takes rows as independent.

    `days` are day numbers, None where no time is known.
    """
    import numpy as np

    if days is not None:
        found, places = np.unique(days, return_inverse=True)
        if len(found) >= LEAST_DAYS:
            return places
    return np.random.default_rng(SEED).permutation(rows) % max(1, min(GROUPS, rows))


def sums_by_block(blocks: Any, values: Any) -> Any:
    """The sums of the columns of `values` (rows by statistics) in each block: blocks by statistics."""
    import numpy as np

    size = int(blocks.max()) + 1
    return np.column_stack([np.bincount(blocks, weights=column, minlength=size) for column in values.T])


def interval(sums: Any, measure: Callable[[Any], Any]) -> tuple[float, float]:
    """The 95 % percentile interval of a measure of sums (blocks by statistics) over a thousand draws of the blocks.

    `measure` maps sums (draws by statistics) to a vector. The draws are the same every time; values that are not
    finite are left out, and (nan, nan) is returned where none is.
    """
    import numpy as np

    count = len(sums)
    draws = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    values = measure(draws @ sums)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)
