"""One trial: a recipe fitted on time-ordered folds of the part fitted on, and its measure told as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core.training.fit import category_places, parameters_of
from core.training.material import Material
from core.training.options import constraints, row_weights
from core.training.plan import Plan
from core.training.split import Split, folds_before, require_parts, validation_of
from core.tuning.metrics import Metric

# A value is told, and a trial may be cut short, after as many rounds.
EVERY = 10

# The round just done, and the measure after it where it is told, else None. It may end the fit by raising.
Told = Callable[[int, float | None], None]


def without_holdout(material: Material, split: Split) -> Material:
    """The rows fitted on alone: what a trial is given holds nothing of the hold-out."""
    import pyarrow as pa

    part, m = split.fit, material
    return replace(
        m,
        table=m.table.filter(pa.array(part)),
        matrix=m.matrix[part],
        labels=m.labels[part],
        times=None if m.times is None else m.times[part],
        groups=None if m.groups is None else m.groups[part],
    )


class Objective:
    """The measure of a recipe on rows that hold no hold-out: the mean over the plan's folds, which are fitted side by
    side, or that of a validation part where it has none.

    Raises BadInput for rows that cannot be cut so.
    """

    def __init__(self, plan: Plan, material: Material, metric: Metric, threads: int) -> None:
        self._plan, self._material, self._metric, self._threads = plan, material, metric, threads
        bound = constraints(plan.monotone, material.task, material.features, material.view)
        self._parameters = {**parameters_of(material.task, material.classes, bound, plan.param), "seed": plan.seed}
        self._weights = row_weights(plan.class_weight, material.task, material.classes, material.labels)
        self._categories = category_places(material.features, material.view)
        self._folds = _folds(plan, material)

    def __call__(self, params: Mapping[str, Any], tell: Told) -> float:
        """The measure after the last round, or with early stopping the best one.

        Raises LightGBM's error for parameters that it refuses.
        """
        import lightgbm

        plan, m = self._plan, self._material
        fixed = {"metric": self._metric.lightgbm, "num_threads": self._threads, "verbosity": -1}
        parameters = {**self._parameters, **params, **fixed}
        data = lightgbm.Dataset(
            m.matrix, m.labels, weight=self._weights, categorical_feature=self._categories, params=parameters
        )
        callbacks = [_telling(plan.rounds, tell)]
        if plan.early_stopping:
            callbacks.append(lightgbm.early_stopping(plan.early_stopping, first_metric_only=True, verbose=False))
        unweighed = None if self._weights is None else _unweighed
        found: Any = lightgbm.cv(
            parameters, data, plan.rounds, folds=self._folds, fpreproc=unweighed, callbacks=callbacks
        )
        return float(found[f"valid {self._metric.lightgbm}-mean"][-1])


def _folds(plan: Plan, m: Material) -> list[tuple[Any, Any]]:
    """The places of the rows fitted on and measured on, of each fold."""
    import numpy as np

    everything = np.ones(len(m.labels), dtype=bool)
    cuts: list[tuple[Any, Any, int | None]]
    if plan.folds:
        cuts = [(f.fit, f.holdout, f.from_us) for f in folds_before(m.times, everything, plan.folds, plan.gap_us)]
    else:
        held = validation_of(everything, m.times, m.groups, m.labels, task=m.task, seed=plan.seed)
        cuts = [(~held, held, None)]
    for fit, held, from_us in cuts:
        require_parts(Split(fit, held, from_us), m.labels, m.task, "search on fewer folds (--folds), or on more rows")
    return [(np.flatnonzero(fit), np.flatnonzero(held)) for fit, held, _ in cuts]


def _unweighed(fit: Any, held: Any, parameters: Any) -> tuple[Any, Any, Any]:
    """Class weights weigh in the fit, not in the measure."""
    import numpy as np

    # Any weight that is the same for all; of ones LightGBM takes no notice, and keeps those of the classes.
    held.construct().set_weight(np.full(held.num_data(), 2.0))
    return fit, held, parameters


def _telling(rounds: int, tell: Told) -> Callable[[Any], None]:
    def each(env: Any) -> None:
        done = env.iteration + 1
        told = done % EVERY == 0 or done == rounds
        tell(done, float(env.evaluation_result_list[0][2]) if told else None)

    # Before early stopping, which ends the round by raising.
    each.order = 0  # type: ignore[attr-defined]
    return each
