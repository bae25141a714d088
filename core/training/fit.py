"""Fit a LightGBM model so that the same rows give the same bytes, whatever machine, process or thread count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import BadInput
from core.features.columns import Feature, ViewColumn
from core.measures.tasks import BINARY, MULTICLASS, REGRESSION
from core.measures.values import CATEGORY

ROUNDS = 100
SEED = 1
PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "deterministic": True,
    "force_row_wise": True,
}
# (objective, the loss that is told and stopped by) of each task.
OBJECTIVES = {
    BINARY: ("binary", "binary_logloss"),
    MULTICLASS: ("multiclass", "multi_logloss"),
    REGRESSION: ("regression", "rmse"),
}
# The loss is told at about this many rounds of a fit: on the rows fitted on it costs as much as a share of a round.
TOLD_ROUNDS = 50

# The round just done, of how many, and the losses by name ("fit", "held") where they were computed.
Report = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Recipe:
    """How to fit: LightGBM's parameters, the most rounds, the places of category columns, and the threads."""

    parameters: Mapping[str, Any]
    rounds: int
    categories: Sequence[int]
    threads: int


@dataclass(frozen=True)
class Rows:
    """Rows of a booster's matrix with their labels, and weights where there are any (NumPy)."""

    matrix: Any
    labels: Any
    weights: Any | None = field(default=None)


def parameters_of(task: str, classes: Sequence[str], constraints: Sequence[int], param: Mapping[str, Any]) -> Any:
    """LightGBM's parameters of a task: the house's, what was set over them, and what the task needs."""
    own = {"num_class": len(classes)} if task == MULTICLASS else {}
    # Without the house's way of binding directions the first split alone would spoil the fit for all below it.
    bound = {"monotone_constraints": [*constraints], "monotone_constraints_method": "advanced"} if constraints else {}
    return {"objective": OBJECTIVES[task][0], **PARAMETERS, **own, **bound, **param}


def fit(rows: Rows, recipe: Recipe, report: Report, *, held: Rows | None = None, stop: int = 0) -> Any:
    """A booster fitted on rows; its loss on `held` rows is told as well.

    With `stop` the fit ends when the loss on `held` has not improved for as many rounds, and `best_iteration` of the
    booster is the best round. `report` is called after every round, and may end the fit by raising.
    Raises BadInput where LightGBM refuses the data.
    """
    import lightgbm

    metric = next(loss for objective, loss in OBJECTIVES.values() if objective == recipe.parameters["objective"])
    parameters = {**recipe.parameters, "metric": metric, "num_threads": recipe.threads, "verbosity": -1}
    own = [*recipe.categories]
    data = lightgbm.Dataset(rows.matrix, rows.labels, weight=rows.weights, categorical_feature=own, params=parameters)
    beside = None if held is None else data.create_valid(held.matrix, held.labels, weight=held.weights)
    callbacks = [_telling(recipe.rounds, report, beside)]
    watched: list[Any] = []
    if stop:
        # Only a fit that may end early needs the loss of every round.
        watched = [beside]
        callbacks.append(lightgbm.early_stopping(stop, first_metric_only=True, verbose=False))
    try:
        return lightgbm.train(parameters, data, recipe.rounds, watched, ["held"] * len(watched), callbacks=callbacks)
    except lightgbm.basic.LightGBMError as error:
        raise BadInput(f"LightGBM cannot fit these rows: {error}", "look at `tocsin dataset profile`") from error


def _telling(rounds: int, report: Report, held: Any) -> Callable[[Any], None]:
    every = -(-rounds // TOLD_ROUNDS)

    def tell(env: Any) -> None:
        done = env.iteration + 1
        losses: dict[str, float] = {}
        if done % every == 0 or done in (1, rounds):
            losses = {"fit": env.model.eval_train()[0][2]}
            if held is not None:
                losses["held"] = env.model.eval(held, "held")[0][2]
        report(done, rounds, losses)

    return tell


def booster_text(booster: Any) -> str:
    """The model as text, without the trailing parameters: they tell of threads, not of the model."""
    text: str = booster.model_to_string()
    return text.split("\nparameters:", 1)[0] + "\n"


def gains(booster: Any, view: Sequence[ViewColumn]) -> dict[str, float]:
    """The total gain of each view column's splits."""
    found = booster.feature_importance("gain").tolist()
    return {column.name: float(gain) for column, gain in zip(view, found, strict=True)}


def category_places(features: Sequence[Feature], view: Sequence[ViewColumn]) -> list[int]:
    """The places of the view columns that are level codes."""
    categories = {feature.name for feature in features if feature.kind == CATEGORY}
    return [
        place
        for place, column in enumerate(view)
        if column.kind == CATEGORY or (not column.computed and column.column in categories)
    ]
