"""Find a registered version and its model file."""

from __future__ import annotations

from core.desk import Desk
from core.errors import NotFound
from core.store import Store, Tx
from core.training.artefact import Artefact
from core.training.record import ONE, Version

MODEL = "SELECT 1 FROM model WHERE name = ?"
LATEST = "SELECT * FROM model_version WHERE model = ? ORDER BY version DESC LIMIT 1"


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
