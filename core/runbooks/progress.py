"""What is written while walking: intent, result, the way on, and the end; each with its ledger event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.runbooks import rows
from core.runbooks.book import END, ESCALATE, STAY, Runbook, Step
from core.runbooks.outcome import Outcome
from core.runbooks.rows import Taken, Walk, taken, walk
from core.store import Tx


@dataclass(frozen=True)
class StepResult:
    """What an answer led to: the step's result, what it printed, and the walk as it is now."""

    step: str
    result: str
    lines: tuple[str, ...]
    walk: Walk


def intend(desk: Desk, standing: Walk, step: Step) -> int:
    """Write that a step is begun, before anything is done; returns the number of the attempt."""
    with desk.write() as tx:
        tx.execute(rows.INTENT, (standing.id, step.id, desk.now_us(), standing.id))
        number = taken(tx, standing.id)[-1].number
        tell(desk, tx, "runbook.step", standing, {"step": step.id, "result": "intent"})
    return number


def done(
    desk: Desk,
    standing: Walk,
    step: Step,
    number: int,
    result: str,
    outcome: Outcome,
    goal: str,
    key: str = "",
    *,
    sql: str = rows.DONE,
) -> StepResult:
    """Write the result and go where it leads, in one transaction."""
    with desk.write() as tx:
        tx.execute(sql, (result, desk.now_us(), outcome.stored(), standing.id, number))
        keyed = {"key": key} if key else {}
        tell(desk, tx, "runbook.step", standing, {"step": step.id, "result": result, **keyed})
        if goal == END:
            end(desk, tx, standing, "done")
        elif goal == ESCALATE:
            end(desk, tx, standing, "escalated")
        elif goal != STAY:
            tx.execute(rows.GO, (goal, standing.id))
    return StepResult(step.id, result, outcome.lines, walk(desk.store, standing.id))


def give_up(desk: Desk, standing: Walk, last: Taken) -> None:
    """Close a lost attempt as failed, because a person has it run again."""
    with desk.write() as tx:
        stored = Outcome(False, ("its process died; it was run again by hand",)).stored()
        tx.execute(rows.SETTLE, ("failed", desk.now_us(), stored, standing.id, last.number))


def mark_lost(desk: Desk, standing: Walk, book: Runbook) -> None:
    """Mark the last attempt unknown, or failed for a check, where it was begun and its process is gone.

    To be called only while no process acts in the walk.
    """
    steps = taken(desk.store, standing.id)
    if not steps or steps[-1].state != "intent":
        return
    last = steps[-1]
    step = book.step(last.step)
    lost = "unknown" if step is not None and step.mutates else "failed"
    with desk.write() as tx:
        tx.execute(rows.LOST, (lost, standing.id, last.number))
        tell(desk, tx, "runbook.step", standing, {"step": last.step, "result": lost})


def end(desk: Desk, tx: Tx, standing: Walk, state: str) -> None:
    """End a walk: done, escalated or left; one that is over already stays as it is."""
    if tx.execute(rows.FINISH, (state, desk.now_us(), standing.id)).rowcount:
        tell(desk, tx, "runbook.finished", standing, {"result": state})


def tell(desk: Desk, tx: Tx, kind: str, standing: Walk, data: dict[str, Any]) -> None:
    """Write a walk's event, filed under its model, its endpoint and its incident."""
    model, endpoint = standing.inputs.get("model"), standing.inputs.get("endpoint")
    data = {"runbook": standing.runbook, **data}
    desk.record(tx, kind, model=model, endpoint=endpoint, incident=standing.incident, data=data)
