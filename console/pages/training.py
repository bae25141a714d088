"""A training or a search as text: its curves, its trials, how long it will still take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from console.pages.layout import heading
from console.view import Line, columns, line, pad, spark, squeeze
from core.briefing.training import Curve, Live
from core.clock import SECOND, span
from core.tuning.rows import Trial

# Draws curves over one pair of axes at a width and height: given by the screen, because plots need a library.
Curves = Callable[[Sequence[Sequence[tuple[int, float]]], int, int], list[str]]
WIDTHS = (6, 9, 10, 7)
TITLES = ("trial", "state", "value", "took")
GLYPHS = {"complete": ("✓", "good"), "pruned": ("·", "dim"), "failed": ("●", "bad")}
MOST_TRIALS = 12


def left_text(live: Live, state: str) -> str:
    """How long it will still take, as far as that can be said."""
    if live.asked_to_stop:
        return "asked to stop; it ends at its next heartbeat"
    if state != "running":
        return ""
    return f"about {span(live.left_us)} left" if live.left_us is not None else "too early to say how long"


def curve_lines(live: Live, width: int, height: int, curves: Curves) -> list[Line]:
    """The curve that says most drawn large, the others as sparklines; empty before the first point.

    That is the one with most points, of two alike not the one on the rows that are fitted on.
    """
    told = sorted(
        (one for one in live.curves if one.steps), key=lambda one: (-len(one.steps), one.name.endswith(".fit"))
    )
    if not told:
        return []
    first = told[0]
    if len(first.steps) < 3:
        return [heading("CURVES"), *(_sparkled(one, width) for one in told), ()]
    values = [value for _, value in first.steps]
    canvas = curves([first.steps], max(20, width - 12), max(4, height))
    labels = {0: f"{max(values):.4g}", len(canvas) - 1: f"{min(values):.4g}"}
    drawn = [line((f"{labels.get(at, ''):>9} ", "dim"), (text, "info")) for at, text in enumerate(canvas)]
    start, end = first.steps[0][0], first.steps[-1][0]
    axis = f"{start}" + " " * max(1, width - 12 - len(f"{start}{end}")) + f"{end}"
    lines = [heading(first.name.upper(), f"step {end}, now {values[-1]:.4g}"), *drawn, line((" " * 10 + axis, "dim"))]
    return [*lines, *(_sparkled(one, width) for one in told[1:]), ()]


def _sparkled(one: Curve, width: int) -> Line:
    values = [value for _, value in one.steps]
    drawn = spark(squeeze(values, width - 40), max(8, width - 40))
    return line((f"  {pad(one.name, 18)} ", "dim"), (drawn, "info"), f" {values[-1]:.4g}")


def trial_lines(trials: Sequence[Trial], width: int) -> list[Line]:
    """The newest trials of a search; empty where it is none."""
    if not trials:
        return []
    done = [one for one in trials if one.state == "complete" and one.value is not None]
    note = f"{len(trials)} so far, {len(done)} complete"
    lines = [heading("TRIALS", note), line((f"  {columns(TITLES, WIDTHS, right=(2, 3))}  parameters", "dim"))]
    return [*lines, *(_trial(one) for one in trials[:MOST_TRIALS]), ()]


def _trial(one: Trial) -> Line:
    glyph, style = GLYPHS.get(one.state, ("·", ""))
    value = f"{one.value:.5g}" if one.value is not None else "-"
    took = span(one.wall_ms * SECOND // 1000)
    said = one.error or "  ".join(f"{name} {_short(each)}" for name, each in one.params.items())
    state = (pad(f"{glyph} {one.state}", 11), style)
    rest = columns((value, took), WIDTHS[2:], right=(0, 1))
    return line(f"  {pad(str(one.number), WIDTHS[0])}  ", state, f"{rest}  ", (said, "dim"))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
