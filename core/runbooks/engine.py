"""Walk a runbook: intent before effect, the result after, and after a crash nothing is run again by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed
from core.runbooks import rows
from core.runbooks.book import END, Runbook, Step
from core.runbooks.library import text_of
from core.runbooks.lock import alone
from core.runbooks.outcome import Outcome
from core.runbooks.parse import parse
from core.runbooks.perform import perform, probe
from core.runbooks.progress import StepResult, done, end, give_up, intend, mark_lost, tell
from core.runbooks.render import fill_text, inputs_for
from core.runbooks.rows import Walk, open_walk, taken, walk
from core.runbooks.trust import require_trusted
from core.runbooks.view import StepView, view

__all__ = ["StepResult", "act", "current", "escalate", "leave", "open_walk", "start"]


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
        begun = walk(tx, number)
        tell(desk, tx, "runbook.started", begun, {"version": book.version, "sha256": pinned, "walk": number})
    return begun


def current(desk: Desk, standing: Walk) -> StepView | None:
    """The step a walk stands at, ready to be shown; None where the walk is over.

    An action that was begun and never ended, because its process died, is shown as unknown.
    """
    steps = taken(desk.store, standing.id)
    if steps and steps[-1].state == "intent":
        # Only under the lock: otherwise a step that another process has just begun would be taken for a lost one.
        with suppress(NotAllowed), alone(desk.home, standing.id):
            mark_lost(desk, standing, pinned_book(desk, standing))
    return _shown(desk, standing)


def _shown(desk: Desk, standing: Walk) -> StepView | None:
    standing = walk(desk.store, standing.id)
    if standing.state != "walking":
        return None
    return view(standing, pinned_book(desk, standing), taken(desk.store, standing.id))


def act(desk: Desk, standing: Walk, answer: str) -> StepResult:
    """Answer the step a walk stands at.

    Answers are those of the view: run, skip, pass, fail, a choice's name; for an unknown action probe, skip or rerun.
    Raises BadInput for any other, NotAllowed while another process is at it, CheckFailed where the walk is over.
    """
    with alone(desk.home, standing.id):
        mark_lost(desk, standing, pinned_book(desk, standing))
        shown = _shown(desk, standing)
        if shown is None:
            raise CheckFailed(f"walk {standing.id} is over", "start another")
        if answer not in shown.answers:
            raise BadInput(
                f"step {shown.id!r} cannot be answered with {answer!r}", f"answer {', '.join(shown.answers)}"
            )
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
    number = intend(desk, standing, step)
    choice = next((one for one in step.choices if one.name == answer), None)
    if choice is not None:
        return done(desk, standing, step, number, "passed", Outcome(True, (choice.title,), {}), choice.next)
    result = {"pass": "passed", "fail": "failed", "skip": "skipped"}[answer]
    goal = step.next_fail if answer == "fail" else step.next_pass
    if answer == "skip" and step.choices:
        goal = _after(book, step)
    return done(desk, standing, step, number, result, Outcome(answer == "pass"), goal)


def _after(book: Runbook, step: Step) -> str:
    place = book.number(step.id)
    return book.steps[place].id if place < len(book.steps) else END


def _run(desk: Desk, standing: Walk, step: Step) -> StepResult:
    """Intent in one transaction, the effect outside of any, the result in another."""
    key = fill_text(step.idempotency_key, standing.inputs)
    if key and desk.store.one(rows.PASSED_WITH_KEY, (standing.incident, key)):
        number = intend(desk, standing, step)
        already = Outcome(True, ("already done for this incident: not done again",))
        return done(desk, standing, step, number, "skipped", already, step.next_pass)
    number = intend(desk, standing, step)
    outcome = perform(desk, standing, step)
    goal = step.next_pass if outcome.ok else step.next_timeout if outcome.timed_out else step.next_fail
    return done(desk, standing, step, number, "passed" if outcome.ok else "failed", outcome, goal, key)


def _resolve_unknown(desk: Desk, standing: Walk, book: Runbook, step: Step, answer: str) -> StepResult:
    """Probe by counts whether the lost action took effect, pass over it, or run it again because a person said so."""
    last = taken(desk.store, standing.id)[-1]
    if answer == "rerun":
        give_up(desk, standing, last)
        return _run(desk, standing, step)
    if answer == "skip":
        lines = ("its process died; a person passed over it",)
        return done(
            desk, standing, step, last.number, "skipped", Outcome(False, lines), step.next_pass, sql=rows.SETTLE
        )
    found = probe(desk, standing, step, last.intent_us)
    if found.ok:
        key = fill_text(step.idempotency_key, standing.inputs)
        return done(desk, standing, step, last.number, "passed", found, step.next_pass, key, sql=rows.SETTLE)
    return StepResult(step.id, "unknown", found.lines, standing)


def _finish(desk: Desk, standing: Walk, state: str) -> Walk:
    with desk.write() as tx:
        end(desk, tx, standing, state)
    return walk(desk.store, standing.id)
