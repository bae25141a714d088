"""How good scores are, exactly, from raw rows: AUC with its interval, log loss, Brier score, base rate."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from core.measures.intervals import Z95

# A probability of exactly 0 or 1 that turns out wrong would make the log loss infinite.
CLIP = 1e-15


@dataclass(frozen=True)
class Evaluation:
    """Quality on `n` labelled rows; `auc_low` and `auc_high` bound the AUC at 95 %."""

    n: int
    positives: int
    base_rate: float
    auc: float
    auc_low: float
    auc_high: float
    logloss: float
    brier: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def evaluate(labels: Any, scores: Any) -> Evaluation:
    """Evaluate probabilities against 0/1 labels (NumPy vectors of one length, both classes present).

    The interval is DeLong's (1988) by the fast midrank form of Sun and Xu (2014).
    Raises ValueError where a class is absent: the AUC then has no meaning.
    """
    import numpy as np

    positives = int(labels.sum())
    auc, variance = delong(scores[labels == 1], scores[labels == 0])
    margin = Z95 * math.sqrt(variance)
    sure = np.clip(scores, CLIP, 1 - CLIP)
    logloss = -np.mean(np.where(labels == 1, np.log(sure), np.log1p(-sure)))
    return Evaluation(
        n=len(labels),
        positives=positives,
        base_rate=positives / len(labels),
        auc=auc,
        auc_low=max(0.0, auc - margin),
        auc_high=min(1.0, auc + margin),
        logloss=float(logloss),
        brier=float(np.mean((scores - labels) ** 2)),
    )


def delong(positives: Any, negatives: Any) -> tuple[float, float]:
    """The AUC (ties count half) and its variance, from the scores of both classes. Raises ValueError for none."""
    import numpy as np

    m, n = len(positives), len(negatives)
    if not m or not n:
        raise ValueError("an AUC needs scores of both classes")
    ranks = midranks(np.concatenate([positives, negatives]))
    of_positives = (ranks[:m] - midranks(positives)) / n
    of_negatives = 1 - (ranks[m:] - midranks(negatives)) / m
    auc = float(of_positives.mean())
    return auc, _share(of_positives) + _share(of_negatives)


def _share(values: Any) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def midranks(values: Any) -> Any:
    """Ranks from 1, equal values sharing the mean of theirs."""
    import numpy as np

    _, places, repeats = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(repeats)
    return (last - (repeats - 1) / 2)[places]


def best_threshold(labels: Any, scores: Any) -> float:
    """The score from which to call a row positive so that F1 is greatest; the least such score among equals."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    called = np.arange(1, len(order) + 1)
    # Only the last of equal scores is a threshold that can be drawn.
    drawn = np.r_[scores[order][1:] != scores[order][:-1], True]
    f1 = np.where(drawn, 2 * hits / (called + labels.sum()), -1.0)
    return float(scores[order][len(f1) - 1 - int(np.argmax(f1[::-1]))])
