"""What each row adds to an AUC: from it the variance of an AUC, of two on the same rows, or of a part against all.

Sources: DeLong, DeLong and Clarke-Pearson, 1988, in the midrank form of Sun and Xu, 2014; rows that come in clusters,
as those of a day do: Obuchowski, 1997.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

from core.measures.intervals import Z95, Blocks, Interval


def influence(labels: Any, scores: Any) -> tuple[float, Any]:
    """The AUC and each row's share of its deviation (they sum to zero). Raises ValueError where a class is absent."""
    return influence_of_places(labels, places_of(scores))


def places_of(scores: Any) -> Any:
    """Each score's place among the different ones, from 0: sorted once where many parts of the rows are asked of."""
    import numpy as np

    return np.unique(scores, return_inverse=True)[1]


def influence_of_places(labels: Any, places: Any) -> tuple[float, Any]:
    """What `influence` tells, of places in place of scores: time grows with the rows and the greatest place."""
    import numpy as np

    up = labels == 1
    m, n = int(up.sum()), int((~up).sum())
    if not m or not n:
        raise ValueError("an AUC needs scores of both classes")
    of_positives = _outranked(places[~up], places[up]) / n
    of_negatives = 1 - _outranked(places[up], places[~up]) / m
    auc = float(of_positives.mean())
    rows = np.empty(len(labels))
    # The factor makes the sum of squares DeLong's variance, which divides by one less than the rows.
    rows[up] = (of_positives - auc) / math.sqrt(m * max(1, m - 1))
    rows[~up] = (of_negatives - auc) / math.sqrt(n * max(1, n - 1))
    return auc, rows


def _outranked(others: Any, own: Any) -> Any:
    """How many of the others stand below each of the own, equals counting half."""
    import numpy as np

    counts = np.bincount(others, minlength=int(max(others.max(), own.max())) + 1)
    return (np.cumsum(counts) - counts / 2)[own]


def variance(rows: Any, blocks: Blocks | None = None) -> float:
    """The variance of what the rows' influences sum to: DeLong's for rows alone, clustered by blocks where given."""
    import numpy as np

    if blocks is None or blocks.kind == "row":
        return _squares(rows)
    if blocks.count < 2:
        return 0.0
    sums = np.bincount(blocks.of, rows, blocks.count)
    return _squares(sums) * blocks.count / (blocks.count - 1)


def _squares(values: Any) -> float:
    """Not by `@`: a product this short waits longer for its threads than it takes."""
    import numpy as np

    return float(np.einsum("i,i->", values, values))


def around(value: float, spread: float, *, least: float = 0.0, most: float = 1.0) -> Interval:
    """The 95 % interval of a value with that variance, within its bounds."""
    half = Z95 * math.sqrt(spread)
    return Interval(value, max(least, value - half), min(most, value + half))


def two_sided(value: float, spread: float) -> float:
    """The chance of a value as far from zero, were the truth zero; 1 where nothing varies and nothing differs."""
    if not spread:
        return 0.0 if value else 1.0
    return 2 * NormalDist().cdf(-abs(value) / math.sqrt(spread))


def below(value: float, spread: float) -> float:
    """The chance of a value as far below zero, were the truth zero."""
    if not spread:
        return 0.0 if value < 0 else 1.0
    return NormalDist().cdf(value / math.sqrt(spread))
