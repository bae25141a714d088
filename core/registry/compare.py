"""Two versions of a model side by side: their measures, and everything about their making that differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.measures.tasks import HEADLINES
from core.registry.versions import Version, load_artefact, version
from core.training.artefact import Artefact, ViewColumn
from core.training.split import TEMPORAL

# What says which rows a version was measured on; a split that is drawn has its seed as well.
HOLDOUT = ("snapshot", "split", "group", "holdout_from_us")


@dataclass(frozen=True)
class Difference:
    """One thing that differs: a parameter, the code, the environment, an input or a view column."""

    what: str
    left: str
    right: str


@dataclass(frozen=True)
class Comparison:
    """`metrics` by measure as (left, right); `caution` says what the numbers can and cannot be used for."""

    metrics: dict[str, tuple[float, float]]
    differences: list[Difference]
    caution: str

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys."""
        return {
            "metrics": {name: {"left": left, "right": right} for name, (left, right) in self.metrics.items()},
            "differences": [vars(difference) for difference in self.differences],
            "caution": self.caution,
        }


def compare(desk: Desk, model: str, left: int, right: int) -> Comparison:
    """Compare two versions. Raises NotFound, and StoreUnusable for a damaged model file."""
    first, second = version(desk.store, model, left), version(desk.store, model, right)
    metrics = {
        name: (first.metrics[name], second.metrics[name])
        for name in HEADLINES[first.task].measures
        if all(isinstance(found.metrics.get(name), int | float) for found in (first, second))
    }
    made = list(_differing(_making(first), _making(second)))
    inputs = _differing(_columns(load_artefact(desk, model, left)), _columns(load_artefact(desk, model, right)))
    return Comparison(metrics, [*made, *inputs], _caution(first, second))


def _making(found: Version) -> dict[str, Any]:
    return {**found.parameters, "code": found.code[:12], **found.environment}


def _columns(artefact: Artefact) -> dict[str, Any]:
    inputs = {f"input {feature.name}": feature.kind for feature in artefact.features}
    return {**inputs, **{f"view {column.name}": _said(column) for column in artefact.view}}


def _said(column: ViewColumn) -> str:
    if column.computed:
        return f"{column.text}({', '.join(column.inputs)}) {column.sha256[:12]}" if column.sha256 else column.text
    return f"{column.op} over {column.period:g}" if column.period else column.op


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*left, *right]):
        if left.get(name) != right.get(name):
            yield Difference(name, str(left.get(name, "absent")), str(right.get(name, "absent")))


def _caution(first: Version, second: Version) -> str:
    places = [tuple(found.parameters.get(name) for name in HOLDOUT) for found in (first, second)]
    drawn = first.parameters.get("split", TEMPORAL) != TEMPORAL
    if places[0] == places[1] and not (drawn and first.parameters["seed"] != second.parameters["seed"]):
        return "both were measured on the same hold-out rows"
    return "they were measured on different rows: the difference is not all the models'"
