"""Read the registry, check model files, and move versions between stages."""

from __future__ import annotations

from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotFound
from core.registry.served import served
from core.store import Row, Store, Tx
from core.training.artefact import Artefact
from core.training.record import Draft, Version, register

__all__ = [
    "STAGES",
    "Draft",
    "Model",
    "Version",
    "load_artefact",
    "models",
    "move",
    "production",
    "promote",
    "register",
    "take_over",
    "version",
    "versions",
]

STAGES = ("candidate", "staging", "production", "archived", "retired")
# Where a version may go from a stage; `retired` is reached by `core.registry.retire` alone, and left never.
MOVES = {
    "candidate": ("staging", "production", "archived"),
    "staging": ("candidate", "production", "archived"),
    "production": ("archived",),
    "archived": ("staging", "production"),
    "retired": (),
}

MODELS = """SELECT model.*, (SELECT count(*) FROM model_version v WHERE v.model = model.name) AS versions,
(SELECT max(version) FROM model_version v WHERE v.model = model.name) AS latest,
(SELECT max(version) FROM model_version v WHERE v.model = model.name AND v.stage = 'production') AS production
FROM model ORDER BY name"""
MODEL = "SELECT 1 FROM model WHERE name = ?"
ALL = "SELECT * FROM model_version ORDER BY model, version"
OF_MODEL = "SELECT * FROM model_version WHERE model = ? ORDER BY version"
LATEST = "SELECT * FROM model_version WHERE model = ? ORDER BY version DESC LIMIT 1"
ONE = "SELECT * FROM model_version WHERE model = ? AND version = ?"
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


def version(store: Store | Tx, model: str, number: int | None = None) -> Version:
    """One version, the latest without a number. Raises NotFound."""
    require_model(store, model)
    row = store.one(LATEST, (model,)) if number is None else store.one(ONE, (model, number))
    if row is None:
        raise NotFound(f"model {model!r} has no version {number}", f"`tocsin model show {model}` lists them")
    return Version.of(row)


def require_model(store: Store | Tx, model: str) -> None:
    """Raises NotFound for a model that does not exist."""
    if store.one(MODEL, (model,)) is None:
        raise NotFound(f"there is no model {model!r}", "`tocsin model list` shows them; `tocsin train` makes one")


def load_artefact(desk: Desk, model: str, number: int | None = None) -> Artefact:
    """A version's model file, checked against its hash.

    Raises NotFound for an unknown version or a missing file, StoreUnusable for a damaged one.
    """
    return Artefact.from_bytes(desk.blobs.read(version(desk.store, model, number).artefact))


def production(store: Store | Tx, model: str) -> Version | None:
    """The version in production, the newest where one before it is still served somewhere; None where none is."""
    return next((found for found in reversed(versions(store, model)) if found.stage == "production"), None)


def promote(desk: Desk, model: str, number: int, stage: str) -> Version:
    """Move a version to a stage that its own leads to; nothing happens where it is there already.

    Into production it goes only past its model's gate; what was in production before is archived, once no endpoint
    serves it. Raises NotFound, BadInput for a stage that is unknown or does not follow, CheckFailed by the gate.
    """
    from core.registry.gate import require_passed

    with desk.write() as tx:
        found = version(tx, model, number)
        _require_move(found, stage)
        if found.stage == stage:
            return found
        if stage == "production":
            require_passed(tx, model, number, desk.now_us())
            _archive_former(desk, tx, found)
        elif found.stage == "production":
            _require_unserved(tx, found)
        move(desk, tx, found, stage)
        return version(tx, model, number)


def take_over(desk: Desk, tx: Tx, model: str, number: int) -> None:
    """An endpoint has begun to serve a version: it is in production now, and what nobody serves any more is archived.

    What is retired stays so: the endpoint's own record tells that it serves it all the same.
    """
    found = version(tx, model, number)
    if found.stage == "retired":
        return
    _archive_former(desk, tx, found)
    if found.stage != "production":
        move(desk, tx, found, "production")


def move(desk: Desk, tx: Tx, found: Version, stage: str) -> None:
    """Write a version's stage and its event, whatever its stage was."""
    tx.execute(MOVE, (stage, found.model, found.version))
    data = {"stage": stage, "from": found.stage}
    desk.record(tx, "model.promoted", model=found.model, version=found.version, data=data)


def _require_move(found: Version, stage: str) -> None:
    what = f"{found.model} version {found.version}"
    if stage not in STAGES:
        raise BadInput(f"{stage!r} is no stage", f"choose one of {', '.join(STAGES)}")
    if found.stage == "retired":
        raise BadInput(f"{what} is retired", "train a new version")
    if stage == "retired":
        raise BadInput("a version is not promoted out of service", f"`tocsin model retire {found.model}` asks first")
    if stage not in (found.stage, *MOVES[found.stage]):
        raise BadInput(
            f"{what} is {found.stage} and cannot become {stage}", f"choose {' or '.join(MOVES[found.stage])}"
        )


def _require_unserved(tx: Tx, found: Version) -> None:
    places = [each.endpoint for each in served(tx, found.model) if each.version == found.version]
    if places:
        raise CheckFailed(
            f"{found.model} version {found.version} is served on {', '.join(places)}",
            "deploy another version there first: production is what is served",
        )


def _archive_former(desk: Desk, tx: Tx, found: Version) -> None:
    still = {each.version for each in served(tx, found.model)}
    for other in versions(tx, found.model):
        if other.stage == "production" and other.version != found.version and other.version not in still:
            move(desk, tx, other, "archived")
