"""The model file: everything serving and monitoring need, as canonical JSON whose SHA-256 is its identity."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

from core.errors import BadInput, TocsinError
from core.features.columns import Feature, ViewColumn
from core.features.lookups import Lookups
from core.features.view import check_view
from core.measures.bins import Bins, from_json
from core.measures.calibrate import Calibration
from core.measures.scores import SCORE_BINS, fits
from core.measures.tasks import BINARY, MULTICLASS, REGRESSION, TASKS
from core.measures.values import CATEGORY, NUMBER

__all__ = ["Artefact", "Feature", "FeatureReference", "Reference", "ViewColumn"]

FORMAT = 2
# What format 1, which was binary alone, does not have.
SINCE_2 = ("calibration", "classes", "score_edges", "scale")
PLAIN_COLUMN = ("name", "op", "column", "period")
# What reading a file raises that is not what it should be.
FAULTS = (
    ValueError,
    ArithmeticError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    TocsinError,
)
WIDTH = re.compile(r"^max_feature_idx=(\d+)$", re.MULTILINE)
CLASSES = re.compile(r"^num_class=(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class FeatureReference:
    """How one raw input was distributed in training.

    `edges` (number) or `levels` (category) are its bins, `counts` the vector laid out by `core.measures.bins`,
    `overdispersion` how many times more the reference's own days scatter than a multinomial would (at least 1).
    """

    kind: str
    edges: tuple[float, ...]
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    overdispersion: float

    @cached_property
    def bins(self) -> Bins:
        """The bins that live values are counted in."""
        return from_json({"kind": self.kind, "edges": self.edges, "levels": self.levels})

    def to_json(self) -> dict[str, Any]:
        """The entry in a model file."""
        return {**self.bins.to_json(), "counts": list(self.counts), "overdispersion": self.overdispersion}


@dataclass(frozen=True)
class Reference:
    """The training reference: `features` by raw input, `score` in 256 bins over the hold-out, `labels` by class
    ([negatives, positives] for binary, none for a number), all of `rows` rows on `days` distinct days (0 without a
    time column).

    The score's bins are `core.measures.scores` of `score_edges`: empty for probabilities. `scale` is the standard
    deviation of a number's label, else 1.
    """

    rows: int
    features: Mapping[str, FeatureReference]
    score: tuple[int, ...]
    labels: tuple[int, ...]
    days: int
    score_edges: tuple[float, ...] = ()
    scale: float = 1.0


@dataclass(frozen=True)
class Artefact:
    """A trained model version: raw inputs, view, booster (LightGBM text), reference, threshold, importance (gain).

    `classes` are the texts of a multiclass model in the order of its scores. `calibration` is applied to what the
    booster of two classes says; scores, reference and threshold are calibrated ones. `lookups` are those of its raw
    inputs that serving looks up by the others, None where there are none. `format` is that of the file it was read
    from, so that writing it again gives the same bytes.
    """

    model: str
    version: int
    task: str
    label: str
    features: tuple[Feature, ...]
    view: tuple[ViewColumn, ...]
    reference: Reference
    threshold: float
    importance: Mapping[str, float]
    booster: str
    classes: tuple[str, ...] = ()
    calibration: Calibration | None = None
    lookups: Lookups | None = None
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, no not-a-number."""
        return self._content[0]

    @property
    def sha256(self) -> str:
        """The hash of `to_bytes`: the model's identity."""
        return self._content[1]

    def numbered(self, version: int) -> Artefact:
        """The same model under another version number."""
        return replace(self, version=version)

    @classmethod
    def from_bytes(cls, content: bytes) -> Artefact:
        """Read a model file. Raises BadInput where it is damaged, of an unknown format, or does not fit itself."""
        try:
            found = _read(json.loads(content))
            _check(found)
        except FAULTS as error:
            raise BadInput(f"damaged model file: {error}", "push it again, or train the version again") from error
        return found

    @cached_property
    def _content(self) -> tuple[bytes, str]:
        text = json.dumps(_plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        content = text.encode()
        return content, hashlib.sha256(content).hexdigest()


def _plain(artefact: Artefact) -> dict[str, Any]:
    plain = {field.name: getattr(artefact, field.name) for field in fields(artefact)}
    del plain["lookups"]
    reference = artefact.reference
    entries = {name: entry.to_json() for name, entry in reference.features.items()}
    found: dict[str, Any] = {
        **plain,
        "calibration": artefact.calibration and artefact.calibration.to_json(),
        **({"lookups": artefact.lookups.to_json()} if artefact.lookups else {}),
        "features": [asdict(feature) for feature in artefact.features],
        "view": [_column(column) for column in artefact.view],
        "importance": dict(artefact.importance),
        "reference": {
            **{field.name: getattr(reference, field.name) for field in fields(reference)},
            "features": entries,
        },
    }
    return found if artefact.format >= FORMAT else _as_format_1(found)


def _as_format_1(plain: dict[str, Any]) -> dict[str, Any]:
    reference = {name: value for name, value in plain["reference"].items() if name not in SINCE_2}
    return {**{name: value for name, value in plain.items() if name not in SINCE_2}, "reference": reference}


def _read(plain: dict[str, Any]) -> Artefact:
    if type(plain["format"]) is not int or not 1 <= plain["format"] <= FORMAT:
        raise ValueError(f"format {plain['format']!r} is not known")
    return Artefact(
        model=_text(plain["model"]),
        version=int(plain["version"]),
        task=_text(plain["task"]),
        label=_text(plain["label"]),
        features=tuple(Feature(f["name"], f["kind"], tuple(f["levels"])) for f in plain["features"]),
        view=tuple(_view_column(entry) for entry in plain["view"]),
        reference=_reference(plain["reference"]),
        threshold=float(plain["threshold"]),
        importance={str(name): float(gain) for name, gain in plain["importance"].items()},
        booster=_text(plain["booster"]),
        classes=tuple(_text(name) for name in plain["classes"]) if plain["format"] >= FORMAT else (),
        calibration=Calibration.from_json(plain["calibration"]) if plain.get("calibration") else None,
        lookups=Lookups.from_json(plain["lookups"]) if "lookups" in plain else None,
        format=plain["format"],
    )


def _column(column: ViewColumn) -> dict[str, Any]:
    """A view column's entry; what only computed columns have is there for those alone."""
    entry = asdict(column)
    return {name: value for name, value in entry.items() if column.computed or name in PLAIN_COLUMN}


def _view_column(plain: Mapping[str, Any]) -> ViewColumn:
    column = ViewColumn(_text(plain["name"]), plain["op"], plain["column"], float(plain["period"]))
    if not column.computed:
        return column
    return replace(
        column,
        text=_text(plain["text"]),
        inputs=tuple(_text(name) for name in plain["inputs"]),
        sha256=_text(plain["sha256"]),
        kind=_text(plain["kind"]),
        levels=tuple(_text(level) for level in plain["levels"]),
    )


def _reference(plain: dict[str, Any]) -> Reference:
    return Reference(
        rows=int(plain["rows"]),
        features={name: _entry(entry) for name, entry in plain["features"].items()},
        score=tuple(int(count) for count in plain["score"]),
        labels=tuple(int(count) for count in plain["labels"]),
        days=int(plain["days"]),
        score_edges=tuple(float(edge) for edge in plain.get("score_edges", ())),
        scale=float(plain.get("scale", 1.0)),
    )


def _entry(plain: dict[str, Any]) -> FeatureReference:
    return FeatureReference(
        kind=_text(plain["kind"]),
        edges=tuple(float(edge) for edge in plain.get("edges", ())),
        levels=tuple(_text(level) for level in plain.get("levels", ())),
        counts=tuple(int(count) for count in plain["counts"]),
        overdispersion=float(plain["overdispersion"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _check_task(artefact: Artefact) -> None:
    if artefact.task not in TASKS or bool(artefact.classes) != (artefact.task == MULTICLASS):
        raise ValueError(f"the task {artefact.task!r} and its classes do not fit")
    scores = CLASSES.search(artefact.booster)
    if scores is not None and int(scores[1]) != max(1, len(artefact.classes)):
        raise ValueError("the booster does not have the model's classes")
    labels = {BINARY: 2, MULTICLASS: len(artefact.classes), REGRESSION: 0}[artefact.task]
    edges = artefact.reference.score_edges
    if len(artefact.reference.labels) != labels or not fits(edges):
        raise ValueError("the reference's labels or score bins do not fit the task")


def _check(artefact: Artefact) -> None:
    check_view(artefact.features, artefact.view)
    width = WIDTH.search(artefact.booster)
    if width is None or int(width[1]) + 1 != len(artefact.view):
        raise ValueError("the booster does not have the view's columns")
    _check_task(artefact)
    _check_lookups(artefact)
    if len(artefact.reference.score) != SCORE_BINS:
        raise ValueError("the reference's scores are not in 256 bins")
    for feature in artefact.features:
        entry = artefact.reference.features[feature.name]
        if feature.kind not in (NUMBER, CATEGORY) or entry.kind != feature.kind:
            raise ValueError(f"the kind of {feature.name!r} is not known")
        if entry.bins.size != len(entry.counts):
            raise ValueError(f"the counts of {feature.name!r} do not fit its bins")


def _check_lookups(artefact: Artefact) -> None:
    inputs = {feature.name: feature.kind for feature in artefact.features}
    for one in artefact.lookups.aggregates if artefact.lookups else ():
        if inputs.get(one.name) != NUMBER or not inputs.keys() >= set(one.key):
            raise ValueError(f"the aggregate {one.name!r} is no input, or its key is none")
