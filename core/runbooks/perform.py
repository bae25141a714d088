"""Do what a step says, judge it by what it expects, and clean what it printed."""

from __future__ import annotations

from dataclasses import replace

from core.access.redact import known_secrets
from core.desk import Desk
from core.errors import TocsinError
from core.runbooks.argv import run_argv
from core.runbooks.book import Step
from core.runbooks.outcome import Outcome, cleaned
from core.runbooks.render import fill, verify_command
from core.runbooks.rows import Walk
from core.runbooks.verbs import run_verb, verb_of
from core.runbooks.words import Words


def perform(desk: Desk, standing: Walk, step: Step) -> Outcome:
    """Run a step's command, program or proof once; a failure an operator can act on is an outcome, not an error."""
    try:
        outcome = _do(desk, standing, step)
    except TocsinError as error:
        lines = (f"error: {error.message}", f"hint: {error.hint}") if error.hint else (f"error: {error.message}",)
        outcome = Outcome(False, lines)
    return cleaned(_judged(step, outcome), known_secrets(desk.store))


def probe(desk: Desk, standing: Walk, step: Step, since_us: int) -> Outcome:
    """Find out whether an action that was begun at an instant took effect, without doing it.

    By what the verb left behind where it can be told, else by the proof the step asks for.
    """
    verb = verb_of(step.command) if step.command else None
    if verb is None or verb.probe is None:
        return perform(desk, standing, replace(step, command=(), argv=(), conditions=()))
    try:
        words = Words.of(fill(step.command, standing.inputs)[2:], verb.usage)
        outcome = verb.probe(desk, words, since_us)
    except TocsinError as error:
        outcome = Outcome(False, (f"error: {error.message}",))
    return cleaned(outcome, known_secrets(desk.store))


def _do(desk: Desk, standing: Walk, step: Step) -> Outcome:
    if step.argv:
        return run_argv(fill(step.argv, standing.inputs), desk.home.path, step.timeout_us)
    if step.command:
        return run_verb(desk, fill(step.command, standing.inputs))
    return run_verb(desk, verify_command(step, standing.inputs))


def _judged(step: Step, outcome: Outcome) -> Outcome:
    """Failed as well where what was found is not what the step expects."""
    missed = [str(one) for one in step.conditions if not one.holds(outcome.facts)]
    if not missed:
        return outcome
    return replace(outcome, ok=False, lines=(*outcome.lines, *(f"expected {one}" for one in missed)))
