"""Searches: one line each, and one in full while it runs or after: its trials, the best so far, what matters."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.briefing.header import Header, header
from core.desk import Desk
from core.tuning import rows
from core.tuning.rows import Search, Trial
from core.work.rows import Run, run

MS = 1000


class SearchRow(NamedTuple):
    """One search as a line; `value` is the best so far, None before the first complete trial."""

    job: int
    model: str
    dataset: str
    state: str
    metric: str
    trials: int
    most: int
    best: int | None
    value: float | None
    stopped: str


class SearchPage(NamedTuple):
    """One search in full: its trials in order, the best value after each (number, value), and the parameters' shares.

    `left_us` is how long its trials will still take at their pace until now, None where nothing is under way or ended.
    `params` are those of the best trial, `space` where each was looked for.
    """

    header: Header
    row: SearchRow
    more: bool
    trials: tuple[Trial, ...]
    curve: tuple[tuple[int, float], ...]
    params: dict[str, int | float]
    importance: dict[str, float]
    space: dict[str, Any]
    snapshot: str
    left_us: int | None


def searches(desk: Desk, limit: int = 50) -> list[SearchRow]:
    """The newest searches, newest first."""
    return [
        _row(found, run(desk.store, found.run), rows.trials(desk.store, found.run))
        for found in rows.searches(desk.store, limit)
    ]


def search(desk: Desk, job: int) -> SearchPage:
    """One search. Raises NotFound."""
    found, trials = rows.search(desk.store, job), rows.trials(desk.store, job)
    work, more = run(desk.store, job), bool(found.spec["more"])
    best = rows.best_of(trials, more=more)
    return SearchPage(
        header=header(desk),
        row=_row(found, work, trials),
        more=more,
        trials=tuple(trials),
        curve=tuple(rows.curve(trials, more=more)),
        params={} if best is None else best.params,
        importance=found.importance,
        space=found.spec["space"],
        snapshot=found.spec["snapshot"],
        left_us=_left_us(desk, work, trials),
    )


def _left_us(desk: Desk, work: Run, trials: list[Trial]) -> int | None:
    """At the trials' own pace, for a search that went on began with a part done; a nearer limit shortens it."""
    if work.state != "claimed" or not trials:
        return None
    from core.tuning.budget import Budget

    budget, used = Budget.of(work.args, desk.settings.quota), rows.used(trials)
    share = budget.share(used)
    return round(MS * used.wall_ms * (1 - share) / share)


def _row(found: Search, work: Run, trials: list[Trial]) -> SearchRow:
    spec = found.spec
    best = rows.best_of(trials, more=spec["more"])
    return SearchRow(
        job=found.run,
        model=spec["model"],
        dataset=spec["dataset"],
        state="running" if work.state == "claimed" else work.state,
        metric=spec["metric"],
        trials=len(trials),
        most=spec["trials"],
        best=None if best is None else best.number,
        value=None if best is None else best.value,
        stopped=found.stopped or work.error or "",
    )
