"""How good scores are on raw rows, for any weights of the rows, so that every measure can be resampled."""

from __future__ import annotations

from typing import Any

from core.measures.evaluate import CLIP
from core.measures.intervals import wilson
from core.measures.ranking import CALIBRATION_GROUPS

MEASURES = ("auc", "average_precision", "logloss", "brier", "ece", "precision", "recall", "f1", "base_rate")
NAN = float("nan")


class Quality:
    """Probabilities against 0/1 labels (NumPy vectors of one length), sorted once and measured for many weights.

    Scores of `threshold` or more are called positive.
    """

    def __init__(self, labels: Any, scores: Any, threshold: float) -> None:
        import numpy as np

        self._labels = labels
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.array([], int)
        sure = np.clip(scores, CLIP, 1 - CLIP)
        self._loss = -np.where(labels == 1, np.log(sure), np.log1p(-sure))
        self._squared = (scores - labels) ** 2
        self._called = (scores >= threshold).astype(float)
        self._group = np.clip((scores * CALIBRATION_GROUPS).astype(int), 0, CALIBRATION_GROUPS - 1)
        self._gap = labels - scores

    def at(self, weights: Any) -> dict[str, float]:
        """Every measure for one weight a row; not-a-number where it has no meaning, as an AUC of one class."""
        import numpy as np

        total = float(weights.sum())
        if not total:
            return dict.fromkeys(MEASURES, NAN)
        positive = weights * self._labels
        positives = float(positive.sum())
        auc, average = self._ranking(weights, positive)
        hits, called = float(positive @ self._called), float(weights @ self._called)
        gaps = np.bincount(self._group, weights * self._gap, CALIBRATION_GROUPS)
        return {
            "auc": auc,
            "average_precision": average,
            "logloss": float(weights @ self._loss) / total,
            "brier": float(weights @ self._squared) / total,
            "ece": float(np.abs(gaps).sum()) / total,
            "precision": hits / called if called else NAN,
            "recall": hits / positives if positives else NAN,
            "f1": 2 * hits / (called + positives) if called + positives else NAN,
            "base_rate": positives / total,
        }

    def _ranking(self, weights: Any, positive: Any) -> tuple[float, float]:
        """AUC (ties count half) and average precision (equal scores are one step)."""
        import numpy as np

        up = np.add.reduceat(positive[self._order], self._starts)
        both = np.add.reduceat(weights[self._order], self._starts)
        down = both - up
        positives, negatives = float(up.sum()), float(down.sum())
        if not positives:
            return NAN, NAN
        above = np.cumsum(both[::-1])[::-1]
        precision = np.cumsum(up[::-1])[::-1] / np.where(above > 0, above, 1.0)
        average = float(up @ precision) / positives
        if not negatives:
            return NAN, average
        return float(up @ (np.cumsum(down) - down / 2)) / (positives * negatives), average


def reliability(labels: Any, scores: Any) -> list[dict[str, Any]]:
    """What came of the rows of each sixteenth of the scores: mean score, share of positives and its Wilson interval.

    The groups are those of the calibration error; empty ones are left out.
    """
    import numpy as np

    group = np.clip((scores * CALIBRATION_GROUPS).astype(int), 0, CALIBRATION_GROUPS - 1)
    rows = np.bincount(group, minlength=CALIBRATION_GROUPS)
    sums, hits = (np.bincount(group, each, CALIBRATION_GROUPS) for each in (scores, labels))
    return [_bin(place, int(rows[place]), sums[place], hits[place]) for place in np.flatnonzero(rows).tolist()]


def _bin(place: int, rows: int, total: float, hits: float) -> dict[str, Any]:
    rate = wilson(float(hits), rows)
    return {
        "from": place / CALIBRATION_GROUPS,
        "to": (place + 1) / CALIBRATION_GROUPS,
        "n": rows,
        "mean_score": float(total) / rows,
        "rate": rate.value,
        "low": rate.low,
        "high": rate.high,
    }
