"""The first screen."""

from __future__ import annotations

from console.pages import now as page
from console.pages.parts import Plot
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line
from core.briefing.now import Now, now

ROOM_FOR_PLOT = 32


class NowScreen(Sheet):
    """What is broken, since when, what changed, what to do; or the hand-over."""

    NAME = "now"
    TAIL = page.TAIL
    plot: Plot | None = None

    def read(self) -> Now:
        return now(self.desk)

    def page(self, found: Now, width: int, height: int) -> list[Line]:
        return page.body(found, width, height, self.plot)

    def on_mount(self) -> None:
        super().on_mount()
        # The plotting library is loaded when the incident can be read already.
        self.call_after_refresh(self._with_plot)

    def _with_plot(self) -> None:
        if self.app.size.height > ROOM_FOR_PLOT:
            from console.plot import plot

            self.plot = plot
            self.draw()

    def hints(self) -> Hints:
        return page.hints(self.found) if isinstance(self.found, Now) else ()

    def subject(self) -> Subject | None:
        if not isinstance(self.found, Now) or self.found.lead is None:
            return None
        lead = self.found.lead.incident
        return Subject("incident", str(lead.id), lead.model, lead.endpoint, lead.runbook, lead.title)
