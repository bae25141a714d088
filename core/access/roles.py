"""Roles, what each may do, and who has which in a home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import NotAllowed
from core.store import Row, Store, Tx

VIEWER, OPERATOR, APPROVER, ADMIN = ROLES = ("viewer", "operator", "approver", "admin")
MEANING = {
    VIEWER: "reads everything, changes nothing",
    OPERATOR: "deploys, rolls back, trains, works incidents and runbooks, plans jobs",
    APPROVER: "also approves versions, declares gates, waives, releases data, trusts runbooks, retires objectives",
    ADMIN: "also grants roles, marks models critical, adds endpoints, rotates keys",
}
# What a kind of event asks for; one ending in a dot stands for all below it. Every other change asks for an operator.
LEAST = {
    "access.": ADMIN,
    "secret.": ADMIN,
    "model.critical": ADMIN,
    "endpoint.added": ADMIN,
    "dataset.released": APPROVER,
    "tracking.added": ADMIN,
    "tracking.removed": ADMIN,
    "model.approved": APPROVER,
    "model.waived": APPROVER,
    "model.gates": APPROVER,
    "runbook.trusted": APPROVER,
    "slo.retired": APPROVER,
}
# Any write at all, before it is known what it tells.
WRITE = "write"

ROLE = "SELECT (SELECT role FROM actor WHERE name = ?) AS role, EXISTS (SELECT 1 FROM actor) AS kept"
KEY_RULE = "SELECT 1 FROM access_rule WHERE name = 'require_key'"
ALL = "SELECT * FROM actor ORDER BY name"
ONE = "SELECT * FROM actor WHERE name = ?"


class Refused(NotAllowed):
    """What an actor tried is not permitted; `told` is what the ledger keeps of the attempt."""

    def __init__(self, message: str, hint: str, told: dict[str, Any]) -> None:
        super().__init__(message, hint)
        self.told = told


@dataclass(frozen=True)
class Actor:
    """A name with its role, by whom and when it was granted."""

    name: str
    role: str
    granted_by: str
    granted_us: int

    @classmethod
    def of(cls, row: Row) -> Actor:
        """The actor of a row of its table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


def actors(store: Store | Tx) -> list[Actor]:
    """Everybody with a role, by name; nobody in a home that keeps no roles, where everyone is admin."""
    return [Actor.of(row) for row in store.read(ALL)]


def actor(store: Store | Tx, name: str) -> Actor | None:
    """The actor of that name, or None."""
    row = store.one(ONE, (name,))
    return Actor.of(row) if row else None


def role_of(store: Store | Tx, name: str) -> str | None:
    """An actor's role: admin in a home that keeps no roles, else the one granted, or None."""
    row = store.one(ROLE, (name,))
    assert row is not None
    return row["role"] if row["kept"] else ADMIN


def requires_key(store: Store | Tx) -> bool:
    """Whether who shows no key is at most a viewer in this home, whatever name they give."""
    return store.one(KEY_RULE) is not None


def least(kind: str) -> str:
    """The least role that may write an event of this kind: the longest entry that fits, else operator."""
    fits = [name for name in LEAST if kind == name or (name.endswith(".") and kind.startswith(name))]
    return LEAST[max(fits, key=len)] if fits else OPERATOR


def reaches(role: str | None, needed: str) -> bool:
    """Whether a role is the one needed or above it; no role reaches nothing."""
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


def require(tx: Tx, name: str, kind: str, *, system: bool, keyed: bool = False) -> None:
    """Raises Refused where the actor may not write an event of this kind; the system itself acts as an operator.

    `keyed` says that a key proves the name: without one nobody changes anything in a home that requires keys.
    """
    needed = least(kind)
    if system and reaches(OPERATOR, needed):
        return
    told = {"kind": kind, "role": role_of(tx, name), "needs": needed}
    tried = "a change" if kind == WRITE else kind
    if not keyed and requires_key(tx):
        hint = "ask an admin for one (`tocsin access key add`), and set TOCSIN_KEY or TOCSIN_KEY_REF"
        raise Refused(f"{name} shows no key, and {tried} asks for one here", hint, {**told, "reason": "no key"})
    if not reaches(told["role"], needed):
        held = f"is only {told['role']}" if told["role"] else "has no role"
        raise Refused(
            f"{name} {held} here, and {tried} asks for {needed}", "`tocsin access list` shows who may grant it", told
        )
