"""Distances between two vectors of counts over the same cells. Pure arithmetic on integers; no cell is left out.

All take the reference first and return 0.0 where either side is empty: no rows are no evidence of distance. Cells may
be merged or put in order before (`core.measures.cells`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

# Added to every cell, so that an empty one gives a large but finite PSI.
SMOOTHING = 0.5

Counts = Sequence[int]


def psi(reference: Counts, current: Counts) -> float:
    """Population stability index, sum (p - q) ln(p / q), each cell smoothed by half a row (symmetric KL)."""
    if not _both(reference, current):
        return 0.0
    n, m = _smoothed_total(reference), _smoothed_total(current)
    total = 0.0
    for left, right in zip(reference, current, strict=True):
        p, q = (left + SMOOTHING) / n, (right + SMOOTHING) / m
        total += (p - q) * math.log(p / q)
    return total


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """Jensen-Shannon distance with logarithms to base 2: 0 for equal shares, 1 for none in common."""
    if not _both(reference, current):
        return 0.0
    total = 0.0
    for p, q in _shares(reference, current):
        middle = (p + q) / 2
        total += _entropy_term(p, middle) + _entropy_term(q, middle)
    return math.sqrt(min(max(total / 2, 0.0), 1.0))


def kolmogorov_smirnov(reference: Counts, current: Counts) -> float:
    """The greatest gap between the two cumulative shares; the cells must be in the order of the values.

    On quantile bins of the reference it is below the raw statistic by at most one bin's share (1/64 for 64 bins).
    """
    gap = widest = 0.0
    if _both(reference, current):
        for p, q in _shares(reference, current):
            gap += p - q
            widest = max(widest, abs(gap))
    return widest


def kolmogorov_smirnov_raw(reference: Sequence[float], current: Sequence[float]) -> float:
    """The exact statistic of two samples of raw values, in any order; 0.0 where one is empty."""
    if not reference or not current:
        return 0.0
    left, right = sorted(reference), sorted(current)
    places = {*left, *right}
    return max(abs(bisect_right(left, at) / len(left) - bisect_right(right, at) / len(right)) for at in places)


def wasserstein(reference: Counts, current: Counts, points: Sequence[float]) -> float:
    """The mean distance that rows must move, in interquartile ranges of the reference.

    `points` are the cells' values, in order and one for each; a range of zero is replaced by the span of the points,
    and where that is zero too the distance is 0.
    """
    if not _both(reference, current):
        return 0.0
    scale = _quantile(reference, points, 0.75) - _quantile(reference, points, 0.25) or points[-1] - points[0]
    gaps = accumulate(p - q for p, q in _shares(reference, current))
    moved = sum(abs(gap) * (right - left) for gap, (left, right) in zip(gaps, pairwise(points), strict=False))
    return moved / scale if scale else 0.0


def chi_square(reference: Counts, current: Counts) -> tuple[float, int]:
    """Pearson's statistic of the two-sample contingency table, and its degrees of freedom.

    Both samples vary: reading the reference as exact (goodness of fit) doubles the statistic at equal sizes and alarms
    on noise. Cells empty on both sides do not count.
    """
    if not _both(reference, current):
        return 0.0, 0
    n, m = sum(reference), sum(current)
    total, filled = 0.0, 0
    for left, right in zip(reference, current, strict=True):
        if left + right:
            total += (left * m - right * n) ** 2 / (left + right)
            filled += 1
    return total / (n * m), max(filled - 1, 0)


def hellinger(reference: Counts, current: Counts) -> float:
    """Hellinger distance in [0, 1]: the square root of 1 less the sum of sqrt(p q)."""
    if not _both(reference, current):
        return 0.0
    return math.sqrt(sum((math.sqrt(p) - math.sqrt(q)) ** 2 for p, q in _shares(reference, current)) / 2)


def total_variation(reference: Counts, current: Counts) -> float:
    """Half the sum of |p - q|: the share of rows that would have to change cell."""
    if not _both(reference, current):
        return 0.0
    return sum(abs(p - q) for p, q in _shares(reference, current)) / 2


def _both(reference: Counts, current: Counts) -> bool:
    return sum(reference) > 0 and sum(current) > 0


def _smoothed_total(counts: Counts) -> float:
    return sum(counts) + SMOOTHING * len(counts)


def _shares(reference: Counts, current: Counts) -> list[tuple[float, float]]:
    n, m = sum(reference), sum(current)
    return [(left / n, right / m) for left, right in zip(reference, current, strict=True)]


def _entropy_term(share: float, middle: float) -> float:
    return share * math.log2(share / middle) if share else 0.0


def _quantile(counts: Counts, points: Sequence[float], share: float) -> float:
    rank, seen = share * sum(counts), 0
    for count, point in zip(counts, points, strict=True):
        seen += count
        if seen >= rank:
            return point
    return points[-1]
