"""The list of incidents, and one of them."""

from __future__ import annotations

from typing import ClassVar

from console.pages import incident as page
from console.plot import plot
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line, columns, line, when
from console.widgets.table import Source
from core.briefing import incidents
from core.briefing.incident import IncidentPage, incident
from core.briefing.incidents import IncidentRow
from core.errors import BadInput


class IncidentRows(Rows):
    """The incidents, for a table."""

    def count(self) -> int:
        return incidents.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[IncidentRow]:
        return incidents.window(self.desk, offset, limit, self.match)

    def position(self, row_id: int) -> int:
        return incidents.position(self.desk, row_id, self.match)

    def id_of(self, row: IncidentRow) -> int:
        return row.id

    def header(self, width: int) -> Line:
        return titles(columns(("incident", "state", "since", "owner", "what"), (13, 10, 11, 10, 20)))

    def cells(self, row: IncidentRow, width: int) -> Line:
        glyph, style = ("✓", "good") if not row.open else ("●", "bad") if row.acked_us is None else ("◐", "warn")
        owner = row.acked_by or ("UNACKED" if row.open else "-")
        values = (f"SEV{row.severity} INC-{row.id}", row.state, when(row.impact_us, self.desk.now_us()), owner)
        said = row.title.removeprefix(f"{row.model} on {row.endpoint}: ")
        return line((f"{glyph} ", style), columns(values, (11, 10, 11, 10)), f"  {row.model}: {said}")


class IncidentsScreen(Listing):
    """All incidents, open ones first; `A` acknowledges those that are marked."""

    NAME = "incidents"
    OPENS = "incident"
    EMPTY: ClassVar[tuple[str, ...]] = ("No incident yet.", "A page that fires opens one: `tocsin slo add --help`.")

    def make_source(self) -> Source:
        return IncidentRows(self.desk)

    def hints(self) -> Hints:
        return (("enter", "open"), ("a", "ack"), ("space", "mark"), ("M", "all"), ("A", "ack marked"), ("/", "filter"))

    def subject(self) -> Subject | None:
        row: IncidentRow | None = self.table.current
        if row is None:
            return None
        return Subject("incident", str(row.id), row.model, row.endpoint, row.runbook or "", row.title)


class IncidentScreen(Sheet):
    """One incident: evidence, suspects, measures, alerts, timeline, postmortem."""

    NAME = "incident"

    def read(self) -> IncidentPage:
        number = self.target.removeprefix("INC-")
        if not number.isdigit():
            raise BadInput(f"{self.target!r} is no incident", "`tocsin inc list` shows them")
        return incident(self.desk, int(number))

    def page(self, found: IncidentPage, width: int, height: int) -> list[Line]:
        return page.body(found, width - 1, plot)

    def hints(self) -> Hints:
        if not isinstance(self.found, IncidentPage):
            return ()
        if not self.found.incident.open:
            return (("n", "note"), ("Y", "status"), ("l", "log"), ("j/k", "scroll"))
        taken = self.found.incident.acked_us is not None
        back = (("R", "rollback"),) if self.found.rollback else ()
        return (("z", "un-ack") if taken else ("a", "ack"), *back, ("b", "runbook"), ("n", "note"), ("Y", "status"))

    def subject(self) -> Subject | None:
        if not isinstance(self.found, IncidentPage):
            return None
        found = self.found.incident
        return Subject("incident", str(found.id), found.model, found.endpoint, found.runbook, found.title)
