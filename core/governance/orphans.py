"""Orphans: what is left behind where models come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.backup.named import named_blobs
from core.desk import Desk
from core.endpoints import rows as endpoints
from core.registry import versions
from core.registry.served import served
from core.work import rows as work


@dataclass(frozen=True)
class Orphan:
    """`kind` is served-retired, served-unknown, unused-blob, idle-endpoint or schedule; `hint` the next step."""

    kind: str
    name: str
    reason: str
    hint: str


def orphans(desk: Desk) -> list[Orphan]:
    """Everything that points at nothing, or that nothing points at; reads the store and the names of the blobs."""
    stages = {(one.model, one.version): one.stage for one in versions.versions(desk.store)}
    return [*_served(desk, stages), *_blobs(desk), *_endpoints(desk), *_schedules(desk, stages)]


Stages = dict[tuple[str, int], str]


def _served(desk: Desk, stages: Stages) -> Iterator[Orphan]:
    for place in served(desk.store):
        name, stage = f"{place.model} v{place.version}", stages.get((place.model, place.version))
        hint = f"`tocsin deploy start {place.model} --to {place.endpoint}` puts another version there"
        if stage is None:
            yield Orphan("served-unknown", place.endpoint, f"it serves {name}, which the registry does not know", hint)
        elif stage == "retired":
            yield Orphan("served-retired", place.endpoint, f"it serves {name}, which is retired", hint)


def _blobs(desk: Desk) -> Iterator[Orphan]:
    """Files that hold a model and that no version names; other kinds of blobs are not looked into."""
    known = {sha256 for sha256, _ in named_blobs(desk.store)}
    for path in sorted(desk.blobs.folder.glob("??/*")):
        if path.name not in known and not path.name.startswith(".") and _is_model(path):
            hint = "harmless; a backup leaves it out"
            yield Orphan("unused-blob", path.name[:12], "a model file that no version names", hint)


def _is_model(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(11) == b'{"booster":'


def _endpoints(desk: Desk) -> Iterator[Orphan]:
    busy = {place.endpoint for place in served(desk.store)}
    for one in endpoints.endpoints(desk.store):
        if one.name not in busy:
            hint = f"deploy something to it, or `tocsin endpoint pause {one.name}`"
            if not one.paused:
                yield Orphan("idle-endpoint", one.name, "no model was ever applied on it", hint)


def _schedules(desk: Desk, stages: Stages) -> Iterator[Orphan]:
    alive = {model for (model, _), stage in stages.items() if stage != "retired"}
    gone = {model for model, _ in stages} - alive
    for one in work.schedules(desk.store):
        model = str(one.args.get("model", "")).partition("@")[0]
        version = one.args.get("version")
        left = model in gone or (isinstance(version, int) and stages.get((model, version)) == "retired")
        if left and not one.paused:
            what = f"{model} v{version}" if isinstance(version, int) else model
            hint = f"`tocsin schedule pause {one.name}`"
            yield Orphan("schedule", one.name, f"it names {what}, which is retired", hint)
