"""Fit a LightGBM classifier so that the same rows give the same bytes, whatever machine, process or thread count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.errors import BadInput
from core.features.columns import Feature, ViewColumn
from core.measures.values import CATEGORY

ROUNDS = 100
SEED = 1
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "deterministic": True,
    "force_row_wise": True,
}


def fit(
    matrix: Any,
    labels: Any,
    *,
    categories: Sequence[int],
    rounds: int,
    seed: int,
    threads: int,
    report: Callable[[float], None],
) -> Any:
    """A booster fitted on a matrix of view columns; `categories` are the places of the category columns.

    `report` is called with the share done after each round. Raises BadInput where LightGBM refuses the data.
    """
    import lightgbm

    parameters = {**PARAMETERS, "seed": seed, "num_threads": threads, "verbosity": -1}
    data = lightgbm.Dataset(matrix, labels, categorical_feature=[*categories], params=parameters)
    try:
        return lightgbm.train(parameters, data, rounds, callbacks=[lambda env: report((env.iteration + 1) / rounds)])
    except lightgbm.basic.LightGBMError as error:
        raise BadInput(f"LightGBM cannot fit these rows: {error}", "look at `tocsin dataset profile`") from error


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
