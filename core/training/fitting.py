"""The fits of one training: a search for the number of rounds, the folds, the measured one and the registered one."""

from __future__ import annotations

from typing import Any

from core.engines.engine import Engine
from core.training.fit import Recipe, Rows, category_places, fit, parameters_of
from core.training.material import Material
from core.training.options import constraints, row_weights
from core.training.plan import Plan
from core.training.split import LEAST_OF_A_CLASS, Split, require_parts, validation_of
from core.training.stages import Stages
from core.work.progress import Progress


class Fitter:
    """Fits a plan's recipe on parts of its material, by the engine where that can, else here.

    Raises BadInput for a recipe that the material does not allow.
    """

    def __init__(self, threads: int, plan: Plan, material: Material, progress: Progress, engine: Engine) -> None:
        self._plan, self._material, self._threads, self._engine = plan, material, threads, engine
        bound = constraints(plan.monotone, material.task, material.features, material.view)
        self.parameters = {**parameters_of(material.task, material.classes, bound, plan.param), "seed": plan.seed}
        self._weights = row_weights(plan.class_weight, material.task, material.classes, material.labels)
        self._categories = category_places(material.features, material.view)
        self._stages = Stages(progress, 2 + plan.folds + bool(plan.early_stopping))

    def best_rounds(self, split: Split) -> int:
        """How many rounds to fit: those of the plan, or the best on a validation part inside of the part fitted on."""
        plan, m = self._plan, self._material
        if not plan.early_stopping:
            return plan.rounds
        held = validation_of(split.fit, m.times, m.groups, m.labels, task=m.task, seed=plan.seed)
        inner = Split(split.fit & ~held, held, None)
        require_parts(
            inner, m.labels, m.task, f"early stopping needs {LEAST_OF_A_CLASS} in its validation part as well"
        )
        text = f"looking for the number of rounds on {int(held.sum())} validation rows"
        booster = self.fit("search", text, inner.fit, plan.rounds, held=held, stop=plan.early_stopping)
        return max(1, int(booster.best_iteration))

    def fit(self, name: str, text: str, part: Any, rounds: int, *, held: Any = None, stop: int = 0) -> Any:
        """A booster fitted on the rows of `part`; its loss on those of `held` is told as well."""
        recipe = Recipe(self.parameters, rounds, self._categories, self._threads)
        report, boost = self._stages.fit(name, text), getattr(self._engine, "boost", None)
        if boost is None:
            beside = None if held is None else self._rows(held)
            return fit(self._rows(part), recipe, report, held=beside, stop=stop)
        rows, parameters = self._rows(part), {**self.parameters, "verbosity": -1}
        booster = boost(parameters, rounds, rows.matrix, rows.labels, rows.weights, [*self._categories])
        report(rounds, rounds, {})
        return booster

    def scores(self, booster: Any, part: Any) -> Any:
        """What a booster says of the rows of a part."""
        return booster.predict(self._material.matrix[part], num_threads=self._threads)

    def _rows(self, part: Any) -> Rows:
        m = self._material
        return Rows(m.matrix[part], m.labels[part], None if self._weights is None else self._weights[part])
