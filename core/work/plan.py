"""Put work into the queue: schedules that have come due, and what a person asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core import crashpoint
from core.clock import DAY, HOUR, MINUTE
from core.errors import BadInput
from core.ledger.chain import canonical
from core.store import Tx
from core.work import rows
from core.work.trigger import next_due

# More missed times than this are not made up for one by one, whatever the policy says.
CATCH_UP_CAP = 100
# A job that has crashed this often is given up.
ATTEMPTS = 3

ADD = """INSERT INTO schedule(name, kind, args, trigger, catch_up, next_us, created_us) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(name) DO UPDATE SET kind = excluded.kind, args = excluded.args, trigger = excluded.trigger,
catch_up = excluded.catch_up, next_us = excluded.next_us"""
PAUSE = "UPDATE schedule SET paused = ?, next_us = ? WHERE name = ?"
DUE = "SELECT * FROM schedule WHERE paused = 0 AND next_us <= ? ORDER BY next_us"
QUEUE = """INSERT INTO run(schedule, due_us, request, kind, args, state, next_us, max_attempts)
VALUES (?, ?, ?, ?, ?, 'planned', ?, ?) ON CONFLICT DO NOTHING"""
BY_REQUEST = "SELECT id FROM run WHERE request = ?"
ADVANCE = "UPDATE schedule SET next_us = ? WHERE id = ?"


def add_schedule(
    tx: Tx, now_us: int, name: str, kind: str, args: Mapping[str, Any], trigger: str, catch_up: str = "latest"
) -> int | None:
    """Save a schedule, or change the one of that name; returns when it is next due.

    `catch_up` says what happens to times missed while nothing ran: `all` of them, the `latest` one, or `skip`.
    """
    if catch_up not in ("all", "latest", "skip"):
        raise BadInput(f"{catch_up!r} is no catch-up policy", "choose all, latest or skip")
    due = next_due(trigger, now_us)
    tx.execute(ADD, (name, kind, canonical(args), trigger, catch_up, due, now_us))
    return due


def pause_schedule(tx: Tx, now_us: int, name: str, *, paused: bool) -> None:
    """Stop planning a schedule, or go on from now; times in between are not made up for. Raises NotFound."""
    found = rows.schedule(tx, name)
    tx.execute(PAUSE, (int(paused), next_due(found.trigger, now_us), name))


def plan_due(tx: Tx, now_us: int) -> int:
    """Queue every due run once and move each schedule on, in the caller's transaction; returns how many.

    A run is unique by schedule and due time, so planning twice, or from two daemons, queues it once.
    """
    planned = 0
    for row in tx.read(DUE, (now_us,)):
        found = rows.Schedule.of(row)
        for due in _missed(found, now_us):
            request = f"schedule/{found.name}/{due}"
            cursor = tx.execute(QUEUE, (found.id, due, request, found.kind, json.dumps(found.args), due, ATTEMPTS))
            planned += int(cursor.rowcount > 0)
        crashpoint.at("work.planned")
        tx.execute(ADVANCE, (next_due(found.trigger, now_us), found.id))
    return planned


def _missed(found: rows.Schedule, now_us: int) -> list[int]:
    """The due times from the schedule's next to now that its policy makes up for, oldest first."""
    if found.next_us is None:
        return []
    if found.catch_up == "all":
        return _walk(found.trigger, found.next_us, now_us)[:CATCH_UP_CAP]
    latest = _latest(found, now_us)
    return [] if found.catch_up == "skip" and now_us - latest > MINUTE else [latest]


def _walk(trigger: str, due: int | None, now_us: int) -> list[int]:
    times: list[int] = []
    while due is not None and due <= now_us and len(times) <= CATCH_UP_CAP:
        times.append(due)
        due = next_due(trigger, due)
    return times


def _latest(found: rows.Schedule, now_us: int) -> int:
    # Looking back from now by growing spans finds the latest due time without walking through a year of minutes.
    assert found.next_us is not None
    for back in (HOUR, DAY, 31 * DAY, 400 * DAY):
        due = next_due(found.trigger, max(found.next_us - 1, now_us - back))
        latest = None
        while due is not None and due <= now_us:
            latest, due = due, next_due(found.trigger, due)
        if latest is not None:
            return latest
    return found.next_us


def request_run(
    tx: Tx, now_us: int, kind: str, args: Mapping[str, Any], request: str, *, attempts: int = ATTEMPTS
) -> int:
    """Queue a run that a person or another verb asks for, once for each request id; returns its number."""
    tx.execute(QUEUE, (None, now_us, request, kind, canonical(args), now_us, attempts))
    row = tx.one(BY_REQUEST, (request,))
    if row is None:
        raise BadInput(f"the request {request!r} was not queued", "use another request id")
    return int(row["id"])
