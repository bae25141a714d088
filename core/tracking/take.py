"""Take a model in from a directory of another house, as a candidate version with its origin told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.clock import DAY
from core.desk import Desk
from core.errors import BadInput
from core.measures.tasks import BINARY
from core.registry import versions
from core.registry.versions import Draft, Version
from core.tracking import booster
from core.tracking.adapter import Unpacked, tracker_class
from core.training.artefact import Artefact, Reference
from core.training.plan import model_name


@dataclass(frozen=True)
class Wanted:
    """Under which name a model is taken in; `dataset` (its `snapshot`, None the latest) is what drift is measured
    from where the directory brings no reference, `label` what it predicts, empty for the contract's."""

    model: str
    dataset: str = ""
    snapshot: int | None = None
    label: str = ""


def read(desk: Desk, folder: Path, wanted: Wanted, kind: str = "mlflow") -> Draft:
    """The version that a directory holds, not registered yet.

    Raises NotFound, BadInput for a directory that is damaged or of a kind that is not read, for data that lack an
    input, and where another house's model comes without a data set: without a reference there is no drift.
    """
    name = model_name(wanted.model)
    found = tracker_class(kind).unpack(folder)
    return _whole(desk, found, name, wanted) if found.artefact is not None else _foreign(desk, found, name, wanted)


def take(desk: Desk, folder: Path, wanted: Wanted, kind: str = "mlflow") -> Version:
    """Register what `read` reads as the model's next version. Raises as `read` does, and for another label."""
    return versions.register(desk, read(desk, folder, wanted, kind))


def _whole(desk: Desk, found: Unpacked, name: str, wanted: Wanted) -> Draft:
    assert found.artefact is not None
    if wanted.dataset or wanted.label:
        raise BadInput(
            "the directory brings its label and the reference of its training",
            "leave out --dataset, --snapshot and --label",
        )
    kept: Mapping[str, Any] = found.kept
    return Draft(
        artefact=replace(found.artefact, model=name),
        snapshot_id=None,
        snapshot=str(kept["parameters"].get("snapshot", "")),
        run_id=None,
        code=kept["code"],
        environment=kept["environment"],
        parameters={**kept["parameters"], "imported_from": dict(found.origin)},
        metrics=kept["metrics"],
    )


def _foreign(desk: Desk, found: Unpacked, name: str, wanted: Wanted) -> Draft:
    """A booster from elsewhere, scored once over a snapshot for its reference, threshold and figures."""
    from core.measures.evaluate import best_threshold, evaluate
    from core.training.booster import load_booster
    from core.training.fit import gains
    from core.training.reference import build_reference

    features = booster.inputs(found.booster)
    rows = _labelled(desk, wanted, [feature.name for feature in features])
    bare = Artefact(
        model=name,
        version=0,
        task=BINARY,
        label=rows.label,
        features=features,
        view=booster.plain_view(features),
        reference=Reference(0, {}, (), (), 0),
        threshold=0.5,
        importance={},
        booster=booster.without_parameters(found.booster),
    )
    scores = _scores(bare, rows.table)
    artefact = replace(
        bare,
        reference=build_reference(features, rows.table, rows.times // DAY, BINARY, (), rows.labels, scores),
        threshold=best_threshold(rows.labels, scores),
        importance=gains(load_booster(bare), bare.view),
    )
    # What reads it back is what serving reads: nothing is registered that could not be served.
    Artefact.from_bytes(artefact.to_bytes())
    return Draft(
        artefact=artefact,
        snapshot_id=rows.snapshot_id,
        snapshot=rows.snapshot,
        run_id=None,
        code="",
        environment={},
        parameters={
            "dataset": wanted.dataset,
            "snapshot": rows.snapshot,
            "label": rows.label,
            "encode": {},
            "imported_from": dict(found.origin),
        },
        metrics={**evaluate(rows.labels, scores).to_json(), "unlabelled": rows.unlabelled},
    )


def _scores(artefact: Artefact, table: Any) -> Any:
    from core.training.booster import score_table

    scores = score_table(artefact, table)
    if not (scores.min() >= 0 and scores.max() <= 1):
        raise BadInput("the model's scores are no probabilities", "a booster of the objective binary gives them")
    return scores


@dataclass(frozen=True)
class _Rows:
    snapshot_id: int
    snapshot: str
    label: str
    table: Any
    labels: Any
    times: Any
    unlabelled: int


def _labelled(desk: Desk, wanted: Wanted, names: list[str]) -> _Rows:
    """The labelled rows of the data set named. Raises BadInput where it lacks an input or a label."""
    import numpy as np

    from core.datasets import load, rows
    from core.features.events import event_times
    from core.training.label import label_values, parse_label

    if not wanted.dataset:
        raise BadInput("drift is measured from a reference, and the directory brings none", "add --dataset NAME")
    snapshot = rows.snapshot(desk.store, wanted.dataset, wanted.snapshot)
    contract = rows.contract(desk.store, wanted.dataset).contract
    table = load.load(desk, snapshot)
    lacking = sorted(set(names) - set(table.column_names))
    if lacking:
        known = ", ".join(table.column_names)
        raise BadInput(f"{wanted.dataset} has no column {lacking[0]!r}, which the model reads", f"there are {known}")
    text = wanted.label or contract.label
    if not text:
        raise BadInput("the contract names no label", "say what the model predicts with --label")
    label = parse_label(text, table.column_names)
    if label.column in names:
        raise BadInput(f"the model reads {label.column!r}, which is the label", "say what it predicts with --label")
    labels = label_values(label, table)
    times = event_times(table, contract.time_column or snapshot.time_column, wanted.dataset)
    usable = ~np.isnan(labels) & (times >= 0)
    label_values(label, table.filter(usable))
    return _Rows(
        snapshot_id=snapshot.id,
        snapshot=f"{snapshot.dataset}/{snapshot.number}",
        label=label.text,
        table=table.filter(usable),
        labels=labels[usable],
        times=times[usable],
        unlabelled=int((~usable).sum()),
    )
