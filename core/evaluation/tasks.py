"""The measures of several classes and of numbers on scored rows: as in training, and what an evaluation adds."""

from __future__ import annotations

from typing import Any

from core.clock import DAY
from core.evaluation.rows import Scored
from core.measures.classes import evaluate_classes
from core.measures.intervals import RESAMPLES, SEED, Blocks, bootstrap
from core.measures.numbers import evaluate_numbers
from core.measures.quality import reliability
from core.measures.ranking import CALIBRATION_GROUPS

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TENTHS = 10


def of_classes(rows: Scored) -> dict[str, Any]:
    """Accuracy, macro F1, log loss, macro AUC and the calibration error of the likeliest class, with its reliability:
    how often the likeliest class was right, by how likely it was said to be. `classes` tells each one's share."""
    import numpy as np

    days, top = rows.times // DAY, rows.scores.max(axis=1)
    hits = (rows.scores.argmax(axis=1) == rows.labels).astype(float)
    metrics = _with_intervals(evaluate_classes(rows.labels.astype(np.int64), rows.scores, days))
    metrics["ece"] = _top_error(hits, top, rows.blocks)
    return {
        "metrics": metrics,
        "intervals": _drawn(rows.blocks),
        "calibration": {"kind": None, "of": "the likeliest class", "bins": reliability(hits, top)},
        "classes": [_class(rows, place, name) for place, name in enumerate(rows.artefact.classes)],
    }


def _class(rows: Scored, place: int, name: str) -> dict[str, Any]:
    true, called = rows.labels == place, rows.scores.argmax(axis=1) == place
    hits = int((true & called).sum())
    return {
        "class": name,
        "n": int(true.sum()),
        "called": int(called.sum()),
        "recall": hits / int(true.sum()) if true.any() else None,
        "precision": hits / int(called.sum()) if called.any() else None,
    }


def _top_error(hits: Any, top: Any, blocks: Blocks) -> dict[str, Any]:
    """The calibration error of the likeliest class's probability, sixteen groups, with its interval over days."""
    import numpy as np

    group = np.clip((top * CALIBRATION_GROUPS).astype(int), 0, CALIBRATION_GROUPS - 1)
    gaps = ((hits - top) * (group == place) for place in range(CALIBRATION_GROUPS))
    sums = blocks.sums(np.ones(len(hits)), *gaps)

    def error(times: Any) -> dict[str, Any]:
        drawn = times @ sums
        return {"ece": np.abs(drawn[:, 1:]).sum(axis=1) / drawn[:, 0]}

    return bootstrap(error, blocks)["ece"].to_json()


def of_numbers(rows: Scored) -> dict[str, Any]:
    """RMSE, MAE, R2 and the mean error (predicted less true), in the label's unit; `residuals` has the quantiles of
    the error, and by tenths of the prediction what was said and what came."""
    import numpy as np

    days, error = rows.times // DAY, rows.scores - rows.labels
    metrics = _with_intervals(evaluate_numbers(rows.labels, rows.scores, days))
    blocks = rows.blocks
    count, total = blocks.sums(np.ones(len(error)), error).T
    metrics["mean_error"] = bootstrap(lambda t: {"mean": (t @ total) / (t @ count)}, blocks)["mean"].to_json()
    return {
        "metrics": metrics,
        "intervals": _drawn(rows.blocks),
        "residuals": {
            "std": float(error.std()),
            "quantiles": {f"p{round(100 * at):02d}": float(np.quantile(error, at)) for at in QUANTILES},
            "bins": _tenths(rows.labels, rows.scores),
        },
    }


def _tenths(labels: Any, scores: Any) -> list[dict[str, Any]]:
    import numpy as np

    order = np.argsort(scores, kind="stable")
    return [
        {
            "from": float(scores[part[0]]),
            "to": float(scores[part[-1]]),
            "n": len(part),
            "mean_score": float(scores[part].mean()),
            "mean_label": float(labels[part].mean()),
            "mae": float(np.abs(scores[part] - labels[part]).mean()),
        }
        for part in np.array_split(order, TENTHS)
        if len(part)
    ]


def _with_intervals(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"value": value, "low": found[f"{name}_low"], "high": found[f"{name}_high"]}
        for name, value in found.items()
        if f"{name}_low" in found
    }


def _drawn(blocks: Blocks) -> dict[str, Any]:
    return {"drawn": blocks.kind, "blocks": blocks.count, "resamples": RESAMPLES, "seed": SEED}
