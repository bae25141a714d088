"""The console's verbs that a runbook may run: which of them change something, and what each finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput
from core.runbooks import ask, do
from core.runbooks.outcome import Outcome
from core.runbooks.words import Words


@dataclass(frozen=True)
class Verb:
    """A console verb in a runbook: how it is called, whether it changes something, and the function that does it.

    `probe` tells whether a run that was begun at an instant took effect, and changes nothing.
    """

    usage: str
    mutates: bool
    run: Callable[[Desk, Words], Outcome]
    probe: Callable[[Desk, Words, int], Outcome] | None = None


VERBS: dict[tuple[str, ...], Verb] = {
    ("inc", "show"): Verb("inc show NUMBER", False, ask.inc_show),
    ("inc", "suspects"): Verb("inc suspects NUMBER", False, ask.inc_suspects),
    ("inc", "helps"): Verb("inc helps NUMBER", False, ask.inc_helps),
    ("inc", "recovery"): Verb("inc recovery NUMBER [--slo NAME] [--for SPAN]", False, ask.inc_recovery),
    ("deploy", "history"): Verb("deploy history MODEL --on ENDPOINT", False, ask.deploy_history),
    ("endpoint", "show"): Verb("endpoint show NAME", False, ask.endpoint_show),
    ("endpoint", "health"): Verb("endpoint health NAME", False, ask.endpoint_health),
    ("quality", "show"): Verb("quality show MODEL --endpoint ENDPOINT", False, ask.quality_show),
    ("inc", "ack"): Verb("inc ack NUMBER", True, do.inc_ack, do.was_acked),
    ("inc", "note"): Verb("inc note NUMBER TEXT", True, do.inc_note),
    ("inc", "move"): Verb("inc move NUMBER STATE", True, do.inc_move),
    ("inc", "postmortem"): Verb("inc postmortem NUMBER --keep", True, do.inc_postmortem),
    ("deploy", "rollback"): Verb(
        "deploy rollback MODEL --on ENDPOINT [--incident N]", True, do.deploy_rollback, do.was_rolled_back
    ),
    ("endpoint", "pause"): Verb("endpoint pause NAME", True, do.endpoint_pause),
    ("endpoint", "resume"): Verb("endpoint resume NAME", True, do.endpoint_resume),
}


def verb_of(command: Sequence[str]) -> Verb:
    """The verb of a command's words. Raises BadInput for one that runbooks cannot run."""
    verb = VERBS.get(tuple(command[:2]))
    if verb is None:
        raise BadInput(f"a runbook cannot run `{' '.join(command[:2])}`", "`tocsin runbook check` lists what it can")
    return verb


def run_verb(desk: Desk, command: Sequence[str]) -> Outcome:
    """Run a console verb in this process. Raises the errors of the verb, which say the next step."""
    verb = verb_of(command)
    return verb.run(desk, Words.of(command[2:], verb.usage))
