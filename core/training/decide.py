"""What is settled on the hold-out after fitting: the calibration, the threshold, and on which rows all is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.measures.calibrate import Calibration, fit
from core.measures.cost import PER, Cost, cheapest, parse_cost
from core.measures.evaluate import best_threshold
from core.measures.intervals import Blocks, bootstrap
from core.measures.tasks import BINARY
from core.training.material import Material
from core.training.plan import Plan
from core.training.split import Split

LEAST_OF_A_CLASS = 10
# No cut at a score means anything but for two classes.
NO_THRESHOLD = 0.5


@dataclass(frozen=True)
class Decided:
    """`calibration` and `threshold` are the model's, fitted on the whole hold-out; `live` are the hold-out's scores as
    the model will give them.

    Measured are the rows of the mask `measured` with `scores` (of all hold-out rows) as `measuring` calibrates them:
    a curve of the earlier half, so that the later half has had no part in it. Both curves are None without
    calibration, and every hold-out row is measured. `cost` is what 1,000 decisions cost, on the later half at the
    earlier one's threshold; None without a cost matrix.
    """

    calibration: Calibration | None
    measuring: Calibration | None
    live: Any
    measured: Any
    scores: Any
    threshold: float
    cost: dict[str, Any] | None


def settle(plan: Plan, material: Material, split: Split, said: Any) -> Decided:
    """What the plan asks to be settled on the hold-out, of the booster's scores there. Raises BadInput where the task
    has no probability of one label, or the data no time, and a calibration or costs are asked for."""
    import numpy as np

    asked = bool(plan.calibrate or plan.cost)
    if asked and material.task != BINARY:
        raise BadInput(f"a {material.task} model has no single probability", "leave --calibrate and --cost out")
    if asked and material.times is None:
        raise BadInput("calibration and costs are settled in the order of time", "name the time column of the data set")
    if material.task != BINARY:
        return Decided(None, None, said, np.ones(len(said), bool), said, NO_THRESHOLD, None)
    truth, cost = material.labels[split.holdout], parse_cost(plan.cost) if plan.cost else None
    if material.times is None:
        return Decided(None, None, said, np.ones(len(said), bool), said, best_threshold(truth, said), None)
    return decide(truth, said, material.times[split.holdout], kind=plan.calibrate, cost=cost)


def decide(truth: Any, said: Any, times: Any, *, kind: str | None, cost: Cost | None) -> Decided:
    """Calibrate and choose a threshold: labels, the booster's scores and the times of a hold-out, of one length.

    Without costs the threshold is that of the greatest F1. Raises BadInput where a half of the hold-out, by time,
    has too few rows of a class to be calibrated on or measured.
    """
    import numpy as np

    earlier = times < np.median(times)
    if kind or cost:
        _require_both(truth, earlier)
    final = fit(kind, truth, said) if kind else None
    measuring = fit(kind, truth[earlier], said[earlier]) if kind else None
    live, scores = (curve.many(said) if curve else said for curve in (final, measuring))
    return Decided(
        calibration=final,
        measuring=measuring,
        live=live,
        measured=~earlier if kind else np.ones(len(truth), bool),
        scores=scores,
        threshold=cheapest(truth, live, cost) if cost else best_threshold(truth, live),
        cost=_costs(truth, scores, times, earlier, cost) if cost else None,
    )


def _require_both(truth: Any, earlier: Any) -> None:
    for half, name in ((earlier, "earlier"), (~earlier, "later")):
        positives = int(truth[half].sum())
        if min(positives, int(half.sum()) - positives) < LEAST_OF_A_CLASS:
            raise BadInput(
                f"the {name} half of the hold-out has fewer than {LEAST_OF_A_CLASS} rows of a class",
                "begin it earlier with --holdout-from: calibration and costs are fitted on one half, measured on both",
            )


def _costs(truth: Any, scores: Any, times: Any, earlier: Any, cost: Cost) -> dict[str, Any]:
    chosen = cheapest(truth[earlier], scores[earlier], cost)
    later = ~earlier
    return {"matrix": cost.to_json(), "per_1000": expected(truth[later], scores[later], times[later], chosen, cost)}


def expected(truth: Any, scores: Any, times: Any, threshold: float, cost: Cost) -> dict[str, Any]:
    """What 1,000 decisions cost on these rows, with its interval over days."""
    import numpy as np

    spent = cost.of_rows(truth, scores >= threshold)
    blocks = Blocks.by_day(times)
    costs, rows = blocks.sums(spent, np.ones(len(spent))).T
    return bootstrap(lambda drawn: {"cost": PER * (drawn @ costs) / (drawn @ rows)}, blocks)["cost"].to_json()
