"""The rows of searches and their trials: a trial is written when it has ended, and never again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.store import Row, Store
from core.tuning.budget import Used

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"

ONE = "SELECT * FROM search WHERE run = ?"
ALL = "SELECT * FROM search ORDER BY run DESC LIMIT ?"
TRIALS = "SELECT * FROM search_trial WHERE run = ? ORDER BY number"
BEGIN = "INSERT INTO search(run, spec, created_us) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
ADD = """INSERT INTO search_trial(run, number, params, state, value, points, error, cpu_ms, wall_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
END = "UPDATE search SET stopped = ?, importance = ? WHERE run = ?"


@dataclass(frozen=True)
class Trial:
    """One trial as it ended: `points` are its values by round, `value` the last or best of them, None if it failed."""

    number: int
    params: dict[str, int | float]
    state: str
    value: float | None
    points: dict[int, float]
    error: str | None
    cpu_ms: int
    wall_ms: int

    @classmethod
    def of(cls, row: Row) -> Trial:
        """The trial of a row."""
        points = {int(step): value for step, value in json.loads(row["points"]).items()}
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name not in ("params", "points")}
        return cls(params=json.loads(row["params"]), points=points, **plain)


@dataclass(frozen=True)
class Search:
    """What a run searches: `spec` has the model, snapshot, metric, `more` (is better), space, folds, rounds and seed.

    `stopped` tells why it ended, None while it has not; `importance` the share of each parameter, empty until then.
    """

    run: int
    spec: dict[str, Any]
    stopped: str | None
    importance: dict[str, float]
    created_us: int

    @classmethod
    def of(cls, row: Row) -> Search:
        """The search of a row."""
        spec, importance = json.loads(row["spec"]), json.loads(row["importance"])
        return cls(row["run"], spec, row["stopped"], importance, row["created_us"])


def searches(store: Store, limit: int = 50) -> list[Search]:
    """The newest searches, newest first."""
    return [Search.of(row) for row in store.read(ALL, (limit,))]


def known(store: Store, run: int) -> Search | None:
    """The search of a run, None where it has not begun."""
    row = store.one(ONE, (run,))
    return Search.of(row) if row else None


def search(store: Store, run: int) -> Search:
    """The search of a run. Raises NotFound."""
    found = known(store, run)
    if found is None:
        raise NotFound(f"job {run} has searched nothing", "`tocsin search list` shows the searches")
    return found


def trials(store: Store, run: int) -> list[Trial]:
    """A search's trials in their order."""
    return [Trial.of(row) for row in store.read(TRIALS, (run,))]


def begin(desk: Desk, run: int, spec: Mapping[str, Any]) -> Search:
    """Keep what a run searches, or go on with what it did. Raises BadInput where that was something else."""
    with desk.write() as tx:
        tx.execute(BEGIN, (run, json.dumps(spec, sort_keys=True), desk.now_us()))
    found = search(desk.store, run)
    if found.spec != json.loads(json.dumps(spec)):
        raise BadInput(f"job {run} has searched something else", "start a new search")
    return found


def add(desk: Desk, run: int, trial: Trial) -> None:
    """Keep a trial that has ended."""
    values = (json.dumps(trial.params, sort_keys=True), trial.state, trial.value, json.dumps(trial.points), trial.error)
    with desk.write() as tx:
        tx.execute(ADD, (run, trial.number, *values, trial.cpu_ms, trial.wall_ms))


def end(desk: Desk, found: Search, stopped: str, importance: Mapping[str, float], best: Trial, tried: int) -> None:
    """Keep why a search ended, once, with its event."""
    if found.stopped:
        return
    told = {"job": found.run, "metric": found.spec["metric"], "trials": tried, "best": best.number}
    with desk.write() as tx:
        tx.execute(END, (stopped, json.dumps(importance), found.run))
        desk.record(tx, "model.searched", model=found.spec["model"], data={**told, "value": best.value})


def best_of(found: Sequence[Trial], *, more: bool) -> Trial | None:
    """The best trial that was not cut short, the first of equals; None where there is none."""
    whole = [trial for trial in found if trial.state == COMPLETE and trial.value is not None]
    return min(whole, key=lambda one: (-one.value if more else one.value, one.number), default=None)  # type: ignore[operator]


def curve(found: Sequence[Trial], *, more: bool) -> list[tuple[int, float]]:
    """The best value so far after each trial from the first complete one on: (number, value)."""
    line: list[tuple[int, float]] = []
    for trial in found:
        best = line[-1][1] if line else None
        if trial.state == COMPLETE and trial.value is not None:
            best = trial.value if best is None else (max if more else min)(best, trial.value)
        if best is not None:
            line.append((trial.number, best))
    return line


def used(found: Sequence[Trial]) -> Used:
    """What trials have used together."""
    return Used(len(found), sum(one.wall_ms for one in found), sum(one.cpu_ms for one in found))
