"""What happened, newest first: the audit log as a list."""

from __future__ import annotations

from typing import ClassVar

from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints
from console.subject import Subject
from console.view import Line, columns, line, when
from console.widgets.table import Source, Table
from core.briefing import ledger
from core.briefing.ledger import LedgerRow

WIDTHS = (8, 12, 10)


class LedgerRows(Rows):
    """The events, for a table."""

    def count(self) -> int:
        return ledger.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[LedgerRow]:
        return ledger.window(self.desk, offset, limit, self.match)

    def position(self, row_id: int) -> int:
        return ledger.position(self.desk, row_id, self.match)

    def id_of(self, row: LedgerRow) -> int:
        return row.seq

    def header(self, width: int) -> Line:
        return titles(columns(("event", "when", "who", "what"), (*WIDTHS, 20)))

    def cells(self, row: LedgerRow, width: int) -> Line:
        values = (str(row.seq), when(row.at_us, self.desk.now_us()), row.actor)
        style = "bad" if row.kind.endswith((".failed", ".dead")) else "bold" if row.kind.endswith(".applied") else ""
        return line((f"{columns(values, WIDTHS)}  ", "dim"), (row.text, style))


class LedgerScreen(Listing):
    """Every event; opened on a model it is filtered to it."""

    NAME = "ledger"
    EMPTY: ClassVar[tuple[str, ...]] = ("Nothing has happened here yet.",)

    def make_source(self) -> Source:
        return LedgerRows(self.desk)

    def hints(self) -> Hints:
        filtered = f"filter: {self.source.match}" if self.source.match else "filter"
        return (("/", filtered), ("enter", "incident"), ("j/k", "move"), ("g/G", "newest, oldest"))

    def subject(self) -> Subject | None:
        row: LedgerRow | None = self.table.current
        return Subject("event", str(row.seq), text=row.text) if row else None

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """Open the incident that the event belongs to, where it has one."""
        from console.app import TocsinApp

        if isinstance(self.app, TocsinApp) and message.row.incident is not None:
            self.app.open("incident", str(message.row.incident))
