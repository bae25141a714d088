"""Walk a runbook: intent before effect, the result after, and after a crash nothing is run again by itself."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed, TocsinError
from core.home import home_error
from core.runbooks import rows
from core.runbooks.book import END, ESCALATE, STAY, Runbook, Step
from core.runbooks.library import text_of
from core.runbooks.outcome import Outcome
from core.runbooks.parse import parse
from core.runbooks.perform import perform, perform_verify
from core.runbooks.render import fill_text, inputs_for
from core.runbooks.rows import Taken, Walk, facts_of, open_walk, taken, walk
from core.runbooks.trust import require_trusted
from core.runbooks.view import StepView, view

__all__ = ["StepResult", "act", "current", "escalate", "leave", "open_walk", "start"]


@dataclass(frozen=True)
class StepResult:
    """What an answer led to: the step's result, what it printed, and the state the walk is in now."""

    step: str
    result: str
    lines: tuple[str, ...]
    walk: Walk


def start(desk: Desk, book: Runbook, incident: int | None, inputs: Mapping[str, str]) -> Walk:
    """Begin a walk, pinned to the runbook's content as it is now.

    Raises NotAllowed where it is not trusted, BadInput for inputs, CheckFailed where a walk of it is under way.
    """
    require_trusted(desk.store, book)
    values = inputs_for(desk, book, incident, inputs)
    pinned = desk.blobs.put(text_of(desk.home, book).encode())
    with desk.write() as tx:
        if open_walk(tx, incident, book.id):
            raise CheckFailed(f"a walk of {book.id} is under way", "go on with --resume, or leave it first")
        first = book.steps[0].id
        row = (book.id, pinned, incident, json.dumps(values), first, desk.actor, desk.now_us())
        number = int(tx.execute(rows.START, row).lastrowid)
        data = {"runbook": book.id, "version": book.version, "sha256": pinned, "walk": number}
        desk.record(tx, "runbook.started", incident=incident, data=data, **_place(values))
    return walk(desk.store, number)


def current(desk: Desk, standing: Walk) -> StepView | None:
    """The step a walk stands at, ready to be shown; None where the walk is over.

    An action that was begun and never ended, because its process died, is shown as unknown.
    """
    standing = walk(desk.store, standing.id)
    if standing.state != "walking":
        return None
    book = pinned_book(desk, standing)
    _mark_lost(desk, standing, book)
    return view(desk, standing, book, taken(desk.store, standing.id))


def act(desk: Desk, standing: Walk, answer: str) -> StepResult:
    """Answer the step a walk stands at.

    Answers are those of the view: run, skip, pass, fail, a choice's name; for an unknown action probe, skip or rerun.
    Raises BadInput for any other, NotAllowed while another process is at it, CheckFailed where the walk is over.
    """
    with _alone(desk, standing):
        shown = current(desk, standing)
        if shown is None:
            raise CheckFailed(f"walk {standing.id} is over", "start another")
        if answer not in shown.answers:
            raise BadInput(f"step {shown.id!r} cannot be answered with {answer!r}", f"answer {', '.join(shown.answers)}")
        standing = walk(desk.store, standing.id)
        book = pinned_book(desk, standing)
        step = book.step(shown.id)
        assert step is not None
        if shown.state == "unknown":
            return _resolve_unknown(desk, standing, book, step, answer)
        return _answer(desk, standing, book, step, answer)


def leave(desk: Desk, standing: Walk) -> Walk:
    """End a walk without finishing it."""
    return _finish(desk, standing, "left")


def escalate(desk: Desk, standing: Walk) -> Walk:
    """End a walk because somebody else has to take over; that is on the timeline."""
    return _finish(desk, standing, "escalated")


def pinned_book(desk: Desk, standing: Walk) -> Runbook:
    """The runbook as it was when the walk began, whatever its file says now."""
    return parse(desk.blobs.read(standing.sha256).decode(), f"walk {standing.id}")


def _answer(desk: Desk, standing: Walk, book: Runbook, step: Step, answer: str) -> StepResult:
    if answer in ("run", "rerun"):
        return _run(desk, standing, step)
    number = _intend(desk, standing, step)
    choice = next((one for one in step.choices if one.name == answer), None)
    if choice is not None:
        return _done(desk, standing, step, number, "passed", Outcome(True, (choice.title,), {}), choice.next)
    result = {"pass": "passed", "fail": "failed", "skip": "skipped"}[answer]
    goal = step.next_fail if answer == "fail" else step.next_pass
    if answer == "skip" and step.choices:
        goal = _after(book, step)
    return _done(desk, standing, step, number, result, Outcome(answer == "pass"), goal)


