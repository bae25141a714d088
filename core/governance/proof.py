"""What an item of a checklist comes to."""

from __future__ import annotations

from typing import NamedTuple

from core.gates.outcome import Outcome


class Proof(NamedTuple):
    """Whether an item holds, the evidence for or against it, and the next step where it does not."""

    held: bool
    evidence: str
    next: str = ""


def open_(evidence: str, next_step: str) -> Proof:
    """An item that nothing proves yet."""
    return Proof(False, evidence, next_step)


def by_rule(outcome: Outcome, next_step: str) -> Proof:
    """What a gate's rule says, as a proof."""
    return Proof(outcome.state == "pass", outcome.reason, next_step)
