"""The confirmation of a rollback: environment, model, from, to and the effect, as they were when `R` was pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from console.screens.danger import Danger, facts
from console.subject import Subject
from console.view import Line, line
from core.briefing.incident import Rollback, rollback_of
from core.clock import span
from core.desk import Desk
from core.endpoints import deploy, waiting
from core.endpoints.rows import Deployment
from core.errors import NotFound


class Offer(NamedTuple):
    """A rollback as it was when `R` was pressed; it is refused where the active version has changed since.

    `overtaken` is what it does to the changes that are queued before it.
    """

    environment: str
    back: Rollback
    incident: int | None
    reason: str
    overtaken: tuple[str, ...] = ()

    def confirmed(self, said: bool | None) -> Callable[[Desk], Deployment] | None:
        """The verb to run where the person said yes."""
        return self.run if said else None

    def run(self, desk: Desk) -> Deployment:
        """Ask for the rollback. Raises CheckFailed where another version is active by now."""
        return deploy.rollback(
            desk,
            self.back.endpoint,
            self.back.model,
            to=self.back.to,
            reason=self.reason,
            incident=self.incident,
            expect_active=self.back.active,
        )


def offer(desk: Desk, subject: Subject) -> Offer:
    """The rollback of what a subject concerns. Raises NotFound where there is no version to go back to."""
    back = rollback_of(desk, subject.model, subject.endpoint) if subject.endpoint else None
    if back is None:
        raise NotFound(
            f"there is no earlier good version of {subject.model or 'this'} to go back to",
            "b opens the runbook; `tocsin deploy start` serves another version",
        )
    number = subject.number if subject.what == "incident" else None
    reason = f"INC-{number}" if number is not None else "from the console"
    before = tuple(waiting.overtaken(desk, back.endpoint, back.model))
    return Offer(desk.settings.environment, back, number, reason, before)


class RollbackModal(Danger):
    """Asks whether to roll back; True only for `y`."""

    def __init__(self, found: Offer) -> None:
        super().__init__("roll back")
        self.found = found

    def question(self, dry: bool) -> list[Line]:
        """What would be changed, and with `dry` step by step how."""
        back = self.found.back
        served = f", served {span(back.healthy_us)} before" if back.healthy_us > 0 else ""
        said = facts(
            ("environment", self.found.environment),
            ("endpoint", back.endpoint),
            ("model", back.model),
            ("from", f"v{back.active} (active)"),
            ("to", f"v{back.to}{served}"),
            ("effect", f"v{back.to} answers from the next sync on"),
        )
        before = [line("  ", (f"▲ {each}", "warn")) for each in self.found.overtaken]
        lines = [line(("ROLL BACK", "bold"), "  ", (f" {self.found.environment} ", "alarm")), (), *said, *before, ()]
        return [*lines, *_steps(self.found), ()] if dry else lines


def _steps(found: Offer) -> list[Line]:
    back = found.back
    steps = (
        f"check that v{back.active} is still active on {back.endpoint}",
        f"queue the rollback of {back.model} to v{back.to} ({found.reason})",
        "write rollback.requested to the ledger in the same transaction",
        f"at the next sync: push v{back.to} where it is missing, activate it",
        f"mark v{back.to} production and v{back.active} archived",
    )
    said = (line(f"   {number} {step}") for number, step in enumerate(steps, 1))
    return [line(("  Dry run: this is what y would do", "bold")), *said]
