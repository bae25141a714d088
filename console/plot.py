"""A plot of a measure by hour with the deploys marked on it, drawn with plotext."""

from __future__ import annotations

import re

from console.view import Line, crop, line, measure, when
from core.briefing.trends import Trend
from core.clock import HOUR

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_READY: list[bool] = []


def plot(trend: Trend, marks: list[tuple[int, str]], width: int, height: int) -> list[Line]:
    """Lines of a plot, exactly `height` high, its last line the time axis; events are marked by `▼` and a word."""
    steps = trend.steps
    first, last = steps[0][0], steps[-1][0]
    xs = [(start - first) / HOUR for start, _ in steps]
    canvas = _curve(xs, trend.values, max(20, width - 10), max(3, height - 2))
    top, bottom = max(trend.values), min(trend.values)
    labels = {0: measure(top, trend.unit), len(canvas) - 1: measure(bottom, trend.unit)}
    drawn = [line((f"{labels.get(row, ''):>8} ", "dim"), (text, "info")) for row, text in enumerate(canvas)]
    room = width - 10
    return [_marks(marks, first, last, room), *drawn, _axis(first, last, room)]


def _curve(xs: list[float], ys: list[float], width: int, height: int) -> list[str]:
    import plotext as plt

    if not _READY:
        plt.terminal.limit(False, False)
        _READY.append(True)
    figure = plt.figure
    figure.clear.all()
    figure.theme("simple")
    figure.plot_size(width, height)
    figure.axes(False)
    for axis in ("x", "y"):
        figure.ruler(axis).frequency(0)
    figure.draw(figure.signal(xs, ys).lines())
    return [crop(text, width) for text in plain(figure.build().string()).splitlines()]


def plain(text: str) -> str:
    """The text without colour sequences."""
    return _COLOUR.sub("", text)


def _marks(marks: list[tuple[int, str]], first: int, last: int, width: int) -> Line:
    cells = [" "] * width
    for at, word in sorted(marks):
        place = int((at - first) / max(1, last - first) * (width - 1))
        for offset, char in enumerate(f"▼ {word}"):
            if 0 <= place + offset < width:
                cells[place + offset] = char
    return line((" " * 9 + "".join(cells).rstrip(), "warn")) if marks else ()


def _axis(first: int, last: int, width: int) -> Line:
    left, right = when(first, last), when(last, last)
    return line((" " * 9 + left + " " * max(1, width - len(left) - len(right)) + right, "dim"))
