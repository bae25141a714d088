"""The rows of schedules and runs, and the SQL that moves them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from core.errors import NotFound
from core.store import Row, Store, Tx

SCHEDULES = "SELECT * FROM schedule ORDER BY name"
SCHEDULE = "SELECT * FROM schedule WHERE name = ?"
SET_ASIDE = "SELECT * FROM schedule WHERE trouble IS NOT NULL ORDER BY name"
RUN = "SELECT * FROM run WHERE id = ?"
RUNS = "SELECT * FROM run ORDER BY id DESC LIMIT ? OFFSET ?"


@dataclass(frozen=True)
class Schedule:
    """What is run again and again: a job kind with its arguments, and when.

    `overlap` says what happens where a run is due while an earlier one has not ended, `skipped` how many were left out
    for that; `limits` are those of `core.work.limits`; `asked_by` is who saved it, None where nobody was asked.
    `trouble` is why planning has set it aside, None where it has not.
    """

    id: int
    name: str
    kind: str
    args: dict[str, Any]
    trigger: str
    catch_up: str
    overlap: str
    limits: dict[str, int]
    paused: bool
    skipped: int
    next_us: int | None
    asked_by: str | None = None
    trouble: str | None = None

    @classmethod
    def of(cls, row: Row) -> Schedule:
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name not in ("args", "limits", "paused")}
        return cls(args=json.loads(row["args"]), limits=json.loads(row["limits"]), paused=bool(row["paused"]), **plain)


@dataclass(frozen=True)
class Run:
    """One queued execution of a job and how far it has come; `progress` is a share from 0 to 1.

    A run of a pipeline has its name and its step's; one that nothing plans has no schedule. `cost_micros` is what all
    its attempts cost, in millionths of the currency, None where there was no price.
    """

    id: int
    schedule: int | None
    kind: str
    args: dict[str, Any]
    limits: dict[str, int]
    pipeline: str | None
    step: str | None
    state: str
    due_us: int
    next_us: int
    attempt: int
    max_attempts: int
    fence: int
    owner: str | None
    progress: float | None
    started_us: int | None
    ended_us: int | None
    cpu_ms: int | None
    max_rss_kb: int | None
    exit: int | None
    error: str | None
    result: dict[str, Any] | None
    log: str | None
    cancel: bool
    cost_micros: int | None = None

    @classmethod
    def of(cls, row: Row) -> Run:
        read = {name: json.loads(row[name]) for name in ("args", "limits")}
        read |= {"result": json.loads(row["result"]) if row["result"] else None, "cancel": bool(row["cancel"])}
        return cls(**{name: row[name] for name in cls.__dataclass_fields__ if name not in read}, **read)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("succeeded", "failed", "cancelled", "dead")


def schedules(store: Store) -> list[Schedule]:
    """All schedules by name."""
    return [Schedule.of(row) for row in store.read(SCHEDULES)]


def set_aside(store: Store) -> list[Schedule]:
    """The schedules that planning has set aside, by name."""
    return [Schedule.of(row) for row in store.read(SET_ASIDE)]


def schedule(store: Store | Tx, name: str) -> Schedule:
    """One schedule. Raises NotFound."""
    row = store.one(SCHEDULE, (name,))
    if row is None:
        raise NotFound(f"there is no schedule {name!r}", "`tocsin schedule list` shows them")
    return Schedule.of(row)


def runs(store: Store, limit: int = 50, offset: int = 0) -> list[Run]:
    """The newest runs, newest first."""
    return [Run.of(row) for row in store.read(RUNS, (limit, offset))]


def run(store: Store | Tx, run_id: int) -> Run:
    """One run. Raises NotFound."""
    row = store.one(RUN, (run_id,))
    if row is None:
        raise NotFound(f"there is no job {run_id}", "`tocsin job list` shows them")
    return Run.of(row)
