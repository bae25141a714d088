"""The confirmation of a rollback: what, where, from, to and the effect; Cancel has the focus, only `y` confirms."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button

from console.subject import Subject
from console.view import Line, line, pad
from console.widgets.lines import Lines
from core.briefing.incident import Rollback, rollback_of
from core.clock import span
from core.desk import Desk
from core.endpoints import deploy
from core.endpoints.rows import Deployment
from core.errors import NotFound

# Keys typed before a person can have read the question are meant for the screen below it.
DEAF_SECONDS = 0.3


@dataclass(frozen=True)
class Offer:
    """A rollback as it was when `R` was pressed; it is refused where the active version has changed since."""

    environment: str
    back: Rollback
    incident: int | None
    reason: str

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
    return Offer(desk.settings.environment, back, number, reason)


class RollbackModal(ModalScreen[bool]):
    """Asks; True only for `y`."""

    BINDINGS = [
        Binding("y", "confirm", "roll back", show=False, id="rollback.confirm"),
        Binding("d", "dry", "dry run", show=False, id="rollback.dry"),
        Binding("n,q,h,escape", "cancel", "cancel", show=False, id="rollback.cancel"),
    ]

    def __init__(self, found: Offer, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.found = found
        self.now = now
        self.opened = now()
        self.dry = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="box danger"):
            yield Lines(id="said")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """Focus Cancel: Enter never changes anything."""
        self.opened = self.now()
        self._draw()
        self.query_one("#cancel", Button).focus()

    def _draw(self) -> None:
        said = question(self.found, dry=self.dry)
        page = self.query_one("#said", Lines)
        page.styles.height = len(said)
        page.can_focus = False
        page.show(said)

    async def on_event(self, event: object) -> None:
        """Drop what was typed before the question could be read."""
        if isinstance(event, Key) and self.now() - self.opened < DEAF_SECONDS:
            event.stop()
            return
        await super().on_event(event)  # type: ignore[arg-type]

    def action_confirm(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_cancel(self) -> None:
        """No."""
        self.dismiss(False)

    def action_dry(self) -> None:
        """Show what would be done, and do nothing."""
        self.dry = not self.dry
        self._draw()

    def on_button_pressed(self) -> None:
        """Cancel is the only button."""
        self.dismiss(False)


def question(found: Offer, *, dry: bool = False) -> list[Line]:
    """The question's lines, and with `dry` what would happen step by step."""
    back = found.back
    served = f", served {span(back.healthy_us)} before" if back.healthy_us > 0 else ""
    facts = (
        ("environment", found.environment),
        ("endpoint", back.endpoint),
        ("model", back.model),
        ("from", f"v{back.active} (active)"),
        ("to", f"v{back.to}{served}"),
        ("effect", f"requests are answered by v{back.to} from the next sync on"),
    )
    steps = (
        f"check that v{back.active} is still active on {back.endpoint}",
        f"queue deployment of {back.model} v{back.to} (kind rollback, {found.reason})",
        "write rollback.requested to the ledger, in the same transaction",
        f"at the next sync: push v{back.to} where it is missing, then activate it",
        f"mark v{back.to} production and v{back.active} archived",
    )
    lines = [line(("ROLL BACK", "bold"), "  ", (f" {found.environment} ", "alarm")), ()]
    lines += [line((f"  {pad(name, 13)}", "dim"), (value, "bold" if name in ("from", "to") else "")) for name, value in facts]
    lines.append(())
    if dry:
        lines += [line(("  Dry run: this is what y would do", "bold"))]
        lines += [line(f"   {number} {step}") for number, step in enumerate(steps, 1)]
        lines.append(())
    lines.append(line("  ", ("y", "key"), " roll back   ", ("d", "key"), " dry run   ", ("n", "key"), " cancel"))
    return lines
