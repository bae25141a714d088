"""The measures of scored rows, each with its interval, the reliability table and the threshold's cost."""

from __future__ import annotations

from typing import Any

from core.evaluation.rows import Scored
from core.evaluation.tasks import of_classes, of_numbers
from core.measures.cost import Cost, parse_cost
from core.measures.influence import around, influence, variance
from core.measures.intervals import RESAMPLES, SEED, bootstrap
from core.measures.quality import Quality, reliability
from core.measures.tasks import MULTICLASS, REGRESSION
from core.training.decide import expected


def measured(rows: Scored, cost: Cost | None = None) -> dict[str, Any]:
    """The measures of the rows' task, with 95 % intervals over days drawn again: see `core.evaluation.tasks`, and for
    two classes the AUC with DeLong's beside it, calibration and threshold.

    `cost` None takes the cost matrix the version was trained with, if any.
    """
    if rows.artefact.task == MULTICLASS:
        return of_classes(rows)
    if rows.artefact.task == REGRESSION:
        return of_numbers(rows)
    blocks = rows.blocks
    quality = Quality(rows.labels, rows.scores, rows.artefact.threshold, blocks)
    metrics = {name: found.to_json() for name, found in bootstrap(quality.at, blocks).items()}
    auc, parts = influence(rows.labels, rows.scores)
    alone = around(auc, variance(parts))
    metrics["auc"] |= {"delong_low": alone.low, "delong_high": alone.high}
    return {
        "metrics": metrics,
        "intervals": {"drawn": blocks.kind, "blocks": blocks.count, "resamples": RESAMPLES, "seed": SEED},
        "threshold": {"value": rows.artefact.threshold, **_costs(rows, cost)},
        "calibration": {
            "kind": rows.artefact.calibration.kind if rows.artefact.calibration else None,
            "bins": reliability(rows.labels, rows.scores),
        },
    }


def _costs(rows: Scored, cost: Cost | None) -> dict[str, Any]:
    recorded = rows.version.parameters.get("cost")
    cost = cost or (parse_cost(recorded) if recorded else None)
    if cost is None:
        return {}
    per = expected(rows.labels, rows.scores, rows.times, rows.artefact.threshold, cost)
    return {"cost": {"matrix": cost.to_json(), "per_1000": per}}
