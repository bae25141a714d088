"""Read the registry, check model files, and move versions between stages."""

from __future__ import annotations

from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput
from core.store import Row, Store, Tx
from core.training.find import load_artefact, require_model, version
from core.training.record import Draft, Version, register

__all__ = [
    "STAGES",
    "Draft",
    "Model",
    "Version",
    "load_artefact",
    "models",
    "promote",
    "register",
    "require_model",
    "version",
    "versions",
]

STAGES = ("candidate", "staging", "production", "archived", "retired")

MODELS = """SELECT model.*, (SELECT count(*) FROM model_version v WHERE v.model = model.name) AS versions,
(SELECT max(version) FROM model_version v WHERE v.model = model.name) AS latest,
(SELECT max(version) FROM model_version v WHERE v.model = model.name AND v.stage = 'production') AS production
FROM model ORDER BY name"""
ALL = "SELECT * FROM model_version ORDER BY model, version"
OF_MODEL = "SELECT * FROM model_version WHERE model = ? ORDER BY version"
MOVE = "UPDATE model_version SET stage = ? WHERE model = ? AND version = ?"


@dataclass(frozen=True)
class Model:
    """A model and how far it has come; `production` is its version in that stage, None where none is."""

    name: str
    task: str
    label: str
    critical: bool
    versions: int
    latest: int | None
    production: int | None
    created_us: int

    @classmethod
    def of(cls, row: Row) -> Model:
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "critical"}
        return cls(critical=bool(row["critical"]), **plain)


def models(store: Store | Tx) -> list[Model]:
    """All models by name."""
    return [Model.of(row) for row in store.read(MODELS)]


def versions(store: Store | Tx, model: str | None = None) -> list[Version]:
    """All versions, or those of one model, oldest first. Raises NotFound for a model that does not exist."""
    if model is None:
        return [Version.of(row) for row in store.read(ALL)]
    require_model(store, model)
    return [Version.of(row) for row in store.read(OF_MODEL, (model,))]


def promote(desk: Desk, model: str, number: int, stage: str, *, tx: Tx | None = None) -> Version:
    """Move a version to a stage; a version in production before it is archived. Nothing happens where it is there.

    With `tx` the caller's transaction is used. Raises NotFound, and BadInput for an unknown stage or for a version
    that was retired: retiring is for good.
    """
    if stage not in STAGES:
        raise BadInput(f"{stage!r} is no stage", f"choose one of {', '.join(STAGES)}")
    if tx is not None:
        return _promote(desk, tx, model, number, stage)
    with desk.write() as opened:
        return _promote(desk, opened, model, number, stage)


def _promote(desk: Desk, tx: Tx, model: str, number: int, stage: str) -> Version:
    found = version(tx, model, number)
    if found.stage == stage:
        return found
    if found.stage == "retired":
        raise BadInput(f"{model} version {number} is retired", "train a new version")
    if stage == "production":
        for other in versions(tx, model):
            if other.stage == "production":
                _move(desk, tx, other, "archived")
    _move(desk, tx, found, stage)
    return version(tx, model, number)


def _move(desk: Desk, tx: Tx, found: Version, stage: str) -> None:
    tx.execute(MOVE, (stage, found.model, found.version))
    data = {"stage": stage, "from": found.stage}
    desk.record(tx, "model.promoted", model=found.model, version=found.version, data=data)
