"""Measured quality of a served version over any window, folded from counts of scores by label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import DAY
from core.counts import series
from core.counts.series import SeriesKey
from core.measures.ranking import SCORE_BINS, auc, auc_interval, auc_interval_by_day, calibration_error
from core.store import Store

__all__ = ["Measure", "auc", "by_day", "interval_by_day", "losses", "measure", "of_counts", "score_counts"]

# The loss series holds sums in millionths.
SCALE = 1_000_000
# A score of exactly 0 or 1 would make one wrong prediction cost infinitely much.
_CLIP = 1e-15


@dataclass(frozen=True)
class Measure:
    """Quality of the labelled predictions of a window; figures are None where labels do not allow them.

    `low` and `high` are the 95 % DeLong interval of `auc`; `n` counts labelled predictions, `predictions` all of
    them, `coverage` is their ratio. Log loss (nats) and Brier score are means from exact sums.
    """

    auc: float | None
    low: float | None
    high: float | None
    n: int
    positives: int
    predictions: int
    coverage: float | None
    logloss: float | None
    brier: float | None
    ece: float | None


def measure(store: Store, model: str, version: int, endpoint: str, from_us: int, to_us: int) -> Measure:
    """The quality of what a version answered at an endpoint in the hours that touch [from, to), by when asked."""
    neg, pos = score_counts(store, model, version, endpoint, from_us, to_us)
    shown = _sum(store, "score", model, version, endpoint, from_us, to_us)
    loss = _sum(store, "loss", model, version, endpoint, from_us, to_us)
    return of_counts(neg, pos, sum(shown), loss)


def by_day(
    store: Store, model: str, from_us: int, to_us: int, endpoint: str | None = None
) -> list[tuple[int, str, int, Measure]]:
    """(day, endpoint, version, measure) of every day that has predictions and begins in [from, to), newest first."""
    found = [
        (day, key.endpoint, key.version, measure(store, model, key.version, key.endpoint, day, day + DAY))
        for key in series.keys(store, kind="score", model=model, endpoint=endpoint)
        for day, _ in series.read_steps(store, key, from_us, to_us, DAY)
    ]
    return sorted(found, key=lambda entry: (-entry[0], entry[1], -entry[2]))


def interval_by_day(
    store: Store, model: str, version: int, endpoint: str, from_us: int, to_us: int
) -> tuple[float, float] | None:
    """The 95 % interval of the AUC over the days that begin in [from, to), by how much those days differ.

    None where fewer than four of them have labels.
    """
    kinds = ("score.neg", "score.pos")
    keys = [SeriesKey(kind, model, version, endpoint) for kind in kinds]
    sides = [dict(series.read_steps(store, key, from_us, to_us, DAY)) for key in keys]
    nothing = [0] * SCORE_BINS
    days = sorted({*sides[0], *sides[1]})
    return auc_interval_by_day([(sides[0].get(day, nothing), sides[1].get(day, nothing)) for day in days])


def score_counts(
    store: Store, model: str, version: int, endpoint: str, from_us: int, to_us: int
) -> tuple[list[int], list[int]]:
    """The labelled predictions of a window in 256 bins of their scores: (negatives, positives)."""
    neg = _sum(store, "score.neg", model, version, endpoint, from_us, to_us)
    pos = _sum(store, "score.pos", model, version, endpoint, from_us, to_us)
    return neg or [0] * SCORE_BINS, pos or [0] * SCORE_BINS


def of_counts(neg: Sequence[int], pos: Sequence[int], predictions: int, loss: Sequence[int]) -> Measure:
    """The measure of labelled score counts, the number of predictions, and [n, sum log loss, sum Brier] in millionths.

    Empty counts give a measure of nothing: zero rows and no figures.
    """
    interval = auc_interval(neg, pos)
    labelled, positives = sum(neg) + sum(pos), sum(pos)
    lossy = len(loss) == 3 and loss[0] > 0
    return Measure(
        auc=auc(neg, pos),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        n=labelled,
        positives=positives,
        predictions=predictions,
        coverage=labelled / predictions if predictions else None,
        logloss=loss[1] / loss[0] / SCALE if lossy else None,
        brier=loss[2] / loss[0] / SCALE if lossy else None,
        ece=calibration_error(neg, pos),
    )


def losses(score: float, value: int) -> tuple[int, int]:
    """The log loss (nats) and the Brier score of one labelled prediction, in millionths."""
    certain = min(max(score, _CLIP), 1 - _CLIP)
    log = -math.log(certain if value else 1 - certain)
    return round(log * SCALE), round((score - value) ** 2 * SCALE)


def _sum(store: Store, kind: str, model: str, version: int, endpoint: str, from_us: int, to_us: int) -> list[int]:
    return series.read_sum(store, SeriesKey(kind, model, version, endpoint), from_us, to_us)
