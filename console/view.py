"""Pure text for screens: spans with a style name, lines that fit a width, ages, times and sparklines. No terminal."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from core.clock import DAY, SECOND, span

# A span is a text and a style's name: "", dim, bold, head, bad, warn, good, info, key, alarm, chip or cursor.
# Style names carry colour only; every state is said by a glyph and a word as well.
Span = tuple[str, str]
Line = tuple[Span, ...]

BARS = "▁▂▃▄▅▆▇█"


def line(*parts: str | Span) -> Line:
    """A line of spans; a bare text has no style, empty ones are left out."""
    spans = ((part, "") if isinstance(part, str) else part for part in parts)
    return tuple((clean(text), style) for text, style in spans if text)


def text_of(spans: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, _ in spans)


def clean(text: str) -> str:
    """Text that cannot steer a terminal: control characters and line breaks become spaces."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def cells(text: str) -> int:
    """How many terminal cells a text takes: wide East Asian characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


@lru_cache(maxsize=1024)
def _cell(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def crop(text: str, width: int) -> str:
    """At most `width` cells; what is cut is marked by an ellipsis."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    kept, used = "", 0
    for char in text:
        used += _cell(char)
        if used > width - 1:
            break
        kept += char
    return kept + "…"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` cells, cropped or filled."""
    text = crop(text, width)
    fill = " " * (width - cells(text))
    return fill + text if right else text + fill


def fit(spans: Line, width: int) -> Line:
    """A line of at most `width` cells, its styles kept."""
    fitted: list[Span] = []
    left = width
    for index, (text, style) in enumerate(spans):
        rest = sum(cells(later) for later, _ in spans[index + 1 :])
        if cells(text) + (1 if rest else 0) > left:
            return (*fitted, (crop(text + "…" if rest else text, left), style))
        fitted.append((text, style))
        left -= cells(text)
    return tuple(fitted)


def spread(left: Line, right: Line, width: int) -> Line:
    """Two lines in one: `right` flush with the right edge; it is what stays where there is no room for both."""
    needed = cells(text_of(right))
    kept = fit(left, max(0, width - needed - 1))
    gap = width - needed - cells(text_of(kept))
    return (*kept, (" " * max(gap, 0), ""), *right)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at spaces; an empty text is one empty line."""
    lines, current = [], ""
    for word in clean(text).split():
        if current and cells(current) + 1 + cells(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return [*lines, current]


def columns(values: Sequence[str], widths: Sequence[int], *, right: Iterable[int] = ()) -> str:
    """Cells of fixed widths with two spaces between; those numbered in `right` are flush right."""
    flush = set(right)
    return "  ".join(
        pad(clean(value), width, right=index in flush)
        for index, (value, width) in enumerate(zip(values, widths, strict=True))
    )


def spark(values: Sequence[float], width: int, *, low: float | None = None, high: float | None = None) -> str:
    """A sparkline of the newest `width` values; flat where they are all equal, empty where there are none."""
    shown = list(values)[-width:]
    if not shown:
        return ""
    bottom = min(shown) if low is None else low
    top = max(shown) if high is None else high
    if top <= bottom:
        return BARS[0] * len(shown)
    steps = (int((min(max(v, bottom), top) - bottom) / (top - bottom) * (len(BARS) - 1) + 0.5) for v in shown)
    return "".join(BARS[step] for step in steps)


def squeeze(values: Sequence[float], width: int) -> list[float]:
    """At most `width` values: neighbours are averaged, so that a long history fits a short sparkline."""
    if len(values) <= width or width <= 0:
        return list(values)
    edges = [index * len(values) // width for index in range(width + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def meter(share: float, width: int) -> str:
    """A bar of `width` cells filled to a share from 0 to 1."""
    full = int(min(max(share, 0.0), 1.0) * width + 0.5)
    return "█" * full + "░" * (width - full)


def clock(at_us: int) -> str:
    """Hours and minutes, UTC."""
    return time.strftime("%H:%M", time.gmtime(at_us // SECOND))


def when(at_us: int, now_us: int) -> str:
    """The time, with its date where it is not today's: `02:58`, `04-14 02:58`, `2013-04-14`."""
    then, now = time.gmtime(at_us // SECOND), time.gmtime(now_us // SECOND)
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    if abs(now_us - at_us) < 300 * DAY:
        return time.strftime("%m-%d %H:%M", then)
    return time.strftime("%Y-%m-%d", then)


def ago(at_us: int, now_us: int) -> str:
    """A span to now, as `6m`."""
    return span(max(0, now_us - at_us))


def share(value: float) -> str:
    """A share as percent, with as many digits as it takes to be more than zero: `3.1%`, `0.02%`, `82%`."""
    percent = value * 100
    if 0 < percent < 0.005:
        return "<0.01%"
    if percent and abs(percent) < 0.1:
        return f"{percent:.2f}%"
    return f"{percent:.1f}%" if abs(percent) < 10 else f"{percent:.0f}%"


def measure(value: float, unit: str) -> str:
    """A value in its unit: auc `.527`, ms `12 ms`, share `3.1%`, count `1,204`."""
    if unit == "auc":
        return f"{value:.3f}".lstrip("0") if value < 1 else "1.00"
    if unit == "ms":
        return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    return share(value) if unit == "share" else f"{value:,.0f}"
