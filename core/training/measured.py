"""The measures of a hold-out, by task, and what they were measured on."""

from __future__ import annotations

from typing import Any

from core.clock import DAY
from core.measures.classes import evaluate_classes
from core.measures.evaluate import evaluate
from core.measures.numbers import evaluate_numbers
from core.measures.tasks import BINARY, HEADLINES, MULTICLASS
from core.training.material import Material
from core.training.split import Fold, Split


def measured(material: Material, rows: Any, scores: Any) -> dict[str, Any]:
    """The measures of a task on the rows of a mask, whose scores these are (by classes for multiclass)."""
    truth, days = material.labels[rows], material.days
    own = None if days is None else days[rows]
    if material.task == BINARY:
        return evaluate(truth, scores).to_json()
    if material.task == MULTICLASS:
        import numpy as np

        return evaluate_classes(truth.astype(np.int64), scores, own)
    return evaluate_numbers(truth, scores, own)


def extent(material: Material, split: Split) -> dict[str, Any]:
    """What the metrics were measured on, beside the metrics."""
    fit_rows, held = int(split.fit.sum()), int(split.holdout.sum())
    found: dict[str, Any] = {"fit_rows": fit_rows, "rows": len(material.labels), "unlabelled": material.dropped}
    if len(material.labels) - fit_rows - held:
        found["left_out"] = len(material.labels) - fit_rows - held
    if split.from_us is not None and material.times is not None:
        days = round((int(material.times.max()) - split.from_us) / DAY, 2)
        found |= {"holdout_from_us": split.from_us, "holdout_days": days}
    return found


def of_fold(material: Material, fold: Fold, scores: Any) -> dict[str, Any]:
    """One fold's line: where it was, how many rows, and its task's measures."""
    found = measured(material, fold.holdout, scores)
    kept = {name: found[name] for name in HEADLINES[material.task].measures if name in found}
    return {"from_us": fold.from_us, "to_us": fold.to_us, "fit_rows": int(fold.fit.sum()), **kept}
