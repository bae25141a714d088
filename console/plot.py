"""Plots drawn with plotext: a measure by hour with the deploys marked on it, curves of a training, histograms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

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
    canvas = curves([list(zip(xs, trend.values, strict=True))], max(20, width - 10), max(3, height - 2))
    top, bottom = max(trend.values), min(trend.values)
    labels = {0: measure(top, trend.unit), len(canvas) - 1: measure(bottom, trend.unit)}
    drawn = [line((f"{labels.get(row, ''):>8} ", "dim"), (text, "info")) for row, text in enumerate(canvas)]
    room = width - 10
    return [_marks(marks, first, last, room), *drawn, _axis(first, last, room)]


def _figure(width: int, height: int) -> Any:
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
    return figure


def bars(counts: Sequence[float], width: int, height: int) -> list[str]:
    """Counts as filled columns over one another's whole width, exactly `height` high; the highest fills it."""
    steps = max(2, min(width, len(counts) * 8))
    spread = [float(counts[step * len(counts) // steps]) for step in range(steps)]
    figure = _figure(max(10, width), max(3, height))
    figure.ruler("y").lim(0, max(*spread, 1.0))
    figure.draw(figure.signal(list(range(steps)), spread).lines().fillx())
    return [crop(text, width) for text in plain(figure.build().string()).splitlines()]


def curves(lines: Sequence[Sequence[tuple[float, float]]], width: int, height: int) -> list[str]:
    """Several curves over one pair of axes, exactly `height` high."""
    figure = _figure(max(10, width), max(3, height))
    for steps in lines:
        figure.draw(figure.signal([x for x, _ in steps], [y for _, y in steps]).lines())
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
