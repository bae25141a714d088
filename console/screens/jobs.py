"""The list of jobs with the schedules that make them, and one job with its log."""

from __future__ import annotations

from typing import ClassVar

from console.pages import jobs as page
from console.plot import curves
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line, columns
from console.widgets.table import Source
from core.briefing import jobs
from core.briefing.jobs import JobPage, JobRow, job
from core.errors import BadInput


class JobRows(Rows):
    """The runs, for a table."""

    def count(self) -> int:
        return jobs.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[JobRow]:
        return jobs.window(self.desk, offset, limit, self.match)

    def position(self, row_id: int) -> int:
        return jobs.position(self.desk, row_id, self.match)

    def id_of(self, row: JobRow) -> int:
        return row.id

    def header(self, width: int) -> Line:
        return titles(columns(page.TITLES, page.WIDTHS))

    def cells(self, row: JobRow, width: int) -> Line:
        return page.row_line(row, self.desk.now_us(), width)


class JobsScreen(Listing):
    """Every run, newest first, read by windows."""

    NAME = "jobs"
    OPENS = "job"
    EMPTY: ClassVar[tuple[str, ...]] = ("No job yet.", "tocsin train and tocsin schedule add make some.")

    def make_source(self) -> Source:
        return JobRows(self.desk)

    def hints(self) -> Hints:
        return (("enter", "open"), ("x", "run again"), ("X", "cancel"), ("l", "log"), ("/", "filter"))

    def subject(self) -> Subject | None:
        row: JobRow | None = self.table.current
        return _subject(row) if row else None


class JobScreen(Sheet):
    """One job: state, cost, curves and trials of a training, arguments, result, log."""

    NAME = "job"

    def read(self) -> JobPage:
        if not self.target.isdigit():
            raise BadInput(f"{self.target!r} is no job", "`tocsin job list` shows them")
        return job(self.desk, int(self.target))

    def page(self, found: JobPage, width: int, height: int) -> list[Line]:
        return page.body(found, width - 1, height, curves)

    def hints(self) -> Hints:
        open_ = isinstance(self.found, JobPage) and self.found.row.state in ("running", "planned")
        return ((("X", "cancel"),) if open_ else ()) + (("x", "run again"), ("j/k", "scroll"))

    def subject(self) -> Subject | None:
        return _subject(self.found.row) if isinstance(self.found, JobPage) else None


def _subject(row: JobRow) -> Subject:
    return Subject("job", str(row.id), row.subject, text=f"job {row.id} {row.kind}")
