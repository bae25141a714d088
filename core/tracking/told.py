"""A version as the run of a tracker: what it was made with, how good it is, its curves, its lineage, its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.endpoints.deploy import origin
from core.errors import BadInput
from core.registry import card, versions
from core.registry.approval import trainer
from core.registry.measured import as_figure
from core.registry.versions import Version
from core.tracking import export
from core.tracking.adapter import Point, Run
from core.tracking.rows import Tracked

EVALUATIONS = "SELECT id, purpose, report, created_us FROM evaluation WHERE model = ? AND version = ? ORDER BY id"
CURVES = "SELECT step, name, value FROM run_point WHERE run = ? ORDER BY name, step"


def run_of(desk: Desk, tracked: Tracked, model: str, number: int) -> Run:
    """What a tracker is told of a version. Raises NotFound, StoreUnusable for a damaged model file."""
    found = versions.version(desk.store, model, number)
    files, said = _files(desk, tracked, found)
    return Run(
        id=f"{origin(desk)}/{model}/{number}",
        experiment=tracked.experiment,
        model=model,
        version=number,
        at_us=found.created_us,
        description=f"{model} v{number} of Tocsin, model file {found.artefact}",
        parameters=dict(_parameters(found.parameters)),
        points=[*_measures(found), *_evaluations(desk, found), *_curves(desk, found)],
        tags={**_lineage(desk, found), **said},
        files={"card.md": card.card(desk, model, number).encode(), **files},
    )


def _files(desk: Desk, tracked: Tracked, found: Version) -> tuple[dict[str, bytes], dict[str, str]]:
    """The model's directory below `model/`; without one, why it cannot be."""
    try:
        packed = export.files(desk, found.model, found.version, tracked.kind)
    except BadInput as error:
        return {}, {"tocsin.model_files": f"none: {error.message}"}
    return {f"model/{name}": body for name, body in packed.items()}, {}


def _parameters(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(plain.items()):
        if value not in (None, "", {}, []):
            yield name, value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _measures(found: Version) -> Iterator[Point]:
    """What it was registered with, at step 0; an interval's ends are measures of their own."""
    for name, value in sorted(found.metrics.items()):
        if as_figure(value, ""):
            yield Point(name, float(value), 0, found.created_us)


def _evaluations(desk: Desk, found: Version) -> Iterator[Point]:
    """Later evaluations, under their purpose, at the step of their number."""
    for row in desk.store.read(EVALUATIONS, (found.model, found.version)):
        for name, part in sorted(json.loads(row["report"]).get("metrics", {}).items()):
            figure = as_figure(part, "")
            if figure is not None:
                ends = {"": figure.value, "_low": figure.low, "_high": figure.high}
                for end, value in ends.items():
                    if value is not None:
                        yield Point(f"{row['purpose']}/{name}{end}", value, row["id"], row["created_us"])


def _curves(desk: Desk, found: Version) -> Iterator[Point]:
    if found.run_id is not None:
        for row in desk.store.read(CURVES, (found.run_id,)):
            yield Point(f"curve/{row['name']}", row["value"], row["step"], found.created_us)


def _lineage(desk: Desk, found: Version) -> dict[str, str]:
    said = {
        "model": found.model,
        "version": found.version,
        "artefact": found.artefact,
        "stage": found.stage,
        "snapshot": found.parameters.get("snapshot"),
        "view": found.parameters.get("view"),
        "code": found.code,
        "trained_by": trainer(desk.store, found.model, found.version),
        "registered": iso(found.created_us),
        **{f"environment.{name}": value for name, value in found.environment.items()},
        **{f"imported_from.{n}": value for n, value in found.parameters.get("imported_from", {}).items()},
    }
    return {f"tocsin.{name}": str(value) for name, value in said.items() if value}
