"""How good scores are on raw rows, however often each block of them counts, so that every measure can be resampled."""

from __future__ import annotations

from typing import Any

from core.measures.evaluate import CLIP
from core.measures.intervals import Blocks, wilson
from core.measures.ranking import CALIBRATION_GROUPS
from core.measures.ranks import Ranking

MEASURES = ("auc", "average_precision", "logloss", "brier", "ece", "precision", "recall", "f1", "base_rate")


class Quality:
    """Probabilities against 0/1 labels (NumPy vectors of one length), summed once by block and measured for many draws.

    Scores of `threshold` or more are called positive.
    """

    def __init__(self, labels: Any, scores: Any, threshold: float, blocks: Blocks) -> None:
        import numpy as np

        sure = np.clip(scores, CLIP, 1 - CLIP)
        loss = -np.where(labels == 1, np.log(sure), np.log1p(-sure))
        called = (scores >= threshold).astype(float)
        group = np.clip((scores * CALIBRATION_GROUPS).astype(int), 0, CALIBRATION_GROUPS - 1)
        gaps = ((labels - scores) * (group == place) for place in range(CALIBRATION_GROUPS))
        parts = (np.ones(len(labels)), labels, loss, (scores - labels) ** 2, called, called * labels)
        self._sums = blocks.sums(*parts, *gaps)
        self._ranking = Ranking(labels, scores, blocks)

    def at(self, times: Any) -> dict[str, Any]:
        """Every measure for how often each block counts (draws by blocks), a vector over the draws; not-a-number where
        it has no meaning, as an AUC of one class.
        """
        import numpy as np

        sums = times @ self._sums
        total, positives, loss, squared, called, hits = sums[:, :6].T
        auc, average = self._ranking.at(times)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "auc": auc,
                "average_precision": average,
                "logloss": loss / total,
                "brier": squared / total,
                "ece": np.abs(sums[:, 6:]).sum(axis=1) / total,
                "precision": hits / called,
                "recall": hits / positives,
                "f1": 2 * hits / (called + positives),
                "base_rate": positives / total,
            }


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
