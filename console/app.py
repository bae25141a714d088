"""The console: opens screens, keeps history, polls the store, and turns keys into verbs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from textual.app import App
from textual.binding import Binding
from textual.filter import Monochrome, NoColor

from console.actions import Actions
from console.keymap import read
from console.screens import NUMBERED, make
from console.screens.sheet import Sheet
from core.briefing.header import Header
from core.desk import Desk
from core.errors import TocsinError

POLL_SECONDS = 0.5
# Without any change the page is read again this often, so that its ages go on.
AGEING_POLLS = 20


class Place(NamedTuple):
    """Somewhere to go back to."""

    screen: str
    target: str


class TocsinApp(App[None]):
    """One desk, one screen at a time."""

    CSS_PATH = "tocsin.tcss"
    TITLE = "Tocsin"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [
        *(Binding(str(n), f"go('{name}')", name, show=False, id=f"go.{name}") for n, name in enumerate(NUMBERED, 1)),
        Binding("q,h,escape", "back", "back", show=False, id="back"),
        Binding("minus", "swap", "last view", show=False, id="last"),
        Binding("left_square_bracket", "step(-1)", "older view", show=False, id="history.older"),
        Binding("right_square_bracket", "step(1)", "newer view", show=False, id="history.newer"),
        Binding("colon,slash", "palette", "find", show=False, id="palette"),
        Binding("question_mark", "help", "help", show=False, id="help"),
        Binding("a", "act('ack')", "acknowledge", show=False, id="ack"),
        Binding("A", "act('ack_marked')", "acknowledge all marked", show=False, id="ack.marked"),
        Binding("z", "act('unack')", "undo the acknowledgement", show=False, id="undo"),
        Binding("n", "act('note')", "note", show=False, id="note"),
        Binding("R", "act('rollback')", "roll back", show=False, id="rollback"),
        Binding("b", "act('runbook')", "runbook", show=False, id="runbook"),
        Binding("e", "act('evidence')", "evidence", show=False, id="evidence"),
        Binding("l", "act('logs')", "log", show=False, id="logs"),
        Binding("x", "act('rerun')", "run the job again, send the message again", show=False, id="rerun"),
        Binding("X", "act('cancel')", "cancel the job", show=False, id="cancel"),
        Binding("v", "act('approve')", "approve the version", show=False, id="approve"),
        Binding("d", "compare", "compare the two that are marked", show=False, id="compare"),
        Binding("r", "act('release')", "release from quarantine", show=False, id="release"),
        Binding("c", "act('confirm')", "the queued change is still meant", show=False, id="message.confirm"),
        Binding("D", "act('drop')", "drop the queued change, or the refused file", show=False, id="message.drop"),
        Binding("y", "act('copy')", "copy", show=False, id="copy"),
        Binding("Y", "act('copy_status')", "copy a status update", show=False, id="copy.status"),
        Binding("p", "pause", "pause refresh", show=False, id="pause"),
        Binding("ctrl+l", "redraw", "redraw", show=False, id="redraw"),
        Binding("Q", "quit", "quit", show=False, id="quit"),
    ]

    def __init__(self, desk: Desk, screen: str = "", target: str = "") -> None:
        super().__init__()
        self.theme = "ansi-dark"
        # Textual picks its filter for NO_COLOR before the theme is known, and would paint red as black.
        self._filters = [NoColor() if isinstance(one, Monochrome) else one for one in self._filters]
        self.desk = desk
        self.first = Place(screen or "now", target)
        self.past: list[Place] = []
        self.at = -1
        self.paused = False
        self.broken: Exception | None = None
        self.actions = Actions(self)
        self.set_keymap(read(desk.home, {one.id for one in self.BINDINGS if isinstance(one, Binding) and one.id}))
        self._unacked: int | None = None
        self._version = desk.store.data_version()
        self._polls = 0

    def on_mount(self) -> None:
        """Paint the first screen, then begin to listen."""
        if self.first.screen != "now":
            self._remember(Place("now", ""))
        self.open(self.first.screen, self.first.target)
        self.set_interval(POLL_SECONDS, self._poll)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._on_signal(loop, number)

    def _on_signal(self, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
        try:
            loop.add_signal_handler(number, lambda: self.exit(return_code=128 + number))
        except (NotImplementedError, RuntimeError, ValueError):
            # Only the main thread of a real terminal program can listen to signals; tests run elsewhere.
            return

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback; `start` says it in two lines once the terminal is restored.
        if self.is_headless:
            super()._handle_exception(error)
            return
        self.broken = self.broken or error
        self.exit(return_code=6)

    @property
    def sheet(self) -> Sheet | None:
        """The screen below any dialogue."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Sheet)), None)

    def open(self, name: str, target: str = "", *, remember: bool = True) -> None:
        """Go to a screen. A screen that does not exist is a message, not an end."""
        try:
            sheet = make(self.desk, name, target)
        except TocsinError as error:
            self.tell(error)
            return
        if remember:
            self._remember(Place(name, target))
        if self.sheet is None:
            self.push_screen(sheet)
        else:
            self.switch_screen(sheet)

    def _remember(self, place: Place) -> None:
        if self.at >= 0 and self.past[self.at] == place:
            return
        del self.past[self.at + 1 :]
        self.past.append(place)
        self.at = len(self.past) - 1

    def _poll(self) -> None:
        """Look for commits of other processes: microseconds, no disk, no network."""
        self._polls += 1
        sheet = self.sheet
        if sheet is None or self.paused:
            return
        try:
            version = self.desk.store.data_version()
        except TocsinError as error:
            self.tell(error)
            return
        if version != self._version or self._polls % AGEING_POLLS == 0:
            self._version = version
            sheet.reload()
        elif self._polls % 2 == 0:
            sheet.tick()

    def heard(self, header: Header) -> None:
        """Ring the terminal's bell once for each new page that nobody has."""
        before, self._unacked = self._unacked, header.unacked
        if before is not None and header.unacked > before:
            self.bell()
            # The first screen shows it already.
            if self.sheet is not None and self.sheet.NAME == "now":
                return
            self.notify("a new incident is open; 1 shows the worst, 2 all of them", severity="warning", markup=False)

    def action_open(self, name: str, target: str) -> None:
        """Anything that has a screen of its own."""
        self.open(name, target)

    def action_go(self, name: str) -> None:
        """One of the numbered screens."""
        self.open(name)

    async def action_back(self) -> None:
        """To where we came from; from the first place of all, out."""
        if self.at <= 0:
            self.exit()
        else:
            self.past.pop(self.at)
            self.at -= 1
            self._there()

    def action_swap(self) -> None:
        """Between the two last views."""
        if self.at > 0:
            before = self.past[self.at - 1]
            self.open(before.screen, before.target)

    def action_step(self, by: int) -> None:
        """Along the history, either way."""
        if 0 <= self.at + by < len(self.past):
            self.at += by
            self._there()

    def _there(self) -> None:
        place = self.past[self.at]
        self.open(place.screen, place.target, remember=False)

    def action_palette(self) -> None:
        """Find any view, object or verb."""
        from console.screens.palette import Palette

        self.push_screen(Palette(self.desk), self._picked)

    def action_help(self) -> None:
        """Every key, filtered as you type; the entry chosen is run."""
        from console.screens.palette import Help

        self.push_screen(Help(self.desk), self._picked)

    def _picked(self, run: str | None) -> None:
        if run:
            self.call_later(self.run_action, run)

    async def action_act(self, name: str) -> None:
        """Do something to what the screen is about at this moment."""
        self.attempt(lambda: self.actions.do(name))

    def action_compare(self) -> None:
        """The two marked rows beside each other."""
        sheet = self.sheet
        pair = self.attempt(sheet.pair) if sheet is not None else None
        if pair is not None:
            self.open(*pair)

    def attempt(self, verb: Callable[[], Any]) -> Any:
        """Run a verb; an error is a message with its next step."""
        try:
            return verb()
        except TocsinError as error:
            self.tell(error)
            return None

    def tell(self, error: TocsinError) -> None:
        """Show an error and what to do about it."""
        self.notify(f"{error.message}\n{error.hint}".strip(), severity="error", timeout=8, markup=False)

    def action_pause(self) -> None:
        """Hold the screen still, or let it go on."""
        self.paused = not self.paused
        if self.sheet is not None:
            self.sheet.draw_bars()
            if not self.paused:
                self.sheet.reload()

    def action_redraw(self) -> None:
        """Draw everything again."""
        if self.sheet is not None:
            self.sheet.reload()
        self.refresh(layout=True)
