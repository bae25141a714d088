"""Waivers: an approver lets a version go on despite one rule, for a reason and until a time."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import iso
from core.desk import Desk
from core.errors import BadInput
from core.registry.approval import require_other_eyes
from core.registry.versions import version
from core.store import Row, Store, Tx

ADD = "INSERT INTO waiver(model, version, rule, reason, actor, until_us, created_us) VALUES (?, ?, ?, ?, ?, ?, ?)"
ALL = "SELECT * FROM waiver WHERE model = ? AND version = ? ORDER BY id"


@dataclass(frozen=True)
class Waiver:
    """Who waived which rule for a version, why, and until when."""

    model: str
    version: int
    rule: str
    reason: str
    actor: str
    until_us: int
    created_us: int

    @classmethod
    def of(cls, row: Row) -> Waiver:
        """The waiver of a row of its table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


def waive(desk: Desk, model: str, number: int, rule: str, *, reason: str, until_us: int) -> Waiver:
    """Waive a rule of the gate, or `item:NAME` of a checklist, for a version until a time.

    Raises NotFound, BadInput without a reason or for a time that has passed, NotAllowed for who trained the version,
    for who is no approver, and for anything that acts without a person.
    """
    if not reason.strip():
        raise BadInput("a waiver needs a reason", "say with --reason why it may go on all the same")
    now = desk.now_us()
    if until_us <= now:
        raise BadInput(f"{iso(until_us)} has passed already", "give a time to come with --until")
    with desk.write() as tx:
        version(tx, model, number)
        require_other_eyes(desk, tx, model, number, f"tocsin model waive {model} {number} {rule}")
        tx.execute(ADD, (model, number, rule, reason, desk.actor, until_us, now))
        data = {"rule": rule, "reason": reason, "until": iso(until_us)}
        desk.record(tx, "model.waived", model=model, version=number, data=data)
        return waivers(tx, model, number)[-1]


def waivers(store: Store | Tx, model: str, number: int) -> list[Waiver]:
    """Every waiver a version was given, the first one first, those that have ended too."""
    return [Waiver.of(row) for row in store.read(ALL, (model, number))]


def in_force(store: Store | Tx, model: str, number: int, now_us: int) -> dict[str, Waiver]:
    """The waivers that hold at an instant, by rule; of two for one rule the one that holds longer."""
    holding = [each for each in waivers(store, model, number) if each.until_us > now_us]
    return {each.rule: each for each in sorted(holding, key=lambda each: each.until_us)}
