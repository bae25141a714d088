"""The dialogue before anything that changes production: Cancel has the focus and only `y` confirms."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Event, Key
from textual.screen import ModalScreen
from textual.widgets import Button

from console.view import Line, line, pad
from console.widgets.lines import Bar, Lines

# Keys typed before a person can have read the question are meant for the screen below it.
DEAF_SECONDS = 0.3
# Lines of the dialogue that are not the question: its border, the keys and the button.
FRAME = 6


class Danger(ModalScreen[bool]):
    """Asks; True only for `y`. Subclasses say what is asked."""

    BINDINGS = [
        Binding("y", "confirm", "confirm", show=False, id="danger.confirm"),
        Binding("d", "dry", "dry run", show=False, id="danger.dry"),
        Binding("n,q,h,escape", "cancel", "cancel", show=False, id="danger.cancel"),
        Binding("j,down", "scroll(1)", "down", show=False, id="danger.down"),
        Binding("k,up", "scroll(-1)", "up", show=False, id="danger.up"),
    ]

    def __init__(self, verb: str) -> None:
        super().__init__()
        self.verb = verb
        self.now: Callable[[], float] = time.monotonic
        self.opened = self.now()
        self.dry = False

    def question(self, dry: bool) -> list[Line]:
        """What is asked; with `dry` also what would happen step by step."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(classes="box danger"):
            yield Lines(id="said")
            yield Bar(id="choice")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """Focus Cancel: Enter never changes anything."""
        self.opened = self.now()
        self._draw()
        self.query_one("#cancel", Button).focus()

    def _draw(self) -> None:
        keys = line("  ", ("y", "key"), f" {self.verb}   ", ("d", "key"), " dry run   ", ("n", "key"), " cancel")
        said = self.question(self.dry)
        page = self.query_one("#said", Lines)
        # On a small terminal the question scrolls; what answers it is always in sight.
        page.styles.height = max(1, min(len(said), self.app.size.height - FRAME))
        page.can_focus = False
        page.show(said)
        self.query_one("#choice", Bar).show(keys)

    async def on_event(self, event: Event) -> None:
        """Drop what was typed before the question could be read."""
        if isinstance(event, Key) and self.now() - self.opened < DEAF_SECONDS:
            event.stop()
            event.prevent_default()
            return
        await super().on_event(event)

    def action_confirm(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_cancel(self) -> None:
        """No."""
        self.dismiss(False)

    def action_dry(self) -> None:
        """Show what would be done, and do nothing."""
        self.dry = not self.dry
        self._draw()

    def action_scroll(self, by: int) -> None:
        """Along a question longer than the terminal."""
        self.query_one("#said", Lines).scroll_relative(y=by, animate=False)

    def on_resize(self) -> None:
        """Fit the new size."""
        if self.is_mounted:
            self._draw()

    def on_button_pressed(self) -> None:
        """Cancel is the only button."""
        self.dismiss(False)


def facts(*named: tuple[str, str]) -> list[Line]:
    """Names and values, one a line; where it comes from and goes to stands out."""
    return [
        line((f"  {pad(name, 13)}", "dim"), (value, "bold" if name in ("from", "to") else "")) for name, value in named
    ]
