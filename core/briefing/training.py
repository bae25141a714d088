"""A training or a search while it runs: its curves, how long it will still take, and its trials."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from core.desk import Desk
from core.work import points, rows

KINDS = ("train", "search", "reproduce")
KNOWN = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'search_trial'"
TRIALS = """SELECT number, params, state, value, error, wall_ms FROM search_trial WHERE run = ?
ORDER BY number DESC LIMIT 500"""


class TrialRow(NamedTuple):
    """One trial of a search as it ended: complete, pruned or failed; `value` is None where it failed."""

    number: int
    params: dict[str, Any]
    state: str
    value: float | None
    error: str
    wall_ms: int


class Curve(NamedTuple):
    """The values of one name by step (a round, a trial)."""

    name: str
    steps: tuple[tuple[int, float], ...]


class Live(NamedTuple):
    """What a training tells while it runs and after; `left_us` is None where that cannot be said.

    `asked_to_stop` says that somebody has cancelled it and it has not ended yet.
    """

    curves: tuple[Curve, ...] = ()
    trials: tuple[TrialRow, ...] = ()
    left_us: int | None = None
    asked_to_stop: bool = False


def live(desk: Desk, run: rows.Run) -> Live:
    """The curves and trials of a run; empty for work of another kind, but for the time left."""
    left, asked = run.left_us(desk.now_us()), run.cancel and not run.ended
    if run.kind not in KINDS:
        return Live(left_us=left, asked_to_stop=asked)
    curves = tuple(Curve(name, tuple(steps)) for name, steps in points.series(desk.store, run.id).items())
    return Live(curves, trials(desk, run.id), left, asked)


def trials(desk: Desk, run_id: int) -> tuple[TrialRow, ...]:
    """The newest trials of a search, newest first; none where it is no search."""
    if desk.store.one(KNOWN) is None:
        return ()
    found = desk.store.read(TRIALS, (run_id,))
    return tuple(
        TrialRow(r["number"], json.loads(r["params"]), r["state"], r["value"], r["error"] or "", r["wall_ms"])
        for r in found
    )
