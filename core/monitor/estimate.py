"""Quality expected from scores alone, before labels come (confidence-based performance estimation).

It holds only if the relation between inputs and label is still that of the reference: a change of concept does not
show in it, so it never silences what was measured. Source: the CBPE method of NannyML, 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.measures.ranking import SCORE_BINS, auc
from core.measures.tasks import BINARY
from core.monitor.labels import task_of

# Fewer labels than this give no curve to calibrate with: scores are then taken at their word.
LEAST_LABELS = 500


@dataclass(frozen=True)
class Estimate:
    """Expected AUC and Brier score of `n` predictions; `calibrated_on` counts the labels the curve was made of."""

    auc: float | None
    brier: float | None
    n: int
    calibrated_on: int


def estimate(desk: Desk, model: str, version: int, endpoint: str, from_us: int, to_us: int) -> Estimate:
    """The quality to expect of a window's predictions, calibrated on all labels of the version before the window.

    Only the scores of a binary model say what to expect: of others nothing is estimated.
    """
    if task_of(desk.store, model) != BINARY:
        return Estimate(None, None, 0, 0)
    place = (model, version, endpoint)
    shown = series.read_sum(desk.store, SeriesKey("score", *place), from_us, to_us)
    first = series.first_us(desk.store, SeriesKey("score", *place))
    neg, pos = (
        series.read_sum(desk.store, SeriesKey(kind, *place), from_us if first is None else first, from_us)
        for kind in ("score.neg", "score.pos")
    )
    return of_counts(shown, neg or [0] * SCORE_BINS, pos or [0] * SCORE_BINS)


def of_counts(shown: Sequence[int], neg: Sequence[int], pos: Sequence[int]) -> Estimate:
    """The estimate for score counts, calibrated by labelled score counts; without predictions all is None or zero."""
    labels = sum(neg) + sum(pos)
    total = sum(shown)
    if not total:
        return Estimate(None, None, 0, 0)
    curve = calibration(neg, pos) if labels >= LEAST_LABELS else [_middle(i) for i in range(SCORE_BINS)]
    hits = [count * chance for count, chance in zip(shown, curve, strict=True)]
    misses = [count - hit for count, hit in zip(shown, hits, strict=True)]
    squared = sum(
        h * (1 - _middle(i)) ** 2 + m * _middle(i) ** 2 for i, (h, m) in enumerate(zip(hits, misses, strict=True))
    )
    return Estimate(auc(misses, hits), squared / total, total, labels if labels >= LEAST_LABELS else 0)


def calibration(neg: Sequence[int], pos: Sequence[int]) -> list[float]:
    """The chance of a positive in each bin: isotonic regression (pool adjacent violators) of labels on scores.

    Empty bins take the chance of the pool before them, those at the start of the first pool.
    """
    pools: list[list[float]] = []
    for place, (n, p) in enumerate(zip(neg, pos, strict=True)):
        if n + p:
            pools.append([place, p, n + p])
        while len(pools) > 1 and pools[-2][1] * pools[-1][2] >= pools[-1][1] * pools[-2][2]:
            _, hits, rows = pools.pop()
            pools[-1][1] += hits
            pools[-1][2] += rows
    curve = [pools[0][1] / pools[0][2] if pools else 0.0] * len(neg)
    for start, hits, rows in pools:
        curve[int(start) :] = [hits / rows] * (len(neg) - int(start))
    return curve


def _middle(place: int) -> float:
    return (place + 0.5) / SCORE_BINS
