"""A table over any number of rows: only those on the screen are read, and the cursor belongs to a row's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.view import Line, line
from console.widgets.paint import strip_of

# Rows read at once: a few screens, so that scrolling reads ahead.
CHUNK = 64


class Source(Protocol):
    """Where a table's rows come from."""

    def count(self) -> int:
        """How many rows there are."""
        ...

    def window(self, offset: int, limit: int) -> Sequence[Any]:
        """The rows from `offset` on."""
        ...

    def id_of(self, row: Any) -> Any:
        """What identifies a row whatever its position."""
        ...

    def position(self, row_id: Any) -> int:
        """Where a row stands now; its old neighbours' position where it is gone."""
        ...

    def header(self, width: int) -> Line:
        """The titles of the columns."""
        ...

    def cells(self, row: Any, width: int) -> Line:
        """One row."""
        ...


class Table(ScrollView, can_focus=True):
    """Rows by windows. The cursor stays on its row through every refresh."""

    BINDINGS = [
        Binding("j,down", "move(1)", "down", show=False, id="table.down"),
        Binding("k,up", "move(-1)", "up", show=False, id="table.up"),
        Binding("g,home", "jump(False)", "first", show=False, id="table.first"),
        Binding("G,end", "jump(True)", "last", show=False, id="table.last"),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False, id="table.pagedown"),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False, id="table.pageup"),
        Binding("enter", "choose", "open", show=False, id="table.open"),
        Binding("space", "mark", "mark", show=False, id="table.mark"),
        Binding("M", "mark_all", "mark all", show=False, id="table.markall"),
    ]

    class Chosen(Message):
        """A row was entered."""

        def __init__(self, row: Any, row_id: Any) -> None:
            super().__init__()
            self.row = row
            self.row_id = row_id

    class Moved(Message):
        """The cursor has come to another row."""

    def __init__(self, source: Source, *, id: str | None = None, empty: Sequence[Line] = ()) -> None:
        super().__init__(id=id)
        self.source = source
        self.empty = empty or [line(("  nothing yet", "dim"))]
        self.total = 0
        self.cursor = 0
        self.cursor_id: Any = None
        self.marked: set[Any] = set()
        self._chunks: dict[int, Sequence[Any]] = {}

    def load(self) -> None:
        """Read again; the cursor follows the id it is on."""
        self._chunks.clear()
        self.total = self.source.count()
        if self.cursor_id is not None and self.total:
            self.cursor = self.source.position(self.cursor_id)
        self._place(self.cursor)
        self.refresh()

    def _place(self, index: int) -> None:
        self.virtual_size = Size(self.size.width, self.total + 1)
        self.cursor = max(0, min(index, self.total - 1))
        row = self.row_at(self.cursor)
        before, self.cursor_id = self.cursor_id, None if row is None else self.source.id_of(row)
        if before != self.cursor_id:
            self.post_message(self.Moved())
        self._show_cursor()

    def _show_cursor(self) -> None:
        # One line of the widget is the header, which does not scroll.
        room = max(1, self.size.height - 1)
        top = int(self.scroll_offset.y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False, immediate=True)

    def row_at(self, index: int) -> Any | None:
        """The row at a position, read with its neighbours; None where there is none."""
        if not 0 <= index < self.total:
            return None
        number, within = divmod(index, CHUNK)
        if number not in self._chunks:
            if len(self._chunks) > 8:
                self._chunks.clear()
            self._chunks[number] = self.source.window(number * CHUNK, CHUNK)
        chunk = self._chunks[number]
        return chunk[within] if within < len(chunk) else None

    @property
    def current(self) -> Any | None:
        """The row under the cursor, None in an empty table."""
        return self.row_at(self.cursor)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return strip_of(self.source.header(width), width, "head")
        index = y - 1 + int(self.scroll_offset.y)
        if not self.total:
            return strip_of(self.empty[y - 1] if y - 1 < len(self.empty) else (), width)
        row = self.row_at(index)
        if row is None:
            return strip_of((), width)
        # The cursor is a glyph as well as a colour.
        mark = "✓" if self.source.id_of(row) in self.marked else " "
        here = index == self.cursor
        lead = ("▸" if here else " ") + mark
        spans = self.source.cells(row, width - 2)
        plain: Line = tuple((text, "") for text, _ in spans) if here else spans
        return strip_of(((lead, "bold"), *plain), width, "cursor" if here else "")

    def action_move(self, by: int) -> None:
        before, top = self.cursor, self.scroll_offset.y
        self._place(self.cursor + by)
        if self.scroll_offset.y != top:
            self.refresh()
            return
        # Nothing scrolled: only the two rows that changed are drawn again; the header is line 0.
        self.refresh_line(before + 1)
        self.refresh_line(self.cursor + 1)

    def action_jump(self, last: bool) -> None:
        self._place(self.total - 1 if last else 0)
        self.refresh()

    def action_page(self, by: int) -> None:
        self._place(self.cursor + by * max(1, self.size.height - 2))
        self.refresh()

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(self.current, self.cursor_id))

    def action_mark(self) -> None:
        if self.cursor_id is not None:
            self.marked ^= {self.cursor_id}
            self.refresh_line(self.cursor + 1)
            self.action_move(1)

    def action_mark_all(self) -> None:
        """Mark every row, or none where all are marked; at most ten thousand."""
        ids = {self.source.id_of(row) for row in self.source.window(0, 10_000)}
        self.marked = set() if self.marked >= ids else ids
        self.refresh()

    def on_resize(self) -> None:
        self._place(self.cursor)
