"""Put work into the queue: schedules that have come due, and what a person asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from core import crashpoint
from core.clock import DAY, HOUR, MINUTE
from core.errors import BadInput, TocsinError
from core.ledger.chain import canonical
from core.store import Row, Tx
from core.work import rows
from core.work.claim import cancel
from core.work.trigger import follows, next_due

# More missed times than this are not made up for one by one, whatever the policy says.
CATCH_UP_CAP = 100
# So many schedules are planned in one transaction; then other writers have their turn.
MOST = 500
CATCH_UP = ("all", "latest", "skip")
OVERLAP = ("queue", "skip", "cancel")
# A job that has crashed this often is given up.
ATTEMPTS = 3

ADD = """INSERT INTO schedule(name, kind, args, trigger, catch_up, overlap, limits, next_us, created_us, asked_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET kind = excluded.kind, args = excluded.args,
trigger = excluded.trigger, catch_up = excluded.catch_up, overlap = excluded.overlap, limits = excluded.limits,
next_us = excluded.next_us, asked_by = excluded.asked_by, paused = CASE WHEN trouble IS NULL THEN paused ELSE 0 END,
trouble = NULL"""
PAUSE = "UPDATE schedule SET paused = ?, next_us = ?, trouble = NULL WHERE name = ?"
SET_ASIDE = "UPDATE schedule SET paused = 1, trouble = ? WHERE id = ? AND paused = 0"
DUE = "SELECT * FROM schedule WHERE paused = 0 AND next_us <= ? ORDER BY next_us LIMIT ?"
ENDING = "SELECT * FROM schedule WHERE paused = 0 AND next_us <= ? AND overlap = 'cancel'"
QUEUE = """INSERT INTO run(schedule, due_us, request, kind, args, limits, state, next_us, max_attempts, asked_by)
VALUES (?, ?, ?, ?, ?, ?, 'planned', ?, ?, ?) ON CONFLICT DO NOTHING"""
BY_REQUEST = "SELECT id FROM run WHERE request = ?"
ADVANCE = "UPDATE schedule SET next_us = ?, skipped = skipped + ? WHERE id = ?"
OPEN = "SELECT * FROM run WHERE schedule = ? AND state IN ('planned','claimed') ORDER BY id"
FOLLOWERS = "SELECT * FROM schedule WHERE trigger = 'after ' || (SELECT name FROM schedule WHERE id = ?) AND paused = 0"
NEED = "INSERT INTO need(run, needs) VALUES (?, ?) ON CONFLICT DO NOTHING"

T = TypeVar("T")


class Broken(NamedTuple):
    """A schedule that was set aside because planning it raised, and what it raised."""

    name: str
    reason: str


class Planned(NamedTuple):
    """What one planning did: how many runs it queued, and the schedules it set aside."""

    runs: int
    broken: list[Broken]


def add_schedule(
    tx: Tx,
    now_us: int,
    name: str,
    kind: str,
    args: Mapping[str, Any],
    trigger: str,
    catch_up: str = "latest",
    *,
    overlap: str = "queue",
    limits: Mapping[str, int] | None = None,
) -> int | None:
    """Save a schedule, or change the one of that name; returns when it is next due, None for `after NAME`.

    `catch_up` says what happens to times missed while nothing ran: `all` of them, the `latest` one, or `skip`.
    `overlap` says what happens where an earlier run has not ended: the new one waits in the `queue`, the new one is
    left out (`skip`), or the earlier one is ended (`cancel`). Raises BadInput for a policy or trigger that means
    nothing and for schedules that follow each other in a circle, NotFound for `after` a schedule there is not.
    """
    if catch_up not in CATCH_UP:
        raise BadInput(f"{catch_up!r} is no catch-up policy", f"choose {', '.join(CATCH_UP)}")
    if overlap not in OVERLAP:
        raise BadInput(f"{overlap!r} is no overlap policy", f"choose {', '.join(OVERLAP)}")
    due, before = next_due(trigger, now_us), follows(trigger)
    if before is not None:
        trigger = f"after {before}"
        _require_no_circle(tx, name, before)
    limited = canonical(limits or {})
    tx.execute(ADD, (name, kind, canonical(args), trigger, catch_up, overlap, limited, due, now_us, tx.actor))
    return due


def _require_no_circle(tx: Tx, name: str, before: str | None) -> None:
    while before is not None:
        if before == name:
            raise BadInput(f"{name!r} would wait for itself", "let the first of them run by a time")
        before = follows(rows.schedule(tx, before).trigger)


def pause_schedule(tx: Tx, now_us: int, name: str, *, paused: bool) -> None:
    """Stop planning a schedule, or go on from now; times in between are not made up for.

    Raises NotFound, and BadInput for going on with one whose trigger means nothing.
    """
    found = rows.schedule(tx, name)
    tx.execute(PAUSE, (int(paused), found.next_us if paused else next_due(found.trigger, now_us), name))


def plan_due(tx: Tx, now_us: int, *, most: int = MOST) -> Planned:
    """Queue every due run of `most` schedules once and move each on, in the caller's transaction.

    A run is unique by schedule and due time, so planning twice, or from two daemons, queues it once. A schedule that
    nobody can read keeps none of the others: it is set aside, paused, with its reason.
    """
    planned, broken = 0, []
    for row in tx.read(DUE, (now_us, most)):
        times = attempt(tx, row, lambda found: (found, *_missed(found, now_us)))
        if isinstance(times, Broken):
            broken.append(times)
            continue
        found, missed, following = times
        taken = _room(tx, found, missed)
        for due in taken:
            planned += _queue(tx, found, due, due, f"schedule/{found.name}/{due}") is not None
        crashpoint.at("work.planned")
        tx.execute(ADVANCE, (following, len(missed) - len(taken), found.id))
    return Planned(planned, broken)


def attempt(tx: Tx, row: Row, work: Callable[[rows.Schedule], T]) -> T | Broken:
    """What `work`, which asks no store, makes of a schedule; whatever it raises is that schedule's fault alone.

    Then the schedule is set aside: paused, with its reason, until a person saves it anew.
    """
    try:
        return work(rows.Schedule.of(row))
    except TocsinError as error:
        broken = Broken(row["name"], error.message)
    except Exception as error:  # noqa: BLE001 - one schedule nobody can read must not keep all others from running
        broken = Broken(row["name"], f"{type(error).__name__}: {error}")
    tx.execute(SET_ASIDE, (broken.reason, row["id"]))
    return broken


def give_way(tx: Tx, now_us: int) -> tuple[list[rows.Run], list[Broken]]:
    """Before planning: ask the runs to stop whose schedule is due again and ends the earlier one; returns them.

    With them come the schedules that were set aside for it.
    """
    stopped: list[rows.Run] = []
    broken: list[Broken] = []
    for row in tx.read(ENDING, (now_us,)):
        missed = attempt(tx, row, lambda found: _missed(found, now_us)[0])
        if isinstance(missed, Broken):
            broken.append(missed)
        elif missed:
            stopped += _stop_open(tx, now_us, row["id"])
    return stopped, broken


def follow(tx: Tx, now_us: int, done: rows.Run) -> list[rows.Run]:
    """Queue what is scheduled `after` the schedule of a run that has succeeded, once for each such run.

    Returns the earlier runs that were asked to stop for it.
    """
    stopped: list[rows.Run] = []
    for row in tx.read(FOLLOWERS, (done.schedule,)):
        found = rows.Schedule.of(row)
        if found.overlap == "cancel":
            stopped += _stop_open(tx, now_us, found.id)
        taken = _room(tx, found, [done.due_us])
        for due in taken:
            number = _queue(tx, found, due, now_us, f"after/{found.name}/{done.id}")
            if number is not None:
                tx.execute(NEED, (number, done.id))
        tx.execute(ADVANCE, (None, 1 - len(taken), found.id))
    return stopped


def _queue(tx: Tx, found: rows.Schedule, due_us: int, next_us: int, request: str) -> int | None:
    what = (request, found.kind, canonical(found.args), canonical(found.limits))
    cursor = tx.execute(QUEUE, (found.id, due_us, *what, next_us, ATTEMPTS, found.asked_by))
    return int(cursor.lastrowid) if cursor.rowcount > 0 else None


def _room(tx: Tx, found: rows.Schedule, missed: list[int]) -> list[int]:
    """Those of the due times that the overlap policy lets in."""
    if found.overlap == "cancel":
        return missed[-1:]
    if found.overlap == "skip":
        return [] if tx.one(OPEN, (found.id,)) else missed[:1]
    return missed


def _stop_open(tx: Tx, now_us: int, schedule_id: int) -> list[rows.Run]:
    stopped = [run for run in (rows.Run.of(row) for row in tx.read(OPEN, (schedule_id,))) if not run.cancel]
    for run in stopped:
        cancel(tx, now_us, run.id)
    return stopped


def _missed(found: rows.Schedule, now_us: int) -> tuple[list[int], int | None]:
    """The due times up to now that the schedule's policy makes up for, oldest first, and the next one to come."""
    assert found.next_us is not None
    following = next_due(found.trigger, found.next_us)
    if following is None or following > now_us:
        latest = found.next_us
    else:
        following = next_due(found.trigger, now_us)
        if found.catch_up == "all":
            return _walk(found.trigger, found.next_us, now_us)[:CATCH_UP_CAP], following
        latest = _latest(found, now_us)
    return [] if found.catch_up == "skip" and now_us - latest > MINUTE else [latest], following


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
    tx: Tx,
    now_us: int,
    kind: str,
    args: Mapping[str, Any],
    request: str,
    *,
    attempts: int = ATTEMPTS,
    limits: Mapping[str, int] | None = None,
) -> int:
    """Queue a run that a person or another verb asks for, once for each request id; returns its number."""
    limited = canonical(limits or {})
    tx.execute(QUEUE, (None, now_us, request, kind, canonical(args), limited, now_us, attempts, tx.actor))
    row = tx.one(BY_REQUEST, (request,))
    if row is None:
        raise BadInput(f"the request {request!r} was not queued", "use another request id")
    return int(row["id"])
