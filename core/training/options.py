"""What a person may set of the fitting: LightGBM's parameters in their ranges, class weights, monotone constraints."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import BadInput
from core.features.columns import Feature, ViewColumn
from core.measures.tasks import MULTICLASS, REGRESSION
from core.measures.values import CATEGORY

BALANCED = "balanced"
# (kind, least, most) of each parameter that may be set; what makes fits repeatable is not among them.
# Source: LightGBM's documentation, "Parameters".
KNOWN: dict[str, tuple[type, float, float]] = {
    "bagging_fraction": (float, 0.01, 1),
    "bagging_freq": (int, 0, 1000),
    "cat_l2": (float, 0, 1e6),
    "cat_smooth": (float, 0, 1e6),
    "feature_fraction": (float, 0.01, 1),
    "feature_fraction_bynode": (float, 0.01, 1),
    "lambda_l1": (float, 0, 1e6),
    "lambda_l2": (float, 0, 1e6),
    "learning_rate": (float, 1e-4, 1),
    "max_bin": (int, 2, 65_535),
    "max_cat_threshold": (int, 1, 1000),
    "max_depth": (int, -1, 64),
    "min_data_in_leaf": (int, 0, 10_000_000),
    "min_data_per_group": (int, 1, 10_000_000),
    "min_gain_to_split": (float, 0, 1e6),
    "min_sum_hessian_in_leaf": (float, 0, 1e6),
    "num_leaves": (int, 2, 4096),
    "path_smooth": (float, 0, 1e6),
}


def parameters(given: Mapping[str, Any]) -> dict[str, int | float]:
    """LightGBM parameters by name, read and in range. Raises BadInput, naming the nearest for an unknown one."""
    return {name: _parameter(name, given[name]) for name in sorted(given)}


def _parameter(name: str, value: Any) -> int | float:
    if name not in KNOWN:
        raise BadInput(f"there is no parameter {name!r} to set", nearest(name, list(KNOWN), "the parameters"))
    kind, least, most = KNOWN[name]
    number = _number(value)
    if number is None or not least <= number <= most or (kind is int and not number.is_integer()):
        what = "a whole number" if kind is int else "a number"
        raise BadInput(f"the parameter {name} is {value!r}", f"it is {what} from {least:g} to {most:g}")
    return int(number) if kind is int else number


def class_weight(given: Any) -> dict[str, float] | str:
    """`balanced`, or weights by class; empty where none were asked for. Raises BadInput for one that is not above 0."""
    if not given or given == BALANCED:
        return given or {}
    if not isinstance(given, Mapping):
        raise BadInput(f"{given!r} is no class weight", "write --class-weight balanced, or --class-weight CLASS=WEIGHT")
    return {str(name): _weight(name, given[name]) for name in sorted(given)}


def _weight(name: str, value: Any) -> float:
    weight = _number(value)
    if weight is None or not 0 < weight <= 1e6:
        raise BadInput(f"the weight of class {name!r} is {value!r}", "it is a number above 0")
    return weight


def monotone(given: Mapping[str, Any]) -> dict[str, int]:
    """The direction (+1 or -1) in which a column may move the score. Raises BadInput for any other direction."""
    found = {name: _number(given[name]) for name in sorted(given)}
    for name, direction in found.items():
        if direction not in (1, -1):
            raise BadInput(f"the direction of {name!r} is {given[name]!r}", "write --monotone COLUMN=+1 or COLUMN=-1")
    return {name: int(direction or 0) for name, direction in found.items()}


def constraints(
    wanted: Mapping[str, int], task: str, features: Sequence[Feature], view: Sequence[ViewColumn]
) -> list[int]:
    """One direction for each view column, 0 where none was asked for; empty where none was asked for at all.

    Raises BadInput for a column that the view does not have, a category, or a multiclass model: its classes' scores
    sum to one, so that no input can move all of them one way.
    """
    if not wanted:
        return []
    if task == MULTICLASS:
        raise BadInput("a multiclass model has no monotone columns", "leave --monotone out")
    columns = {column.name: column for column in view}
    categories = {feature.name for feature in features if feature.kind == CATEGORY}
    for name in wanted:
        if name not in columns:
            raise BadInput(f"the view has no column {name!r}", nearest(name, list(columns), "the columns"))
        if columns[name].column in categories:
            raise BadInput(f"{name!r} is a category, which has no direction", "only numbers can be monotone")
    return [wanted.get(column.name, 0) for column in view]


def row_weights(wanted: Mapping[str, float] | str, task: str, classes: Sequence[str], labels: Any) -> Any:
    """A weight for each row (NumPy floats), None where no class weights were asked for.

    Balanced weights are n / (classes x rows of the class), so that every class weighs the same. Raises BadInput for
    a number's label, or a class that there is not.
    """
    import numpy as np

    if not wanted:
        return None
    if task == REGRESSION:
        raise BadInput("a number has no classes to weigh", "leave --class-weight out")
    names = classes or ("0", "1")
    places = labels.astype(np.int64)
    if isinstance(wanted, str):
        counts = np.bincount(places, minlength=len(names))
        return (len(labels) / (len(names) * np.maximum(counts, 1)))[places]
    for name in wanted:
        if name not in names:
            raise BadInput(f"there is no class {name!r} to weigh", nearest(name, list(names), "the classes"))
    return np.array([wanted.get(name, 1.0) for name in names])[places]


def nearest(name: str, known: Sequence[str], what: str) -> str:
    """A hint for a name that is not known: the nearest one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"{what} are {', '.join(known[:40])}"


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
