"""A step as it is shown: why, the exact command, what is expected, what came of it, and how it can be answered."""

from __future__ import annotations

from dataclasses import dataclass

from core.runbooks.book import Runbook, Step
from core.runbooks.conditions import Fact
from core.runbooks.render import command_of, fill_text
from core.runbooks.rows import Taken, Walk, facts_of
from core.runbooks.verbs import verb_of


@dataclass(frozen=True)
class StepView:
    """One step of a walk. `state` is ready, running (by another process) or unknown; `answers` are the valid ones.

    `choices` are (name, title) of a decision, `suggested` the one whose conditions hold, empty where none does.
    `did` are (step, state) of what was done before, oldest first; `evidence` the facts the step asks to look at.
    """

    walk: int
    runbook: str
    number: int
    total: int
    id: str
    title: str
    why: str
    type: str
    command: str
    expect: str
    risk: str
    role: str
    confirm: str
    undo: str
    choices: tuple[tuple[str, str], ...]
    suggested: str
    state: str
    answers: tuple[str, ...]
    last_output: tuple[str, ...]
    last_result: str
    did: tuple[tuple[str, str], ...]
    evidence: tuple[tuple[str, Fact], ...]
    started_us: int

    @property
    def mutates(self) -> bool:
        """Whether running it changes something."""
        return self.type == "action"


def view(standing: Walk, book: Runbook, steps: list[Taken], suggestion: str | None = None) -> StepView:
    """The view of the step a walk stands at, from what was done in it; `suggestion` where it is known already."""
    step = book.step(standing.step or "")
    assert step is not None
    facts = facts_of(steps)
    state = _state(step, steps)
    own = [one for one in steps if one.step == step.id and one.done_us is not None]
    return StepView(
        walk=standing.id,
        runbook=book.id,
        number=book.number(step.id),
        total=len(book.steps),
        id=step.id,
        title=fill_known(step.title, standing),
        why=step.why,
        type=step.type,
        command=command_of(step, standing.inputs),
        expect=step.expect,
        risk=step.risk,
        role=step.role,
        confirm=fill_text(step.confirm, standing.inputs),
        undo=fill_text(step.undo, standing.inputs),
        choices=tuple((one.name, one.title) for one in step.choices),
        suggested=suggested(step, facts) if suggestion is None else suggestion,
        state=state,
        answers=answers(step, state),
        last_output=(own or steps)[-1].lines if steps else (),
        last_result=(own or steps)[-1].state if steps else "",
        did=tuple((one.step, one.state) for one in steps if one.state != "intent"),
        evidence=tuple((name, facts[name]) for name in step.evidence if name in facts),
        started_us=standing.started_us,
    )


def fill_known(title: str, standing: Walk) -> str:
    """A heading with the inputs it names; braces that name none stay as they are."""
    for name, value in standing.inputs.items():
        title = title.replace(f"{{{name}}}", value)
    return title


def suggested(step: Step, facts: dict[str, Fact]) -> str:
    """The first choice that has conditions which all hold; empty where none has."""
    holding = (one.name for one in step.choices if one.when and all(two.holds(facts) for two in one.when))
    return next(holding, "")


def _state(step: Step, steps: list[Taken]) -> str:
    last = steps[-1] if steps else None
    if last is None or last.step != step.id:
        return "ready"
    return {"unknown": "unknown", "intent": "running"}.get(last.state, "ready")


def answers(step: Step, state: str) -> tuple[str, ...]:
    """How a step can be answered; nothing while another process is at it."""
    if state == "running":
        return ()
    if state == "unknown":
        return ("probe", "skip", "rerun") if can_probe(step) else ("skip", "rerun")
    if step.type == "decision":
        return (*(one.name for one in step.choices), "skip")
    if step.type == "manual":
        return ("pass", "fail", "skip")
    return ("run", "skip")


def can_probe(step: Step) -> bool:
    """Whether it can be found out if an action took effect, without doing it again."""
    return step.verify is not None or (bool(step.command) and verb_of(step.command).probe is not None)
