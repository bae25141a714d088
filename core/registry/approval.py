"""Four eyes: a version of a critical model is deployed only after somebody else than its trainer approved it."""

from __future__ import annotations

from dataclasses import dataclass

from core.desk import Desk
from core.errors import CheckFailed, NotAllowed
from core.registry.versions import require_model, version
from core.store import Row, Store, Tx

CRITICAL = "SELECT critical FROM model WHERE name = ?"
SET_CRITICAL = "UPDATE model SET critical = ? WHERE name = ?"
TRAINER = """SELECT actor FROM event WHERE kind = 'model.registered' AND model = ? AND version = ?
ORDER BY seq LIMIT 1"""
APPROVALS = "SELECT * FROM approval WHERE model = ? AND version = ? ORDER BY at_us, actor"
APPROVE = "INSERT INTO approval(model, version, actor, reason, at_us) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class Approval:
    """Who approved a version, why, and when."""

    model: str
    version: int
    actor: str
    reason: str
    at_us: int

    @classmethod
    def of(cls, row: Row) -> Approval:
        """The approval of a row of its table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


def trainer(store: Store | Tx, model: str, number: int) -> str | None:
    """Who trained a version, as the ledger tells it; None where the ledger does not."""
    row = store.one(TRAINER, (model, number))
    return str(row["actor"]) if row else None


def approvals(store: Store | Tx, model: str, number: int) -> list[Approval]:
    """The approvals of a version, the first one first."""
    return [Approval.of(row) for row in store.read(APPROVALS, (model, number))]


def is_critical(store: Store | Tx, model: str) -> bool:
    """Whether the versions of a model need an approval. Raises NotFound."""
    require_model(store, model)
    row = store.one(CRITICAL, (model,))
    return row is not None and bool(row["critical"])


def mark_critical(desk: Desk, model: str, *, on: bool) -> bool:
    """Make a model critical, or no longer; returns whether that changed anything.

    What an endpoint serves already goes on. Raises NotFound, NotAllowed for who is no admin.
    """
    with desk.write() as tx:
        if is_critical(tx, model) == on:
            return False
        tx.execute(SET_CRITICAL, (int(on), model))
        desk.record(tx, "model.critical", model=model, data={"on": on})
    return True


def approve(desk: Desk, model: str, number: int, *, reason: str = "") -> Approval:
    """Approve a version; a second time changes nothing.

    Raises NotFound, CheckFailed for a retired version, NotAllowed for who trained it, for who is no approver, and for
    anything that acts without a person.
    """
    with desk.write() as tx:
        if version(tx, model, number).stage == "retired":
            raise CheckFailed(f"{model} v{number} is retired", "approve another version: `tocsin model list`")
        require_other_eyes(desk, tx, model, number, f"tocsin model approve {model} {number}")
        if tx.execute(APPROVE, (model, number, desk.actor, reason, desk.now_us())).rowcount:
            desk.record(tx, "model.approved", model=model, version=number, data={"reason": reason})
        return next(one for one in approvals(tx, model, number) if one.actor == desk.actor)


def require_other_eyes(desk: Desk, tx: Tx, model: str, number: int, command: str) -> None:
    """Raises NotAllowed for who trained the version, and for anything that acts without a person."""
    if desk.system:
        raise NotAllowed("only a person approves", f"`{command}`")
    if trainer(tx, model, number) == desk.actor:
        raise NotAllowed(
            f"{desk.actor} trained {model} v{number} and cannot approve it as well",
            f"ask somebody else to run `{command}`",
        )


def require_approved(store: Store | Tx, model: str, number: int) -> None:
    """Raises CheckFailed for a version of a critical model that nobody has approved, NotFound for an unknown model."""
    if is_critical(store, model) and not approvals(store, model, number):
        by = trainer(store, model, number)
        besides = f" besides {by}, who trained it" if by else ""
        raise CheckFailed(
            f"{model} is critical and v{number} is not approved",
            f"somebody{besides} has to run `tocsin model approve {model} {number}`",
        )
