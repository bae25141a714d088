"""Checklists whose items are proved by what the store holds, or waived by somebody, never ticked off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.errors import CheckFailed, NotFound, TocsinError
from core.gates.outcome import Subject
from core.governance import operation, readiness
from core.governance.proof import Proof, open_
from core.registry.aliases import champion
from core.registry.measured import measured
from core.registry.versions import production, version
from core.registry.waivers import Waiver, in_force

Item = tuple[str, Callable[[Subject], Proof]]
BEFORE: Sequence[Item] = (
    ("data", readiness.data),
    ("parity", readiness.parity),
    ("quality", readiness.quality),
    ("fairness", readiness.fairness),
    ("robustness", readiness.robustness),
    ("gate", readiness.gate_passed),
    ("approval", readiness.approved),
    ("reference", readiness.reference),
    ("card", readiness.card),
    ("owner", readiness.owner),
)
PRODUCTION: Sequence[Item] = (
    *BEFORE,
    ("served", operation.is_served),
    ("rollback", operation.rollback),
    ("objectives", operation.objectives),
    ("runbook", operation.runbook),
    ("daemon", operation.daemon),
    ("dead-man", operation.dead_man),
    ("backup", operation.backup),
)
NAMES = {"pre-production": BEFORE, "production": PRODUCTION}


@dataclass(frozen=True)
class Checked:
    """A checklist gone through for a version: each item proved, open or waived, with its evidence."""

    name: str
    model: str
    version: int
    items: list[dict[str, Any]]

    @property
    def passed(self) -> bool:
        """Whether no item is open."""
        return all(item["state"] != "open" for item in self.items)

    def require(self) -> None:
        """Raises CheckFailed naming the items that are open."""
        left = [item["item"] for item in self.items if item["state"] == "open"]
        if left:
            raise CheckFailed(
                f"{self.model} v{self.version} is not ready for {self.name}: {', '.join(left)}",
                f"each line says what to do; else `tocsin model waive {self.model} {self.version} item:{left[0]}`",
            )

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys."""
        head = {"checklist": self.name, "model": self.model, "version": self.version}
        return {**head, "passed": self.passed, "items": self.items}


def go_through(desk: Desk, name: str, model: str, number: int | None = None) -> Checked:
    """Prove every item of `pre-production` or `production` for a version; nothing is written.

    Without a number it is the latest, and for production the one in production. Raises NotFound.
    """
    found = version(desk.store, model, number)
    if name == "production" and number is None:
        current = production(desk.store, model)
        if current is None:
            raise NotFound(f"{model} has no version in production", f"`tocsin checklist pre-production {model}`")
        found = current
    subject = Subject(desk, found, measured(desk.store, found), champion(desk.store, model))
    waived = in_force(desk.store, model, found.version, desk.now_us())
    items = [_item(each, prove, subject, waived.get(f"item:{each}")) for each, prove in NAMES[name]]
    return Checked(name, model, found.version, items)


def _item(name: str, prove: Callable[[Subject], Proof], subject: Subject, waiver: Waiver | None) -> dict[str, Any]:
    try:
        proof = prove(subject)
    except TocsinError as error:
        proof = open_(error.message, error.hint)
    state, evidence = "proved" if proof.held else "open", proof.evidence
    if waiver is not None and not proof.held:
        state = "waived"
        evidence = f"waived by {waiver.actor} until {iso(waiver.until_us)}: {waiver.reason} ({proof.evidence})"
    return {"item": name, "state": state, "evidence": evidence, "next": "" if state == "proved" else proof.next}
