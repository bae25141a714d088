"""What every screen has: status line, body, key line, refresh, and a message where the terminal is too small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from console.pages.chrome import MIN_HEIGHT, MIN_WIDTH, key_line, status_line, too_small
from console.subject import Subject
from console.view import Line, line
from console.widgets.lines import Bar, Lines
from core.briefing.header import Header, header
from core.desk import Desk
from core.errors import BadInput, TocsinError

Hints = Sequence[tuple[str, str]]


class Sheet(Screen[None]):
    """A screen over one briefing. Subclasses say what they read and how it becomes lines; they decide nothing."""

    NAME: ClassVar[str] = ""
    TAIL: ClassVar[Hints] = ((":", "find"), ("?", "help"), ("q", "back"))

    class Briefed(Message):
        """A refresh is done: the briefing, or the error that stood in its way."""

        def __init__(self, found: Any) -> None:
            super().__init__()
            self.found = found

    def __init__(self, desk: Desk, target: str = "") -> None:
        super().__init__()
        self.desk = desk
        self.target = target
        self.found: Any = None
        self.top: Header | None = None

    def compose(self) -> ComposeResult:
        yield Bar(id="status")
        yield self.content()
        yield Bar(id="keys")
        yield Lines(id="small")

    def content(self) -> Widget:
        """The body; a scrolling page unless a screen has something better."""
        return Lines(id="body")

    def read(self) -> Any:
        """The briefing this screen shows, from the local store. Called in a thread when it is a refresh."""
        raise NotImplementedError

    def page(self, found: Any, width: int, height: int) -> list[Line]:
        """The body's lines for a briefing."""
        raise NotImplementedError

    def hints(self) -> Hints:
        """The keys worth showing below, most important first."""
        return ()

    def subject(self) -> Subject | None:
        """What an action would act on at this moment."""
        return None

    def pair(self) -> tuple[str, str]:
        """The screen that compares two marked rows, and its target. Raises BadInput where two are not marked."""
        raise BadInput("nothing here can be compared", "mark two snapshots of a data set or two versions of a model")

    def go(self, name: str, target: str) -> None:
        """Another screen."""
        going = getattr(self.app, "open", None)
        if going is not None:
            going(name, target)

    def on_mount(self) -> None:
        self.receive(self._attempt())
        self.query_one("#body").focus()

    def _attempt(self) -> Any:
        try:
            return self.read(), header(self.desk)
        except TocsinError as error:
            return error

    def reload(self) -> None:
        """Read again without holding up a key."""
        self.run_worker(self._in_thread, thread=True, exclusive=True, group="briefing")

    def _in_thread(self) -> None:
        self.post_message(self.Briefed(self._attempt()))

    def on_sheet_briefed(self, message: Briefed) -> None:
        """Show what a refresh has read."""
        self.receive(message.found)

    def receive(self, found: Any) -> None:
        """Take a briefing, or an error, and draw."""
        if isinstance(found, TocsinError):
            self.found = found
        else:
            self.found, self.top = found
            self._hear()
        self.draw()

    def _hear(self) -> None:
        heard = getattr(self.app, "heard", None)
        if heard is not None and self.top is not None:
            heard(self.top)

    def draw(self) -> None:
        """Draw everything from the briefing at hand, at the size at hand."""
        width, height = self.app.size
        self.set_class(width < MIN_WIDTH or height < MIN_HEIGHT, "small")
        self.query_one("#small", Lines).show(too_small(width, height))
        self.draw_bars()
        if self.found is not None:
            self.draw_body(width, max(1, height - 2))

    def draw_bars(self) -> None:
        """The status line and the key line."""
        width = self.app.size.width
        if self.top is not None:
            paused = bool(getattr(self.app, "paused", False))
            self.query_one("#status", Bar).show(status_line(self.top, width, paused=paused))
        self.query_one("#keys", Bar).show(key_line(self.hints(), width, self.TAIL))

    def draw_body(self, width: int, height: int) -> None:
        """The body's lines, or the error with its next step."""
        if isinstance(self.found, TocsinError):
            lines = [(), line(("  ● ", "bad"), (self.found.message, "bold")), line(f"    {self.found.hint}")]
        else:
            lines = self.page(self.found, width, height)
        self.query_one("#body", Lines).show(lines)

    def tick(self) -> None:
        """Once a second: the ages in the status line go on."""
        try:
            self.top = header(self.desk)
        except TocsinError:
            return
        self._hear()
        self.draw_bars()

    def on_resize(self, event: Resize) -> None:
        """Lay out again for the new size."""
        if self.is_mounted:
            self.draw()
