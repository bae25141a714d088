"""The first screen."""

from __future__ import annotations

from console.pages import now as page
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line
from core.briefing.now import Now, now


class NowScreen(Sheet):
    """What is broken, since when, what changed, what to do; or the hand-over."""

    NAME = "now"
    TAIL = page.TAIL

    def read(self) -> Now:
        return now(self.desk)

    def page(self, found: Now, width: int, height: int) -> list[Line]:
        return page.body(found, width, height)

    def hints(self) -> Hints:
        return page.hints(self.found) if isinstance(self.found, Now) else ()

    def subject(self) -> Subject | None:
        if not isinstance(self.found, Now) or self.found.lead is None:
            return None
        lead = self.found.lead.incident
        return Subject("incident", str(lead.id), lead.model, lead.endpoint, lead.runbook, lead.title)
