"""What a runbook is made of, after it was read and found sound."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.runbooks.conditions import Condition

TYPES = ("check", "manual", "decision", "action")
# Where a walk can go instead of to a step.
END, ESCALATE, STAY = "end", "escalate", "stay"


@dataclass(frozen=True)
class Input:
    """A value that a runbook needs: `pattern` must match all of it; None as default means that it must be given."""

    name: str
    pattern: str
    default: str | None
    about: str


@dataclass(frozen=True)
class Applies:
    """What a runbook is for; an empty tuple stands for any. `alerts` are families of alerts."""

    alerts: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One way on from a decision; where `when` holds for what the steps before found, it is suggested."""

    name: str
    title: str
    next: str
    when: tuple[Condition, ...]


@dataclass(frozen=True)
class Verify:
    """Proof by counts: the objective of the incident, or the one named, must have held for a span."""

    slo: str
    for_us: int


@dataclass(frozen=True)
class Step:
    """One step. `command` is the console verb's words, `argv` a program's; a manual step has neither.

    `next_pass`, `next_fail` and `next_timeout` name a step, `end`, `escalate` or `stay`.
    """

    id: str
    title: str
    why: str
    type: str
    line: int
    command: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    expect: str = ""
    conditions: tuple[Condition, ...] = ()
    timeout_us: int = 0
    next_pass: str = ""
    next_fail: str = STAY
    next_timeout: str = STAY
    risk: str = ""
    role: str = ""
    confirm: str = ""
    idempotency_key: str = ""
    undo: str = ""
    verify: Verify | None = None
    evidence: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def mutates(self) -> bool:
        """Whether running it changes something."""
        return self.type == "action"

    @property
    def runs(self) -> bool:
        """Whether there is anything to run; a manual step and a decision are answered by a person."""
        return bool(self.command or self.argv or self.verify)


@dataclass(frozen=True)
class Runbook:
    """A runbook as it was read: its front matter, its steps in order, and the hash of its bytes."""

    id: str
    version: int
    owner: str
    reviewed: str
    title: str
    sha256: str
    source: str
    steps: tuple[Step, ...]
    applies: Applies = field(default_factory=Applies)
    inputs: tuple[Input, ...] = ()

    def step(self, name: str) -> Step | None:
        """The step with an id, or None."""
        return next((one for one in self.steps if one.id == name), None)

    def number(self, name: str) -> int:
        """The place of a step, counted from 1."""
        return next(place for place, one in enumerate(self.steps, start=1) if one.id == name)
