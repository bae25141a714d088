"""The rows of walks and of the steps taken in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import NotFound
from core.runbooks.conditions import Fact
from core.runbooks.outcome import read
from core.store import Row, Store, Tx

WALK = "SELECT * FROM walk WHERE id = ?"
OPEN_OF_INCIDENT = "SELECT * FROM walk WHERE incident = ? AND state = 'walking' ORDER BY id DESC LIMIT 1"
OPEN = "SELECT * FROM walk WHERE state = 'walking' ORDER BY id DESC"
OPEN_OF_RUNBOOK = (
    "SELECT * FROM walk WHERE runbook = ? AND incident IS ? AND state = 'walking' ORDER BY id DESC LIMIT 1"
)
START = """INSERT INTO walk(runbook, sha256, incident, inputs, state, step, actor, started_us)
VALUES (?, ?, ?, ?, 'walking', ?, ?, ?)"""
GO = "UPDATE walk SET step = ? WHERE id = ? AND state = 'walking'"
FINISH = "UPDATE walk SET state = ?, step = NULL, ended_us = ? WHERE id = ? AND state = 'walking'"
TAKEN = "SELECT * FROM walk_step WHERE walk = ? ORDER BY number"
INTENT = """INSERT INTO walk_step(walk, number, step, state, intent_us)
SELECT ?, coalesce(max(number), 0) + 1, ?, 'intent', ? FROM walk_step WHERE walk = ?"""
DONE = "UPDATE walk_step SET state = ?, done_us = ?, output = ? WHERE walk = ? AND number = ? AND state = 'intent'"
SETTLE = "UPDATE walk_step SET state = ?, done_us = ?, output = ? WHERE walk = ? AND number = ? AND state = 'unknown'"
LOST = "UPDATE walk_step SET state = ? WHERE walk = ? AND number = ? AND state = 'intent'"
PASSED_WITH_KEY = """SELECT 1 FROM event WHERE kind = 'runbook.step' AND incident IS ?
AND json_extract(data, '$.key') = ? AND json_extract(data, '$.result') = 'passed' LIMIT 1"""


@dataclass(frozen=True)
class Walk:
    """One walk through a runbook, pinned to the content it began with; `step` is the one it stands at."""

    id: int
    runbook: str
    sha256: str
    incident: int | None
    inputs: dict[str, str]
    state: str
    step: str | None
    actor: str
    started_us: int
    ended_us: int | None

    @classmethod
    def of(cls, row: Row) -> Walk:
        """The walk of a row of its table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "inputs"}
        return cls(inputs=json.loads(row["inputs"]), **plain)


@dataclass(frozen=True)
class Taken:
    """One attempt at a step: intent, then passed, failed or skipped; unknown where the process died between."""

    number: int
    step: str
    state: str
    intent_us: int
    done_us: int | None
    lines: tuple[str, ...]
    facts: Mapping[str, Fact]


def walk(store: Store | Tx, number: int) -> Walk:
    """One walk. Raises NotFound."""
    row = store.one(WALK, (number,))
    if row is None:
        raise NotFound(f"there is no walk {number}", "`tocsin runbook walk RUNBOOK` starts one")
    return Walk.of(row)


def open_walk(store: Store | Tx, incident: int | None, runbook: str | None = None) -> Walk | None:
    """The newest unfinished walk of an incident, or of one runbook (with that incident or none); else None."""
    if runbook is not None:
        row = store.one(OPEN_OF_RUNBOOK, (runbook, incident))
    else:
        row = store.one(OPEN_OF_INCIDENT, (incident,))
    return Walk.of(row) if row else None


def open_walks(store: Store) -> list[Walk]:
    """Every unfinished walk, newest first."""
    return [Walk.of(row) for row in store.read(OPEN)]


def taken(store: Store | Tx, number: int) -> list[Taken]:
    """The attempts of a walk in order."""
    return [_taken(row) for row in store.read(TAKEN, (number,))]


def _taken(row: Row) -> Taken:
    lines, facts = read(row["output"])
    return Taken(row["number"], row["step"], row["state"], row["intent_us"], row["done_us"], lines, facts)


def facts_of(steps: list[Taken]) -> dict[str, Fact]:
    """Everything the steps found, a later finding over an earlier one."""
    found: dict[str, Fact] = {}
    for one in steps:
        found.update(one.facts)
    return found
