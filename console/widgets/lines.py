"""A page of lines that scrolls, and a bar of one line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from console.view import Line
from console.widgets.paint import strip_of


class Lines(ScrollView, can_focus=True):
    """Shows lines as they are given; longer pages scroll, and stay where they are while they are refreshed."""

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
