"""A screen of sections, one shown at a time: a table of rows where it has one, and below it what the row is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from console.pages.chrome import tab_line
from console.screens.sheet import Sheet
from console.view import Line, fit, line
from console.widgets.lines import Bar, Lines
from console.widgets.table import Table
from core.briefing.aside import aside
from core.desk import Desk
from core.errors import TocsinError


class Picks(NamedTuple):
    """The rows of a section: each has an `id`."""

    titles: Line
    rows: Sequence[Any]
    cells: Callable[[Any, int], Line]
    empty: tuple[str, ...] = ("nothing",)


class Held:
    """Rows that a briefing already holds, for a table."""

    def __init__(self) -> None:
        self.picks = Picks((), (), lambda row, width: ())

    def count(self) -> int:
        return len(self.picks.rows)

    def window(self, offset: int, limit: int) -> Sequence[Any]:
        return self.picks.rows[offset : offset + limit]

    def id_of(self, row: Any) -> Any:
        return row.id

    def position(self, row_id: Any) -> int:
        return next((place for place, row in enumerate(self.picks.rows) if row.id == row_id), 0)

    def header(self, width: int) -> Line:
        return fit(self.picks.titles, width)

    def cells(self, row: Any, width: int) -> Line:
        return fit(self.picks.cells(row, width), width)


class Aside(Sheet):
    """A sheet that asks for what would stall it: its answers come from a process of its own, and are asked for once."""

    class Answered(Message):
        """An answer, or the error that stood in its way."""

        def __init__(self, key: tuple[Any, ...], answer: Any) -> None:
            super().__init__()
            self.key = key
            self.answer = answer

    def __init__(self, desk: Desk, target: str = "") -> None:
        super().__init__(desk, target)
        self.answers: dict[tuple[Any, ...], Any] = {}

    def ask(self, *key: Any) -> Any:
        """The answer to a verb of `core.briefing.aside` with its arguments; None while it is being worked on, and an
        error where it has none."""
        if key not in self.answers:
            self.answers[key] = None
            self.run_worker(self._ask(key), group=f"aside {key}", exit_on_error=False)
        return self.answers[key]

    async def _ask(self, key: tuple[Any, ...]) -> None:
        try:
            answer = await aside(self.desk, *key)
        except TocsinError as error:
            answer = error
        self.post_message(self.Answered(key, answer))

    def on_aside_answered(self, message: Answered) -> None:
        """Show it."""
        self.answers[message.key] = message.answer
        self.draw()

    def answered(self, key: tuple[Any, ...], told: Callable[[Any], list[Line]]) -> list[Line]:
        """The lines of an answer; while it is not there that, and an error with its next step."""
        answer = self.ask(*key)
        if answer is None:
            return [line(("  ◐ ", "info"), ("reading the rows in the background", "dim"))]
        if isinstance(answer, TocsinError):
            return [line(("  ● ", "bad"), (answer.message, "bold")), line(f"    {answer.hint}")]
        return told(answer)


class Tabbed(Aside):
    """Sections by `tab`; `picks` gives the rows of one (None: it has none), `detail` the lines below them."""

    TABS: ClassVar[tuple[str, ...]] = ()
    BINDINGS = [
        Binding("tab", "section(1)", "next section", show=False, id="section.next", priority=True),
        Binding("shift+tab", "section(-1)", "section before", show=False, id="section.before", priority=True),
        Binding("J,ctrl+down", "detail(1)", "scroll below", show=False, id="detail.down"),
        Binding("K,ctrl+up", "detail(-1)", "scroll below up", show=False, id="detail.up"),
    ]

    def __init__(self, desk: Desk, target: str = "") -> None:
        super().__init__(desk, target)
        self.tab = 0
        self.source = Held()

    def picks(self, found: Any, tab: str) -> Picks | None:
        """The rows of a section."""
        raise NotImplementedError

    def detail(self, found: Any, tab: str, row: Any, width: int, height: int) -> list[Line]:
        """What is below the rows, about the one under the cursor (None: there is none)."""
        raise NotImplementedError

    def badge(self, found: Any, tab: str) -> str:
        """What stands beside a section's name: how much waits there."""
        return ""

    def content(self) -> Widget:
        return Vertical(id="body")

    def compose(self) -> ComposeResult:
        yield Bar(id="status")
        with Vertical(id="body"):
            yield Bar(id="tabs")
            yield Table(self.source, id="rows")
            yield Lines(id="detail")
        yield Bar(id="keys")
        yield Lines(id="small")

    @property
    def at(self) -> str:
        """The section that is shown."""
        return self.TABS[self.tab]

    @property
    def table(self) -> Table:
        """The rows of the section; empty where it has none."""
        return self.query_one("#rows", Table)

    def on_mount(self) -> None:
        self.receive(self._attempt())
        self._focus()

    def _focus(self) -> None:
        (self.table if self.table.display else self.query_one("#detail")).focus()

    def draw_body(self, width: int, height: int) -> None:
        """The names of the sections, the rows, and what is below them."""
        broken = isinstance(self.found, TocsinError)
        picks = None if broken else self.picks(self.found, self.at)
        self.query_one("#tabs", Bar).show(() if broken else self._names(width))
        self.table.display = picks is not None
        if picks is not None:
            self._draw_rows(picks, height)
        self.draw_detail()

    def _names(self, width: int) -> Line:
        return tab_line([(name, self.badge(self.found, name)) for name in self.TABS], self.tab, width)

    def _draw_rows(self, picks: Picks, height: int) -> None:
        self.source.picks = picks
        self.table.empty = [line(("  ", ""), (text, "dim")) for text in picks.empty]
        most = max(4, (height - 1) // 2)
        self.table.styles.height = min(most, 1 + max(len(picks.rows), len(picks.empty)))
        self.table.load()

    def draw_detail(self) -> None:
        """What the row under the cursor is about."""
        width, height = self.app.size
        page = self.query_one("#detail", Lines)
        if isinstance(self.found, TocsinError):
            page.show([(), line(("  ● ", "bad"), (self.found.message, "bold")), line(f"    {self.found.hint}")])
            return
        row = self.table.current if self.table.display else None
        rows = int(self.table.styles.height.value) if self.table.display and self.table.styles.height else 0
        page.show([fit(one, width - 1) for one in self.detail(self.found, self.at, row, width - 1, height - 3 - rows)])

    def on_table_moved(self) -> None:
        """The cursor is on another row."""
        if self.found is not None and self.is_mounted:
            self.draw_detail()
            self.draw_bars()

    def action_section(self, by: int) -> None:
        """Another section; marks and cursor belong to the one that is left."""
        self.show_section(self.TABS[(self.tab + by) % len(self.TABS)])

    def show_section(self, name: str) -> None:
        """Show a section by its name."""
        self.tab = self.TABS.index(name)
        self.table.marked.clear()
        self.table.cursor, self.table.cursor_id = 0, None
        self.query_one("#detail", Lines).scroll_home(animate=False)
        self.draw()
        self._focus()

    def action_detail(self, by: int) -> None:
        """Along what is below the rows."""
        self.query_one("#detail", Lines).scroll_relative(y=by * 3, animate=False)
