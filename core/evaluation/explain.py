"""Why one score is what it is: the contributions of its terms, of each class where there are several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.evaluation.shapley import Term, shapley, terms
from core.features.join import complete
from core.measures.scores import top
from core.measures.tasks import BINARY, REGRESSION
from core.measures.values import CATEGORY, as_number
from core.training import find
from core.training.artefact import Artefact
from core.training.booster import predict_table

UNITS = {BINARY: "log_odds", REGRESSION: "number"}


@dataclass(frozen=True)
class Part:
    """What adds up to `total`: the `base` and the `contributions` by term, largest first. `score` is what is told of
    it; `of` names the class, empty unless there are several."""

    of: str
    score: float
    base: float
    contributions: dict[str, float]
    total: float


@dataclass(frozen=True)
class Explanation:
    """One score taken apart: of two classes the log-odds before calibration, of several the raw score of each, the
    likeliest first, of a number the number itself."""

    model: str
    version: int
    task: str
    inputs: dict[str, Any]
    terms: tuple[Term, ...]
    score: float
    parts: tuple[Part, ...]

    @property
    def unit(self) -> str:
        """What the parts add up to, as it is named in JSON."""
        return UNITS.get(self.task, "raw_score")

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys: `classes` holds the parts of several classes, else the one part is on top."""
        whole = {"model": self.model, "version": self.version, "task": self.task, "score": self.score}
        if self.parts[0].of:
            classes = [{"class": part.of, "score": part.score, **self._part(part)} for part in self.parts]
            return {**whole, "class": self.parts[0].of, "classes": classes}
        return {**whole, **self._part(self.parts[0])}

    def _part(self, part: Part) -> dict[str, Any]:
        made_of = {term.name: term.inputs for term in self.terms}
        parts = [
            {"input": name, "value": self.value(made_of[name]), "contribution": value}
            for name, value in part.contributions.items()
        ]
        return {self.unit: part.total, "base": part.base, "contributions": parts}

    def value(self, inputs: tuple[str, ...]) -> Any:
        """The value of an input, None for a missing one; of several inputs an object of them."""
        if len(inputs) == 1:
            return self.inputs.get(inputs[0])
        return {name: self.inputs.get(name) for name in inputs}


def explain(desk: Desk, model: str, number: int | None, inputs: Mapping[str, Any]) -> Explanation:
    """Take the score of one request's inputs apart. Raises NotFound, BadInput for an input the model does not have."""
    artefact = find.load_artefact(desk, model, number)
    known = {feature.name for feature in artefact.features}
    if extra := sorted(inputs.keys() - known):
        raise BadInput(f"{model} v{artefact.version} has no input {extra[0]!r}", f"it has {', '.join(sorted(known))}")
    table = one_row(artefact, inputs)
    contributions, bases = shapley(artefact, table)
    said = predict_table(artefact, table)
    found = tuple(terms(artefact.features, artefact.view))
    columns = contributions[0].reshape(-1, len(found)).tolist()
    parts = [
        _part(name, found, float(score), float(base), column)
        for name, score, base, column in zip(
            artefact.classes or ("",), said.reshape(-1), bases.reshape(-1), columns, strict=True
        )
    ]
    parts.sort(key=lambda part: -part.score)
    return Explanation(model, artefact.version, artefact.task, dict(inputs), found, float(top(said)[0]), tuple(parts))


def _part(name: str, found: tuple[Term, ...], score: float, base: float, column: list[float]) -> Part:
    values = dict(zip((term.name for term in found), column, strict=True))
    ordered = dict(sorted(values.items(), key=lambda pair: -abs(pair[1])))
    return Part(name, score, base, ordered, base + sum(column))


def one_row(artefact: Artefact, inputs: Mapping[str, Any]) -> Any:
    """A table of one request's inputs: what is left out is missing."""
    import pyarrow as pa

    def column(name: str, kind: str) -> Any:
        value = inputs.get(name)
        if kind == CATEGORY:
            return pa.array([value if isinstance(value, str) else None], pa.string())
        return pa.array([as_number(value)], pa.float64())

    return pa.table({feature.name: column(feature.name, feature.kind) for feature in artefact.features})


def of_row(desk: Desk, model: str, number: int | None, text: str) -> dict[str, Any]:
    """The inputs of `DATASET/N:ROW`, rows counted from 0, with what the model looks up as it was known at the row's
    time. Raises BadInput for another form, NotFound for none."""
    from core.datasets import load, rows
    from core.evaluation.plan import parse_snapshot
    from core.features.events import event_times

    place, colon, row = text.rpartition(":")
    if not colon or not row.isdigit():
        raise BadInput(f"{text!r} names no row", "write --row DATASET/3:17, rows counted from 0")
    dataset, snapshot_number = parse_snapshot(place)
    snapshot = rows.snapshot(desk.store, dataset, snapshot_number)
    if int(row) >= snapshot.rows:
        raise NotFound(f"snapshot {dataset}/{snapshot.number} has {snapshot.rows} rows", "rows are counted from 0")
    table = load.load(desk, snapshot).slice(int(row), 1)
    artefact = find.load_artefact(desk, model, number)
    if artefact.lookups is not None:
        column = rows.contract(desk.store, dataset).contract.time_column or snapshot.time_column
        inputs = [each.name for each in artefact.features if each.name not in artefact.lookups.names]
        times = event_times(table, column, dataset)
        table = complete(desk, artefact.lookups, table.select(inputs), times, {dataset: snapshot.number})
    names = [feature.name for feature in artefact.features if feature.name in table.column_names]
    found: dict[str, Any] = table.select(names).to_pylist()[0]
    return found
