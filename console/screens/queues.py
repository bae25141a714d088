"""The outbox, and the schedules."""

from __future__ import annotations

from typing import ClassVar

from console.pages import queues as page
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line, columns, pad
from console.widgets.table import Source
from core.briefing import outbox
from core.briefing.jobs import ScheduleRow, schedules
from core.briefing.outbox import Message


class MessageRows(Rows):
    """The messages, for a table."""

    def count(self) -> int:
        return outbox.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[Message]:
        return outbox.window(self.desk, offset, limit, self.match)

    def position(self, row_id: int) -> int:
        return outbox.position(self.desk, row_id, self.match)

    def id_of(self, row: Message) -> int:
        return row.id

    def header(self, width: int) -> Line:
        return titles(f"{pad('message', 13)}  {columns(page.TITLES, page.WIDTHS)}")

    def cells(self, row: Message, width: int) -> Line:
        return page.message_line(row, self.desk.now_us())


class OutboxScreen(Listing):
    """What waits to be applied on an endpoint, what was given up, and what was sent."""

    NAME = "outbox"
    EMPTY: ClassVar[tuple[str, ...]] = ("Nothing was ever sent.", "tocsin deploy start queues a message.")

    def make_source(self) -> Source:
        return MessageRows(self.desk)

    def hints(self) -> Hints:
        row: Message | None = self.table.current
        open_ = row is not None and row.state in ("waiting", "dead")
        keys = (("c", "send: still meant"),) if row is not None and row.asks else (("x", "send again"),)
        return (*(keys if open_ else ()), *((("D", "drop"),) if open_ else ()), ("/", "filter"), ("j/k", "move"))

    def subject(self) -> Subject | None:
        row: Message | None = self.table.current
        return Subject("message", str(row.id), row.model, row.endpoint, text=row.what) if row else None


class SchedulesScreen(Sheet):
    """What runs again and again, and when next."""

    NAME = "schedules"

    def read(self) -> list[ScheduleRow]:
        return schedules(self.desk)

    def page(self, found: list[ScheduleRow], width: int, height: int) -> list[Line]:
        return page.schedules_body(found, self.desk.now_us(), width)

    def hints(self) -> Hints:
        return (("4", "jobs"), ("j/k", "scroll"))
