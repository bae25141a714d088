"""Jobs: runs read by windows, however many there are, and the schedules that make them."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from core.briefing.header import Header, header
from core.briefing.training import Live, live
from core.desk import Desk
from core.errors import NotFound
from core.store import Row
from core.work import plan, rows
from core.work.beat import heartbeat
from core.work.logs import log_path, plain
from core.work.quota import Wait, held_by

COUNT = "SELECT count(*) AS n FROM run"
COUNT_MATCHING = "SELECT count(*) AS n FROM run WHERE kind || ' ' || state || ' ' || request LIKE ?"
WINDOW = "SELECT * FROM run ORDER BY id DESC LIMIT ? OFFSET ?"
WINDOW_MATCHING = """SELECT * FROM run WHERE kind || ' ' || state || ' ' || request LIKE ?
ORDER BY id DESC LIMIT ? OFFSET ?"""
ABOVE = "SELECT count(*) AS n FROM run WHERE id > ?"
ABOVE_MATCHING = "SELECT count(*) AS n FROM run WHERE id > ? AND kind || ' ' || state || ' ' || request LIKE ?"
BUSY = "SELECT id FROM run WHERE state = 'claimed' ORDER BY id LIMIT 1"
ONE = "SELECT * FROM run WHERE id = ?"
SCHEDULES = """SELECT name, kind, trigger, paused, next_us, trouble FROM schedule
ORDER BY trouble IS NULL, next_us IS NULL, next_us, name"""
TAIL_BYTES = 16_384


class JobRow(NamedTuple):
    """One run as a line: `took_us` counts to now while it runs, `subject` is the model or data set it works on.

    `waits` is why it has not started, in a few letters and in full.
    """

    id: int
    kind: str
    subject: str
    state: str
    progress: float | None
    due_us: int
    took_us: int | None
    attempt: int
    error: str
    waits: Wait = Wait()


class JobPage(NamedTuple):
    """One run in full: arguments, cost, result and the end of its log.

    `waits` is why it has not started; `cost` is in money, empty where there was no price; `live` the curves and trials
    of a training.
    """

    header: Header
    row: JobRow
    args: dict[str, Any]
    cpu_ms: int | None
    max_rss_kb: int | None
    result: dict[str, Any]
    log: tuple[str, ...]
    waits: str = ""
    cost: str = ""
    live: Live = Live()


class ScheduleRow(NamedTuple):
    """One schedule as a line; `next_us` is None where it will not run again, `trouble` why it was set aside."""

    name: str
    kind: str
    trigger: str
    paused: bool
    next_us: int | None
    trouble: str = ""


def count(desk: Desk, match: str = "") -> int:
    """How many runs there are, or how many hold the text in kind, state or request."""
    if match:
        return int(desk.store.read(COUNT_MATCHING, (f"%{match}%",))[0]["n"])
    return int(desk.store.read(COUNT)[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[JobRow]:
    """The runs from `offset` on, newest first."""
    if match:
        found = desk.store.read(WINDOW_MATCHING, (f"%{match}%", limit, offset))
    else:
        found = desk.store.read(WINDOW, (limit, offset))
    return [_row(row, desk.now_us())._replace(waits=_waits(desk, rows.Run.of(row))) for row in found]


def position(desk: Desk, run_id: int, match: str = "") -> int:
    """Where a run stands in that order: how many are newer."""
    if match:
        return int(desk.store.read(ABOVE_MATCHING, (run_id, f"%{match}%"))[0]["n"])
    return int(desk.store.read(ABOVE, (run_id,))[0]["n"])


def job(desk: Desk, run_id: int) -> JobPage:
    """One run. Raises NotFound."""
    row = desk.store.one(ONE, (run_id,))
    if row is None:
        raise NotFound(f"there is no job {run_id}", "`tocsin job list` shows them")
    run = rows.Run.of(row)
    return JobPage(
        header=header(desk),
        row=_row(row, desk.now_us()),
        args=dict(json.loads(row["args"])),
        cpu_ms=row["cpu_ms"],
        max_rss_kb=row["max_rss_kb"],
        result=dict(json.loads(row["result"]) or {}) if row["result"] else {},
        log=_tail(row["log"] or str(log_path(desk.home, run_id))),
        waits=_waits(desk, run).text,
        live=live(desk, run),
        cost="" if row["cost_micros"] is None else desk.settings.quota.amount(row["cost_micros"]),
    )


def again(desk: Desk, run_id: int) -> int:
    """Queue the same work once more; returns the new run's number. Raises NotFound."""
    found = rows.run(desk.store, run_id)
    with desk.write() as tx:
        return plan.request_run(
            tx, desk.now_us(), found.kind, found.args, f"again/{run_id}/{desk.now_us()}", limits=found.limits
        )


def schedules(desk: Desk) -> list[ScheduleRow]:
    """Every schedule: those set aside, then the next to run first."""
    return [
        ScheduleRow(row["name"], row["kind"], row["trigger"], bool(row["paused"]), row["next_us"], row["trouble"] or "")
        for row in desk.store.read(SCHEDULES)
    ]


def _waits(desk: Desk, run: rows.Run) -> Wait:
    """What keeps a run from starting: its own reason, else that no daemon takes it, or that it takes others first."""
    held = held_by(desk.store, desk.now_us(), desk.settings.quota, run)
    if run.state != "planned" or held.text:
        return held
    beat = heartbeat(desk)
    if beat.state != "ok" and beat.standby:
        return Wait("standby", "the daemon is silent: the one that stands by takes over as soon as it has ended")
    if beat.state != "ok":
        return Wait("no daemon", "no daemon runs: `tocsin daemon` starts it")
    busy = desk.store.one(BUSY)
    return Wait(f"job {busy['id']} runs", f"the daemon is busy: job {busy['id']} runs") if busy else Wait()


def _row(row: Row, now_us: int) -> JobRow:
    args = json.loads(row["args"])
    started, ended = row["started_us"], row["ended_us"]
    until = ended if ended is not None else now_us
    return JobRow(
        id=row["id"],
        kind=row["kind"],
        subject=str(args.get("model") or args.get("dataset") or ""),
        state="running" if row["state"] == "claimed" else row["state"],
        progress=row["progress"],
        due_us=row["due_us"],
        took_us=None if started is None else max(0, until - started),
        attempt=row["attempt"],
        error=row["error"] or "",
    )


def _tail(path: str) -> tuple[str, ...]:
    """The last lines of a log, without control characters; empty where there is none yet."""
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.path.getsize(path) - TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(plain(line) for line in text.splitlines())
