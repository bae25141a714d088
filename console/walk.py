"""Walk a runbook as plain prompts: one step at a time, keys or words from standard input, piped or typed."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from core.clock import span
from core.desk import Desk
from core.errors import TocsinError
from core.runbooks import engine
from core.runbooks.rows import Walk, walk
from core.runbooks.view import StepView

KEYS = {"r": "run", "s": "skip", "p": "pass", "f": "fail", "o": "probe", "x": "rerun"}
WORDS = {
    "run": "run it",
    "skip": "pass over it",
    "pass": "it is so",
    "fail": "it is not so",
    "probe": "find out whether it took effect",
    "rerun": "run it again",
}
Say = Callable[[str], None]


def walk_plain(desk: Desk, standing: Walk, *, yes: bool = False) -> Walk:
    """Walk until the end, an escalation, `q`, or the end of the input; returns the walk as it stands then.

    Enter alone shows the step again and never runs anything. With `yes` an action's own confirmation is not asked;
    it still has to be answered with `r`.
    """
    click.echo(f"walk {standing.id} of {standing.runbook}; what is left can be resumed")
    _show_resumed(desk, standing)
    while True:
        view = engine.current(desk, standing)
        if view is None:
            break
        show(desk, standing, view, click.echo)
        line = _ask(view)
        if line is None or line == "q":
            click.echo(f"left at step {view.number}: go on with `{resume_command(standing)}`")
            break
        if line == "e":
            engine.escalate(desk, standing)
        elif line == "?":
            _show_done(view)
        elif line:
            _answer(desk, standing, view, line, yes)
    return walk(desk.store, standing.id)


def _show_resumed(desk: Desk, standing: Walk) -> None:
    view = engine.current(desk, standing)
    if view is not None and view.did:
        click.echo(f"resumed after {span(desk.now_us() - standing.started_us)}; done so far:")
        _show_done(view)


def resume_command(standing: Walk) -> str:
    """What goes on with a walk."""
    incident = f" --incident {standing.incident}" if standing.incident is not None else ""
    return f"tocsin runbook walk {standing.runbook}{incident} --resume"


def show(desk: Desk, standing: Walk, view: StepView, say: Say) -> None:
    """One step on the screen: where it stands, why, the exact command, what is expected, what came of it."""
    say("")
    say(f"== step {view.number}/{view.total} {view.title}  [{view.type}]  {_timer(desk, standing)}")
    if view.state == "unknown":
        say("!! UNKNOWN: this step was begun and its process died. It is not run again by itself.")
    if view.state == "running":
        say("another process is at this step")
    for label, text in (
        ("why", view.why),
        ("runs", view.command),
        ("expects", view.expect),
        ("risk", view.risk),
        ("role", view.role),
        ("undo", view.undo),
    ):
        if text:
            say(f"{label + ':':<9}{text}")
    if view.last_output:
        say(f"last result: {view.last_result}")
        for line in view.last_output:
            say(f"  {line}")
    for name, value in view.evidence:
        say(f"evidence: {name} = {value}")
    for number, (name, title) in enumerate(view.choices, start=1):
        mark = " (suggested)" if name == view.suggested else ""
        say(f"  {number} {title}{mark}")


def _timer(desk: Desk, standing: Walk) -> str:
    from core.incidents.rows import incident

    walked = f"walking {span(desk.now_us() - standing.started_us)}"
    if standing.incident is None:
        return walked
    found = incident(desk.store, standing.incident)
    return f"INC-{found.id} felt for {span(desk.now_us() - found.impact_us)}, {walked}"


def _show_done(view: StepView) -> None:
    for step, state in view.did or (("nothing", "yet"),):
        click.echo(f"  {step}: {state}")


def _ask(view: StepView) -> str | None:
    """A line of the input without its ends; None where the input is over."""
    keys = {word: key for key, word in KEYS.items()}
    names = [name for name, _ in view.choices]
    offers = [f"{keys[word]} {WORDS[word]}" for word in view.answers if word in keys and word not in names]
    numbered = [f"1-{len(names)} choose"] if names and view.state == "ready" else []
    click.echo(f"{', '.join([*numbered, *offers, 'e escalate', '? done so far', 'q leave'])} > ", nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo(line.rstrip("\n"))
    return line.strip() if line else None


def _answer(desk: Desk, standing: Walk, view: StepView, line: str, yes: bool) -> None:
    """Do what a line says, or say why not; an unknown key changes nothing."""
    answer = _meant(view, line)
    if answer is None:
        click.echo(f"{line!r} is none of the keys")
        return
    if view.mutates and answer in ("run", "rerun") and not yes and not _confirmed(view):
        click.echo("not done")
        return
    try:
        result = engine.act(desk, standing, answer)
    except TocsinError as error:
        click.echo(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
        return
    click.echo(f"-> {result.step}: {result.result}")
    for said in result.lines:
        click.echo(f"  {said}")


def _meant(view: StepView, line: str) -> str | None:
    names = [name for name, _ in view.choices]
    if line.isdigit() and 1 <= int(line) <= len(names):
        line = names[int(line) - 1]
    answer = line if line in view.answers else KEYS.get(line, "")
    return answer if answer in view.answers else None


def _confirmed(view: StepView) -> bool:
    """Whether the next line is `y` or `yes`; Enter, anything else and the end of the input mean no."""
    question = view.confirm or f"Run `{view.command}`?"
    click.echo(f"{question} y/N > ", nl=False)
    said = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo(said.rstrip("\n"))
    return said.strip().lower() in ("y", "yes")