def _after(book: Runbook, step: Step) -> str:
    place = book.number(step.id)
    return book.steps[place].id if place < len(book.steps) else END


def _run(desk: Desk, standing: Walk, step: Step) -> StepResult:
    """Intent in one transaction, the effect outside of any, the result in another."""
    key = fill_text(step.idempotency_key, standing.inputs)
    if key and desk.store.one(rows.PASSED_WITH_KEY, (standing.incident, key)):
        number = _intend(desk, standing, step)
        already = Outcome(True, ("already done for this incident: not done again",))
        return _done(desk, standing, step, number, "skipped", already, step.next_pass)
    number = _intend(desk, standing, step)
    outcome = perform(desk, standing, step)
    goal = step.next_pass if outcome.ok else step.next_timeout if outcome.timed_out else step.next_fail
    return _done(desk, standing, step, number, "passed" if outcome.ok else "failed", outcome, goal, key)


def _intend(desk: Desk, standing: Walk, step: Step) -> int:
    with desk.write() as tx:
        tx.execute(rows.INTENT, (standing.id, step.id, desk.now_us(), standing.id))
        number = taken(tx, standing.id)[-1].number
        data = {"runbook": standing.runbook, "step": step.id, "result": "intent"}
        desk.record(tx, "runbook.step", incident=standing.incident, data=data, **_place(standing.inputs))
    return number


def _done(
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
        data = {"runbook": standing.runbook, "step": step.id, "result": result}
        keyed = {**data, "key": key} if key else data
        desk.record(tx, "runbook.step", incident=standing.incident, data=keyed, **_place(standing.inputs))
        if goal == END:
            _end(desk, tx, standing, "done")
        elif goal == ESCALATE:
            _end(desk, tx, standing, "escalated")
        elif goal != STAY:
            tx.execute(rows.GO, (goal, standing.id))
    return StepResult(step.id, result, outcome.lines, walk(desk.store, standing.id))


def _resolve_unknown(desk: Desk, standing: Walk, book: Runbook, step: Step, answer: str) -> StepResult:
    """Probe by counts whether the lost action took effect, pass over it, or run it again because a person said so."""
    last = taken(desk.store, standing.id)[-1]
    if answer == "rerun":
        _settle(desk, standing, last, "failed", ("its process died; it was run again by hand",))
        return _run(desk, standing, step)
    if answer == "skip":
        lines = ("its process died; a person passed over it",)
        return _done(desk, standing, step, last.number, "skipped", Outcome(False, lines), step.next_pass, sql=rows.SETTLE)
    found = perform_verify(desk, standing, step)
    if found.ok:
        return _done(desk, standing, step, last.number, "passed", found, step.next_pass, sql=rows.SETTLE)
    return StepResult(step.id, "unknown", found.lines, standing)


def _settle(desk: Desk, standing: Walk, last: Taken, result: str, lines: tuple[str, ...]) -> None:
    with desk.write() as tx:
        stored = Outcome(False, lines).stored()
        tx.execute(rows.SETTLE, (result, desk.now_us(), stored, standing.id, last.number))


def _mark_lost(desk: Desk, standing: Walk, book: Runbook) -> None:
    """An attempt that was begun and not ended belongs to a dead process, unless one is at it now."""
    steps = taken(desk.store, standing.id)
    if not steps or steps[-1].state != "intent" or _busy(desk, standing):
        return
    last = steps[-1]
    step = book.step(last.step)
    lost = "unknown" if step is not None and step.mutates else "failed"
    with desk.write() as tx:
        tx.execute(rows.LOST, (lost, standing.id, last.number))
        data = {"runbook": standing.runbook, "step": last.step, "result": lost}
        desk.record(tx, "runbook.step", incident=standing.incident, data=data, **_place(standing.inputs))


def _finish(desk: Desk, standing: Walk, state: str) -> Walk:
    with desk.write() as tx:
        now = walk(tx, standing.id)
        if now.state == "walking":
            _end(desk, tx, now, state)
    return walk(desk.store, standing.id)


def _end(desk: Desk, tx: Tx, standing: Walk, state: str) -> None:
    tx.execute(rows.FINISH, (state, desk.now_us(), standing.id))
    data = {"runbook": standing.runbook, "result": state}
    desk.record(tx, "runbook.finished", incident=standing.incident, data=data, **_place(standing.inputs))


def _place(inputs: Mapping[str, str]) -> dict[str, str | None]:
    return {"model": inputs.get("model"), "endpoint": inputs.get("endpoint")}
