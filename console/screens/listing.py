"""A screen that is a table: filter, marks, and a row to open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input

from console.screens.sheet import Hints, Sheet
from console.view import Line, line
from console.widgets.lines import Bar, Lines
from console.widgets.table import Source, Table
from core.desk import Desk
from core.errors import TocsinError


class Rows:
    """What a listing's source shares: the desk and the text that rows must hold."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.match = ""


class Listing(Sheet):
    """A table over a source. Opening a row opens the screen named `OPENS` on the row's id."""

    OPENS: ClassVar[str] = ""
    EMPTY: ClassVar[Sequence[str]] = ("nothing yet",)
    BINDINGS = [
        Binding("slash", "filter", "filter", show=False, id="filter"),
        Binding("escape", "leave", "back", show=False, id="filter.leave"),
    ]

    table: Table
    source: Any

    def make_source(self) -> Source:
        """The rows."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield Bar(id="status")
        yield self.content()
        yield Input(placeholder="filter: enter keeps it, esc clears it", id="ask")
        yield Bar(id="keys")
        yield Lines(id="small")

    def content(self) -> Widget:
        self.source = self.make_source()
        if self.target and hasattr(self.source, "match"):
            self.source.match = self.target
        empty = [(), *(line(("  ", ""), (text, "dim")) for text in self.EMPTY)]
        self.table = Table(self.source, id="body", empty=empty)
        return self.table

    def read(self) -> Any:
        return True

    def hints(self) -> Hints:
        filtered = f"filter: {self.source.match}" if self.source.match else "filter"
        return (("enter", "open"), ("/", filtered), ("j/k", "move"), ("space", "mark"))

    def draw_body(self, width: int, height: int) -> None:
        if isinstance(self.found, TocsinError):
            self.app.notify(f"{self.found.message}\n{self.found.hint}", severity="error", markup=False)
            return
        self.table.load()

    def action_filter(self) -> None:
        """Ask for the text that rows must hold."""
        ask = self.query_one("#ask", Input)
        ask.add_class("asking")
        ask.value = self.source.match
        ask.focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow down while typing."""
        self._match(message.value.strip())

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the rows."""
        self._leave_filter()

    async def action_leave(self) -> None:
        """In the filter: clear it. Elsewhere: back."""
        ask = self.query_one("#ask", Input)
        if not ask.has_focus:
            await self.app.run_action("back")
            return
        ask.value = ""
        self._match("")
        self._leave_filter()

    def _leave_filter(self) -> None:
        self.query_one("#ask", Input).remove_class("asking")
        self.table.focus()
        self.draw_bars()

    def _match(self, text: str) -> None:
        if text != self.source.match:
            self.source.match = text
            self.table.cursor_id = None
            self.table.load()
            self.draw_bars()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """Open the row's own screen."""
        from console.app import TocsinApp

        if self.OPENS and isinstance(self.app, TocsinApp):
            self.app.open(self.OPENS, str(message.row_id))


def titles(text: str) -> Line:
    """The header of a table, behind the two cells of cursor and mark."""
    return line(f"  {text}")
