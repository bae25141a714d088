"""Find any view, object or verb by a few letters; and the help, which lists the keys the same way and runs them."""

from __future__ import annotations

from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from console.fuzzy import best
from console.screens import NUMBERED
from console.view import Line, line, pad
from console.widgets.lines import Bar, Lines
from core.briefing.find import things
from core.desk import Desk

SHOWN = 14
# What can be done, with its key, in the order a night needs it: (action, key, words).
VERBS = (
    ("act('ack')", "a", "acknowledge the incident"),
    ("act('unack')", "z", "undo the acknowledgement"),
    ("act('rollback')", "R", "roll back to the last good version"),
    ("act('runbook')", "b", "walk the runbook"),
    ("act('evidence')", "e", "evidence: everything known about it"),
    ("act('note')", "n", "write a note on the timeline"),
    ("act('logs')", "l", "log: what happened around it"),
    ("act('ack_marked')", "A", "acknowledge all marked incidents"),
    ("act('rerun')", "x", "run the job again, or send the message again"),
    ("act('confirm')", "c", "send the queued change that asks again"),
    ("act('drop')", "D", "drop the queued change, or the refused file"),
    ("act('cancel')", "X", "cancel the job"),
    ("act('approve')", "v", "approve the version, as somebody else than its trainer"),
    ("compare", "d", "compare the two marked snapshots or versions"),
    ("act('release')", "r", "release a refused file from quarantine"),
    ("act('copy')", "y", "copy its name"),
    ("act('copy_status')", "Y", "copy a Markdown status update"),
    ("palette", ":", "find a view, an object or a verb"),
    ("pause", "p", "hold the screen still"),
    ("redraw", "ctrl+l", "draw everything again"),
    ("back", "q h esc", "back; on the first screen: quit"),
    ("swap", "-", "between the two last views"),
    ("step(-1)", "[", "older view"),
    ("step(1)", "]", "newer view"),
    ("quit", "Q", "quit"),
)
# Keys of tables, told in the help; they act where they are pressed.
MOVES = (
    ("", "j k ↓ ↑", "down, up"),
    ("", "g G", "first, last"),
    ("", "enter", "open the row"),
    ("", "/", "filter the rows"),
    ("", "tab", "next section of a data set, a model, a version"),
    ("", "J K", "scroll what is below the rows"),
    ("", "space M", "mark the row, all rows"),
)


class Entry(NamedTuple):
    """One line to choose: what it runs, its key, its words."""

    run: str
    key: str
    text: str
    detail: str = ""


class Palette(ModalScreen[str]):
    """Gives the action to run, empty where it was left."""

    TITLE = "Find"
    BINDINGS = [
        Binding("escape", "leave", "leave", show=False, id="palette.leave"),
        Binding("down,ctrl+n", "move(1)", "down", show=False, id="palette.down"),
        Binding("up,ctrl+p", "move(-1)", "up", show=False, id="palette.up"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.entries: list[Entry] = []
        self.shown: list[Entry] = []
        self.cursor = 0

    def load(self) -> list[Entry]:
        """Views, then verbs, then everything that has a screen of its own."""
        views = [Entry(f"go('{name}')", str(number), f"view {name}") for number, name in enumerate(NUMBERED, 1)]
        verbs = [Entry(run, key, text) for run, key, text in VERBS]
        found = [Entry(_open(one.screen, one.target), "", one.name, one.detail) for one in things(self.desk)]
        return [*views, *verbs, *found]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Bar(id="title")
            yield Input(placeholder="type a few letters", id="query")
            yield Lines(id="found")

    def on_mount(self) -> None:
        """Everything is shown until something is typed."""
        self.entries = self.load()
        title = line((f"{self.TITLE}  ", "bold"), ("enter", "key"), " choose  ", ("esc", "key"), " leave")
        self.query_one("#title", Bar).show(title)
        self.query_one("#found", Lines).can_focus = False
        self.query_one(Input).focus()
        self._filter("")

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow down."""
        self._filter(message.value.strip())

    def on_input_submitted(self) -> None:
        """Run what is chosen."""
        self.dismiss(self.shown[self.cursor].run if self.shown else "")

    def _filter(self, query: str) -> None:
        self.shown = best(query, self.entries, lambda one: f"{one.text} {one.key}") if query else list(self.entries)
        self.cursor = 0
        self._draw()

    def _draw(self) -> None:
        first = max(0, min(self.cursor - SHOWN + 1, len(self.shown) - SHOWN))
        lines = [self._line(index) for index in range(first, min(first + SHOWN, len(self.shown)))]
        page = self.query_one("#found", Lines)
        page.styles.height = SHOWN
        page.show(lines or [line(("  nothing is called that", "dim"))])

    def _line(self, index: int) -> Line:
        entry = self.shown[index]
        here = index == self.cursor
        lead = ("▸ ", "bold") if here else ("  ", "")
        text = (entry.text, "cursor" if here else "")
        return line(lead, (pad(entry.key, 8), "key"), text, (f"  {entry.detail}", "dim"))

    def action_move(self, by: int) -> None:
        """Along the list."""
        self.cursor = max(0, min(self.cursor + by, len(self.shown) - 1))
        self._draw()

    def action_leave(self) -> None:
        """Nothing is run."""
        self.dismiss("")


class Help(Palette):
    """Every key: filtered as one types, and run when chosen."""

    TITLE = "Keys"

    def load(self) -> list[Entry]:
        views = [Entry(f"go('{name}')", str(number), f"screen {name}") for number, name in enumerate(NUMBERED, 1)]
        return [*(Entry(run, key, text) for run, key, text in (*VERBS, *MOVES)), *views]


def _open(screen: str, target: str) -> str:
    return f"open({screen!r}, {target!r})"
