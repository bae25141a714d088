"""Take a run, keep it, end it: one owner at a time, and an owner that lost it can no longer write."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core.clock import MINUTE, SECOND
from core.home import Home
from core.pid import start_of
from core.settings import Quota
from core.store import Store, Tx
from core.work.quota import UNLIMITED, bounds
from core.work.rows import Run

LEASE_US = 2 * MINUTE
RETRY_US = 30 * SECOND

# What could start now: its time has come, what it needs is done, no other run of its schedule is under way, and its
# model has CPU time and money left today.
READY = """state = 'planned' AND next_us <= :now
AND NOT EXISTS (SELECT 1 FROM run AS other WHERE other.schedule = run.schedule AND other.state = 'claimed')
AND NOT EXISTS (SELECT 1 FROM need JOIN run AS needed ON needed.id = need.needs
  WHERE need.run = run.id AND needed.state <> 'succeeded')
AND coalesce((SELECT cpu_ms FROM cpu_spent WHERE model = json_extract(run.args, '$.model') AND day_us = :day), 0)
  < 1000 * coalesce(
    (SELECT value FROM json_each(:models) WHERE key = json_extract(run.args, '$.model')), :cpu_seconds)
AND coalesce((SELECT cost_micros FROM cpu_spent WHERE model = json_extract(run.args, '$.model') AND day_us = :day), 0)
  < coalesce((SELECT value FROM json_each(:money_models) WHERE key = json_extract(run.args, '$.model')), :money)"""
WAITING = f"SELECT 1 FROM run WHERE {READY} LIMIT 1"
NEXT = f"""UPDATE run SET state = 'claimed', owner = :owner, fence = fence + 1, attempt = attempt + 1,
lease_us = :lease, started_us = :now, progress = NULL, error = NULL
WHERE id = (SELECT id FROM run WHERE {READY} AND (:only IS NULL OR id = :only) ORDER BY next_us, id LIMIT 1)
RETURNING *"""
BEAT = """UPDATE run SET lease_us = ?, progress = coalesce(?, progress), pid = ?, pid_start = ?
WHERE id = ? AND fence = ? AND state = 'claimed' RETURNING cancel"""
END = """UPDATE run SET state = :state, ended_us = :now, progress = :progress, cpu_ms = :cpu_ms,
max_rss_kb = :max_rss_kb, exit = :exit, error = :error, result = :result, log = :log, owner = NULL, lease_us = NULL,
pid = NULL WHERE id = :id AND fence = :fence AND state = 'claimed'"""
REQUEUE = """UPDATE run SET state = 'planned', owner = NULL, lease_us = NULL, pid = NULL, progress = NULL,
next_us = ?, attempt = attempt - ?, error = ? WHERE id = ? AND fence = ? AND state = 'claimed'"""
CLAIMED = "SELECT * FROM run WHERE state = 'claimed'"
ASKED = "SELECT cancel FROM run WHERE id = ? AND fence = ? AND state = 'claimed'"
CANCEL = "UPDATE run SET cancel = 1 WHERE id = ? AND state IN ('planned', 'claimed')"
CANCEL_PLANNED = "UPDATE run SET state = 'cancelled', ended_us = ? WHERE id = ? AND state = 'planned'"
HELD = "SELECT 1 FROM run WHERE id = ? AND fence = ? AND state = 'claimed'"


@dataclass(frozen=True)
class Ended:
    """How a run ended, with what it cost: CPU milliseconds and peak resident kilobytes of its process."""

    state: str
    result: dict[str, Any] | None = None
    error: str | None = None
    exit: int | None = None
    cpu_ms: int | None = None
    max_rss_kb: int | None = None
    log: str | None = None


def lease_until_us() -> int:
    """When a lease taken now ends, in real time: it is about processes, which no simulated clock moves."""
    return time.time_ns() // 1000 + LEASE_US


def waits(store: Store, now_us: int, quota: Quota) -> bool:
    """Whether there is a run that could be claimed now."""
    return store.one(WAITING, {"now": now_us, **bounds(now_us, quota)}) is not None


def claim(tx: Tx, now_us: int, owner: str, *, only: int | None = None, quota: Quota = UNLIMITED) -> Run | None:
    """Take the run that has waited longest and that nothing keeps, or the one run asked for; None where there is none.

    `quota` is what each model's jobs may use of a day; a run of one that has used it up waits for the next.
    """
    given = {"owner": owner, "lease": lease_until_us(), "now": now_us, "only": only, **bounds(now_us, quota)}
    row = tx.one(NEXT, given)
    return Run.of(row) if row else None


def beat(tx: Tx, now_us: int, run: Run, *, progress: float | None, pid: int, pid_start: str) -> bool | None:
    """Keep a run: None where it is no longer ours (kill its process), else whether someone asked to cancel it."""
    row = tx.one(BEAT, (lease_until_us(), progress, pid, pid_start, run.id, run.fence))
    return bool(row["cancel"]) if row else None


def asked(store: Store | Tx, run: Run) -> bool | None:
    """What `beat` answers, without writing."""
    row = store.one(ASKED, (run.id, run.fence))
    return bool(row["cancel"]) if row else None


def held(tx: Tx, run_id: int, fence: int) -> bool:
    """Whether the holder of this fence may still write."""
    return tx.one(HELD, (run_id, fence)) is not None


def finish(tx: Tx, now_us: int, run: Run, ended: Ended) -> bool:
    """End a run, if it is still ours; the caller writes its ledger event in the same transaction."""
    cursor = tx.execute(
        END,
        {
            "id": run.id,
            "fence": run.fence,
            "now": now_us,
            "state": ended.state,
            "progress": 1.0 if ended.state == "succeeded" else None,
            "cpu_ms": ended.cpu_ms,
            "max_rss_kb": ended.max_rss_kb,
            "exit": ended.exit,
            "error": ended.error,
            "result": json.dumps(ended.result) if ended.result is not None else None,
            "log": ended.log,
        },
    )
    return bool(cursor.rowcount)


def give_back(tx: Tx, now_us: int, run: Run, reason: str, *, counted: bool = True) -> str:
    """After a crash: queue the run again, later each time, or end it as dead when its attempts are used up.

    A run that someone asked to cancel ends cancelled. One that is given back uncounted, because its daemon was
    stopped, is due at once and keeps its attempts. Returns the state it is now in; "lost" where it is another's.
    """
    cancelled = asked(tx, run)
    if cancelled is None:
        return "lost"
    if cancelled:
        finish(tx, now_us, run, Ended("cancelled", error="cancelled"))
        return "cancelled"
    if counted and run.attempt >= run.max_attempts:
        finish(tx, now_us, run, Ended("dead", error=f"crashed {run.attempt} times, last: {reason}"))
        return "dead"
    wait = RETRY_US * 2 ** (run.attempt - 1) if counted else 0
    tx.execute(REQUEUE, (now_us + wait, int(not counted), reason, run.id, run.fence))
    return "planned"


def cancel(tx: Tx, now_us: int, run_id: int) -> bool:
    """Ask for a run to be cancelled: at once where it waits, at its next heartbeat where it runs."""
    asked = bool(tx.execute(CANCEL, (run_id,)).rowcount)
    tx.execute(CANCEL_PLANNED, (now_us, run_id))
    return asked


class Owner:
    """A name to claim under, with a file lock that says the process is alive; the kernel frees it however we die."""

    def __init__(self, home: Home, name: str) -> None:
        self.name = f"{name}-{os.getpid()}"
        self._path = home.lock_path(self.name)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def close(self) -> None:
        """Let go of the lock."""
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


def owner_lives(home: Home, name: str) -> bool:
    """Whether the process that claims under a name still holds its lock."""
    try:
        handle = os.open(home.lock_path(name), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def recover(
    tx: Tx, store: Store, now_us: int, *, besides: str = "", holding: Collection[int] = ()
) -> list[tuple[Run, str]]:
    """Take back every run whose owner is dead, at once, or stopped for longer than its lease; with its new state.

    A surviving process of such a run is killed by its number and start time before the run is queued again. Of
    the owner `besides`, who asks, the runs it is `holding` are left alone; others under its name are those of a dead
    process that had the same number.
    """
    back: list[tuple[Run, str]] = []
    for row in tx.read(CLAIMED):
        run = Run.of(row)
        kept = row["lease_us"] is not None and row["lease_us"] > time.time_ns() // 1000
        if run.owner == besides:
            lives = run.id in holding
        else:
            lives = bool(run.owner) and kept and owner_lives(store.home, run.owner or "")
        if lives:
            continue
        kill_survivor(row["pid"], row["pid_start"])
        back.append((run, give_back(tx, now_us, run, "its daemon died")))
    return back


def kill_survivor(pid: int | None, pid_start: str | None) -> None:
    """Kill a process group left behind, if that number still is the same process."""
    if pid is None or start_of(pid) != pid_start or pid_start is None:
        return
    import signal

    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
