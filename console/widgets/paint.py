"""Turn lines of spans into what Textual draws; the only place where a style's name becomes a colour."""

from __future__ import annotations

from functools import cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.view import Line

# The terminal's own sixteen colours: they suit a light and a dark background and stay readable without any colour.
_STYLES = {
    "": "",
    "dim": "dim",
    "bold": "bold",
    "head": "bold cyan",
    "bad": "bold red",
    "warn": "yellow",
    "good": "green",
    "info": "cyan",
    "key": "bold yellow",
    "alarm": "bold white on red",
    "chip": "reverse",
    "cursor": "reverse",
}


@cache
def style_of(name: str) -> Style:
    """The style of a name; an unknown name is plain."""
    return Style.parse(_STYLES.get(name, ""))


def strip_of(spans: Line, width: int, base: str = "") -> Strip:
    """A strip of exactly `width` cells."""
    ground = style_of(base)
    segments = [Segment(text, ground + style_of(style)) for text, style in spans]
    return Strip(segments).adjust_cell_length(width, ground)
