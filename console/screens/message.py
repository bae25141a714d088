"""The question before a queued change is sent, sent again or dropped: bound to the message when its key was pressed."""

from __future__ import annotations

from collections.abc import Callable

from console.screens.danger import Danger, facts
from console.view import Line, line
from core.desk import Desk
from core.endpoints import waiting
from core.endpoints.waiting import Intent
from core.work.outbox import Message

TITLES = {"confirm": "SEND: STILL MEANT", "retry": "SEND AGAIN", "drop": "DROP"}
CHOICES = {"confirm": "send", "retry": "send again", "drop": "drop"}


class MessageModal(Danger):
    """Asks about one message; True only for `y`."""

    def __init__(self, environment: str, intent: Intent) -> None:
        super().__init__(CHOICES[intent.verb])
        self.environment = environment
        self.intent = intent

    def confirmed(self, said: bool | None) -> Callable[[Desk], Message] | None:
        """The verb to run where the person said yes; it is refused where the message has changed since."""
        verbs: dict[str, Callable[[Desk, int], Message]] = {
            "confirm": waiting.confirm,
            "retry": waiting.retry,
            "drop": waiting.drop,
        }
        return (lambda desk: verbs[self.intent.verb](desk, self.intent.message.id)) if said else None

    def question(self, dry: bool) -> list[Line]:
        """What would be done to which message, and with `dry` step by step how."""
        one = self.intent.message
        said = facts(
            ("environment", self.environment),
            ("endpoint", one.endpoint),
            ("message", f"{one.id}: {waiting.words(one)}"),
            ("attempts", f"{one.attempts}{f', last: {one.error}' if one.error else ''}"),
            ("effect", self.intent.effect),
        )
        title = line((TITLES[self.intent.verb], "bold"), "  ", (f" {self.environment} ", "alarm"))
        return [title, (), *said, (), *(self._steps() if dry else [])]

    def _steps(self) -> list[Line]:
        number = self.intent.message.id
        first = "settle it as dropped" if self.intent.verb == "drop" else "put it first in its line, due now"
        event = {"confirm": "confirmed", "retry": "retried", "drop": "dropped"}[self.intent.verb]
        steps = (f"check that message {number} still waits", first, f"write outbox.{event} to the ledger with it")
        return [line(("  Dry run: this is what y would do", "bold")), *(line(f"   {step}") for step in steps), ()]
