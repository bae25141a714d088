"""One line of text, asked for in a box."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from console.view import line
from console.widgets.lines import Bar


class NoteBox(ModalScreen[str]):
    """Gives the text back, empty where it was left with escape."""

    BINDINGS = [Binding("escape", "cancel", "cancel", show=False, id="note.cancel")]

    def __init__(self, title: str, about: str = "what you saw or did") -> None:
        super().__init__()
        self.asked = title
        self.about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Bar(id="title")
            yield Input(placeholder=self.about, id="text")
            yield Bar(id="hint")

    def on_mount(self) -> None:
        """Begin to type at once."""
        self.query_one("#title", Bar).show(line((self.asked, "bold")))
        self.query_one("#hint", Bar).show(line(("enter", "key"), " write it down   ", ("esc", "key"), " leave"))
        self.query_one(Input).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Done."""
        self.dismiss(message.value.strip())

    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss("")
