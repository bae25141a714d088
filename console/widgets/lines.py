"""A page of lines that scrolls, and a bar of one line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from console.view import Line
from console.widgets.paint import strip_of


class Lines(ScrollView, can_focus=True):
    """Shows lines as they are given; longer pages scroll, and stay where they are while they are refreshed."""

    BINDINGS = [
        Binding("j,down", "scroll_down", "down", show=False, id="page.down"),
        Binding("k,up", "scroll_up", "up", show=False, id="page.up"),
        Binding("g,home", "scroll_home", "top", show=False, id="page.top"),
        Binding("G,end", "scroll_end", "bottom", show=False, id="page.bottom"),
        Binding("space,pagedown,ctrl+d", "page_down", "page down", show=False, id="page.pagedown"),
        Binding("pageup,ctrl+u", "page_up", "page up", show=False, id="page.pageup"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the page; nothing is drawn where nothing changed."""
        if lines == self.lines:
            return
        self.lines = lines
        self.virtual_size = Size(self.scrollable_content_region.width, len(lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        spans = self.lines[index] if index < len(self.lines) else ()
        return strip_of(spans, self.size.width)


class Bar(Widget):
    """One line across the screen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.spans: Line = ()

    def show(self, spans: Line) -> None:
        """Replace the line."""
        if spans != self.spans:
            self.spans = spans
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return strip_of(self.spans if y == 0 else (), self.size.width)
