"""How good the scores of several classes are: accuracy, macro F1, log loss, macro AUC, each with its interval."""

from __future__ import annotations

import math
from typing import Any

from core.measures.evaluate import CLIP, delong
from core.measures.intervals import Z95, Blocks, bootstrap


def evaluate_classes(truth: Any, scores: Any, days: Any | None = None) -> dict[str, Any]:
    """Evaluate class probabilities (rows by classes) against class numbers from 0 (NumPy, one length, not empty).

    Accuracy, macro F1 (over the classes that occur, 0 for one never hit) and log loss (nats) have bootstrap intervals
    by day (see `core.measures.intervals`); the macro AUC, one class against the rest, DeLong's with the standard errors
    averaged, which is wide enough whatever the classes' correlation. It is None where no class can be ranked.
    """
    import numpy as np

    classes = scores.shape[1]
    called = scores.argmax(axis=1)
    chance = np.clip(scores[np.arange(len(truth)), truth], CLIP, 1.0)
    confusion = np.zeros((len(truth), classes * 3 + 2))
    rows = np.arange(len(truth))
    confusion[rows, truth] = 1
    confusion[rows, classes + called] = 1
    hit = called == truth
    confusion[rows[hit], 2 * classes + truth[hit]] = 1
    confusion[:, -2], confusion[:, -1] = -np.log(chance), 1
    blocks = Blocks.of_days(days, len(truth))
    sums = blocks.sums(*confusion.T)
    found: dict[str, Any] = {"n": len(truth)}
    for name, one in bootstrap(lambda times: _measures(times @ sums), blocks).items():
        found |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return {**found, **_macro_auc(truth, scores)}


def _measures(sums: Any) -> dict[str, Any]:
    return {"accuracy": _accuracy(sums), "macro_f1": _macro_f1(sums), "logloss": _logloss(sums)}


def _accuracy(sums: Any) -> Any:
    classes = (sums.shape[1] - 2) // 3
    return sums[:, 2 * classes : 3 * classes].sum(axis=1) / sums[:, -1]


def _logloss(sums: Any) -> Any:
    return sums[:, -2] / sums[:, -1]


def _macro_f1(sums: Any) -> Any:
    import numpy as np

    classes = (sums.shape[1] - 2) // 3
    true, called, hits = (sums[:, place * classes : (place + 1) * classes] for place in range(3))
    f1 = 2 * hits / np.maximum(true + called, 1)
    occurs = true > 0
    return (f1 * occurs).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)


def _macro_auc(truth: Any, scores: Any) -> dict[str, float | None]:
    found = []
    for place in range(scores.shape[1]):
        own = truth == place
        if own.any() and not own.all():
            found.append(delong(scores[own, place], scores[~own, place]))
    if not found:
        return {"macro_auc": None, "macro_auc_low": None, "macro_auc_high": None}
    value = sum(auc for auc, _ in found) / len(found)
    margin = Z95 * sum(math.sqrt(variance) for _, variance in found) / len(found)
    return {
        "macro_auc": value,
        "macro_auc_low": max(0.0, value - margin),
        "macro_auc_high": min(1.0, value + margin),
    }
