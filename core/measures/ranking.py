"""What two histograms of scores, one for each label, say: ranking, calibration, decisions. Pure arithmetic.

A histogram has 256 equal bins over [0, 1]: a score p is counted in bin min(int(256 p), 255). Counts may be
fractional where they are expected rather than seen (see `estimate`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SCORE_BINS = 256
CALIBRATION_GROUPS = 16
# The two-sided 95 % point of the normal distribution.
_Z = 1.959964
# The same of Student's t for 3 to 10 degrees of freedom; beyond, z + 2.4 / degrees is within 0.01.
_T = (3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
LEAST_DAYS = 4


@dataclass(frozen=True)
class Decisions:
    """What would be decided at a threshold; shares are None where their denominator is zero."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    precision: float | None
    recall: float | None
    f1: float | None


def score_bin(score: float) -> int:
    """The bin of a score; a score outside [0, 1] falls into the outermost bin."""
    return min(max(int(score * SCORE_BINS), 0), SCORE_BINS - 1)


def auc(neg: Sequence[float], pos: Sequence[float]) -> float | None:
    """The chance that a positive scores above a negative, ties counted half (Mann-Whitney).

    Exact but for pairs that share a bin; `resolution` bounds what those can change. None where a class is empty.
    """
    negatives, positives = sum(neg), sum(pos)
    if not negatives or not positives:
        return None
    below: float = 0
    twice: float = 0
    for n, p in zip(neg, pos, strict=True):
        twice += p * (2 * below + n)
        below += n
    return twice / (2 * negatives * positives)


def resolution(neg: Sequence[float], pos: Sequence[float]) -> float:
    """The most by which `auc` can differ from that of the raw scores: half the share of pairs in one bin."""
    pairs = sum(neg) * sum(pos)
    return sum(n * p for n, p in zip(neg, pos, strict=True)) / (2 * pairs) if pairs else 0.0


def auc_interval(neg: Sequence[int], pos: Sequence[int]) -> tuple[float, float] | None:
    """The 95 % DeLong interval of `auc`, cut to [0, 1]; the whole of it where a class has fewer than two rows.

    None where a class is empty. Where every positive is above every negative the interval has no width, as DeLong's
    variance then is zero: read it with the number of labels. Source: DeLong, DeLong & Clarke-Pearson, 1988.
    """
    value, negatives, positives = auc(neg, pos), sum(neg), sum(pos)
    if value is None:
        return None
    if negatives < 2 or positives < 2:
        return 0.0, 1.0
    wins = losses = 0.0
    below, above = 0, positives
    for n, p in zip(neg, pos, strict=True):
        above -= p
        wins += p * ((below + n / 2) / negatives - value) ** 2
        losses += n * ((above + p / 2) / positives - value) ** 2
        below += n
    variance = wins / (positives - 1) / positives + losses / (negatives - 1) / negatives
    half = _Z * math.sqrt(variance)
    return max(0.0, value - half), min(1.0, value + half)


def auc_interval_by_day(days: Sequence[tuple[Sequence[int], Sequence[int]]]) -> tuple[float, float] | None:
    """The 95 % interval of the AUC of all days together, by how much leaving out each one changes it.

    Rows of a day share its weather, so days differ more than DeLong's independent rows; `days` are (negatives,
    positives). None for fewer than four days, or where the AUC is not known without one of them. Source: the
    delete-a-group jackknife (Kott, 2001) with Student's t.
    """
    if len(days) < LEAST_DAYS:
        return None
    neg, pos = (list(map(sum, zip(*(day[side] for day in days), strict=True))) for side in (0, 1))
    value = auc(neg, pos)
    left_out = [auc(_less(neg, day[0]), _less(pos, day[1])) for day in days]
    known = [one for one in left_out if one is not None]
    if value is None or len(known) < len(days):
        return None
    middle, freedom = sum(known) / len(known), len(known) - 1
    half = _student(freedom) * math.sqrt(freedom / len(known) * sum((one - middle) ** 2 for one in known))
    return max(0.0, value - half), min(1.0, value + half)


def calibration_error(neg: Sequence[int], pos: Sequence[int]) -> float | None:
    """Expected calibration error over 16 equal groups of scores, each score read as the middle of its bin.

    Within 1/512 of the value from raw scores in the same groups. None where nothing is labelled.
    """
    total = sum(neg) + sum(pos)
    if not total:
        return None
    width = SCORE_BINS // CALIBRATION_GROUPS
    gap = 0.0
    for start in range(0, SCORE_BINS, width):
        bins = range(start, start + width)
        gap += abs(sum(pos[i] - (i + 0.5) / SCORE_BINS * (neg[i] + pos[i]) for i in bins))
    return gap / total


def at_threshold(neg: Sequence[int], pos: Sequence[int], threshold: float) -> Decisions:
    """Precision, recall and F1 where scores of `threshold` or more are called positive.

    Exact where 256 times the threshold is whole; else the threshold is read as the nearest such value.
    """
    cut = min(max(round(threshold * SCORE_BINS), 0), SCORE_BINS)
    hits, false = sum(pos[cut:]), sum(neg[cut:])
    missed, spared = sum(pos[:cut]), sum(neg[:cut])
    return Decisions(
        threshold,
        hits,
        false,
        missed,
        spared,
        hits / (hits + false) if hits + false else None,
        hits / (hits + missed) if hits + missed else None,
        2 * hits / (2 * hits + false + missed) if hits + false + missed else None,
    )


def _less(whole: Sequence[int], part: Sequence[int]) -> list[int]:
    return [a - b for a, b in zip(whole, part, strict=True)]


def _student(freedom: int) -> float:
    return _T[freedom - 3] if freedom - 3 < len(_T) else _Z + 2.4 / freedom
