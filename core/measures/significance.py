"""Is a distance more than noise? The null of PSI, corrected for many looks against a budget of false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import DAY
from core.measures import distance

# Fewer rows than this say nothing about a distribution, whatever they look like.
LEAST_ROWS = 30
# The rarest cell of the pooled sample must be expected to hold this many rows of the smaller one.
LEAST_EXPECTED = 5
# The part of the error that is spent on rarer cells than that.
RARE_WEIGHT = 0.1
MONTH_US = 30 * DAY
_STEPS = 10_000
_TINY = 1e-300


@dataclass(frozen=True)
class Scatter:
    """How much more a reference's own days differ than independent rows would.

    `ratio` is the mean design effect over cells, at least 1; `rows_a_day` bounds the effect of any one direction.
    """

    ratio: float = 1.0
    rows_a_day: float = 1.0


INDEPENDENT = Scatter()


def chi_square_tail(statistic: float, freedom: float) -> float:
    """The chance that a chi-square variable of `freedom` degrees (any positive number) exceeds the statistic.

    The regularised upper incomplete gamma function, by its series below the mean and by Lentz's continued fraction
    above (Numerical Recipes, 6.2); relative error below 1e-10. 1.0 for no degree of freedom.
    """
    if freedom <= 0 or statistic <= 0:
        return 1.0
    shape, x = freedom / 2, statistic / 2
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    return 1.0 - front * _series(shape, x) if x < shape + 1 else front * _fraction(shape, x)


def psi_tail(reference: Sequence[int], current: Sequence[int], scatter: Scatter = INDEPENDENT) -> float:
    """The chance of a PSI this large where nothing has changed (a p-value); 1.0 with fewer than 30 rows on a side.

    With B cells PSI is then close to (1/n + 1/m) times a chi-square of B - 1 degrees; cells are first pooled until
    each is expected to hold 5 rows of the smaller sample. Rows that come in correlated days stretch it: the mean by
    the scatter's ratio, and the degrees shrink by Satterthwaite's rule for the worst spread of it over directions.
    A tenth of the error is spent on cells too rare for that, so that values never seen before do not hide in others.
    """
    n, m = sum(reference), sum(current)
    if min(n, m) < LEAST_ROWS:
        return 1.0
    common = _common_tail(*pooled(reference, current), scatter)
    rare = rare_tail(reference, current, scatter)
    return min(1.0, common / (1 - RARE_WEIGHT), rare / RARE_WEIGHT)


def _common_tail(left: Sequence[int], right: Sequence[int], scatter: Scatter) -> float:
    cells = len(left) - 1
    if cells < 1:
        return 1.0
    statistic = distance.psi(left, right) / (1 / sum(left) + 1 / sum(right))
    mean, freedom = scatter.ratio * cells, _freedom(cells, scatter)
    return chi_square_tail(statistic * freedom / mean, freedom)


def rare_tail(reference: Sequence[int], current: Sequence[int], scatter: Scatter = INDEPENDENT) -> float:
    """A bound on the chance of so many current rows in cells that are rare in both samples together.

    Which cells are rare depends on both together alone; without change, their rows fall to either side by the sizes
    of the samples, so Chernoff's bound on the binomial holds. All that the scatter exceeds 1 by is taken to be in
    these cells. 1.0 where no cell is rare, or no more current rows are in them than expected.
    """
    need, share = _need(reference, current), sum(current) / (sum(reference) + sum(current))
    rare = [(a, b) for a, b in zip(reference, current, strict=True) if a + b < need]
    total, seen = sum(a + b for a, b in rare), sum(b for _, b in rare)
    if not total or seen / total <= share:
        return 1.0
    effect = min(1 + (scatter.ratio - 1) * len(reference), max(scatter.rows_a_day, 1.0))
    found = seen / total
    divergence = found * math.log(found / share)
    if found < 1:
        divergence += (1 - found) * math.log((1 - found) / (1 - share))
    return math.exp(-total / effect * divergence)


def pooled(reference: Sequence[int], current: Sequence[int]) -> tuple[list[int], list[int]]:
    """Neighbouring cells joined until each is expected to hold 5 rows of the smaller sample.

    What remains at the end joins the last. Which cells join depends on both samples together alone, so it favours
    neither.
    """
    need = _need(reference, current)
    left, right = [0], [0]
    for a, b in zip(reference, current, strict=True):
        if left[-1] + right[-1] >= need:
            left.append(0)
            right.append(0)
        left[-1] += a
        right[-1] += b
    if len(left) > 1 and left[-1] + right[-1] < need:
        a, b = left.pop(), right.pop()
        left[-1] += a
        right[-1] += b
    return left, right


def _need(reference: Sequence[int], current: Sequence[int]) -> float:
    n, m = sum(reference), sum(current)
    return LEAST_EXPECTED * (n + m) / max(min(n, m), 1)


def ks_tail(gap: float, n: int, m: int) -> float:
    """The chance of a two-sample Kolmogorov-Smirnov gap this large on raw values without change (a p-value).

    The asymptotic distribution with Stephens' correction, close from 8 rows a side on; conservative for ties. 1.0
    where a side is empty.
    """
    if not n or not m:
        return 1.0
    root = math.sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * gap
    if x < 0.2:
        return 1.0
    return min(1.0, max(0.0, 2 * sum((-1.0) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))))


def holm(tails: Sequence[float]) -> list[float]:
    """P-values adjusted for being looked at together (Holm, 1979), in the order given: any dependence is allowed."""
    order = sorted(range(len(tails)), key=lambda index: tails[index])
    adjusted = [1.0] * len(tails)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(tails) - rank) * tails[index]))
        adjusted[index] = highest
    return adjusted


def level(look_us: int, *, budget: float = 1.0, span_us: int = MONTH_US) -> float:
    """The family-wise level of one look, where a look every `look_us` may raise `budget` false alarms in `span_us`.

    The sequence of looks is counted in: thirty daily looks and one false alarm a month leave 1/30 to each.
    """
    return min(1.0, budget * look_us / span_us)


def _freedom(cells: int, scatter: Scatter) -> float:
    """Degrees of a scaled chi-square with the mean and at most the variance of the scattered statistic.

    The design effects of the directions are at least 1, average `ratio`, and none exceeds the rows of a day: their
    sum of squares is then at most what this divides by (Rao & Scott, 1981, second order, worst case).
    """
    excess = scatter.ratio - 1
    return max(1.0, scatter.ratio**2 * cells / (1 + excess * (scatter.rows_a_day + 1))) if excess > 0 else cells


def _series(shape: float, x: float) -> float:
    term = total = 1 / shape
    for step in range(1, _STEPS):
        term *= x / (shape + step)
        total += term
        if term < total * 1e-15:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    value = d
    for step in range(1, _STEPS):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b or _TINY)
        c = b + a / c or _TINY
        value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return value
