"""A training or a search while it runs: its curves, how long it will still take, and its trials."""

from __future__ import annotations

from typing import NamedTuple

from core.briefing.searches import search
from core.desk import Desk
from core.tuning.rows import Trial, known
from core.work import points, rows

KINDS = ("train", "search", "reproduce")


class Curve(NamedTuple):
    """The values of one name by step (a round, a trial)."""

    name: str
    steps: tuple[tuple[int, float], ...]


class Live(NamedTuple):
    """What a training tells while it runs and after, trials the newest first.

    `left_us` is None where that cannot be said; `asked_to_stop` that it was cancelled and has not ended.
    """

    curves: tuple[Curve, ...] = ()
    trials: tuple[Trial, ...] = ()
    left_us: int | None = None
    asked_to_stop: bool = False


def live(desk: Desk, run: rows.Run) -> Live:
    """The curves and trials of a run; empty for work of another kind, but for the time left."""
    left, asked = run.left_us(desk.now_us()), run.cancel and not run.ended
    if run.kind not in KINDS:
        return Live(left_us=left, asked_to_stop=asked)
    curves = tuple(Curve(name, tuple(steps)) for name, steps in points.series(desk.store, run.id).items())
    if known(desk.store, run.id) is None:
        return Live(curves, (), left, asked)
    found = search(desk, run.id)
    best = Curve(f"best {found.row.metric}", found.curve)
    return Live((best, *curves) if found.curve else curves, found.trials[::-1], found.left_us, asked)
