"""One step of a runbook as text: why, the exact command, expected and actual, the next key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.pages.layout import Section, compose, heading
from console.view import Line, ago, line, spread, wrap
from core.briefing.runbook import WalkPage

if TYPE_CHECKING:
    from core.runbooks.view import StepView

# Answer -> (key, words). Choices of a decision have their numbers.
KEYS = {
    "run": ("r", "run"),
    "rerun": ("r", "run it again"),
    "pass": ("p", "done, as expected"),
    "fail": ("f", "not as expected"),
    "skip": ("s", "skip"),
    "probe": ("v", "probe whether it took effect"),
}
STATES = {
    "passed": ("✓", "good"),
    "failed": ("●", "bad"),
    "skipped": ("·", "dim"),
    "unknown": ("◐", "warn"),
    "intent": ("◐", "info"),
}


def body(page: WalkPage, step: StepView, width: int, height: int, *, resumed: bool, busy: bool) -> list[Line]:
    """The step that a walk stands at, filling the height."""
    did = step.did[-6:]
    return compose(
        [
            Section(_head(page, step, width, resumed), 2, 0),
            Section([line("  ", piece) for piece in wrap(step.why, width - 4)] if step.why else [], 2, 4),
            Section(_command(step, width), 2, 1),
            Section(_choices(step), 2, 1),
            Section(_output(step, width), 3, 3),
            Section(_next(step, busy), 2, 0),
            Section([heading("ALREADY DONE"), *(_did(one) for one in did)] if did else [], 2, 2, tail=True),
        ],
        width,
        height,
    )


def _head(page: WalkPage, step: StepView, width: int, resumed: bool) -> list[Line]:
    taken = ago(step.started_us, page.header.now_us)
    title = line((f"{step.runbook}  ", "dim"), (f"step {step.number} of {step.total}  ", "bold"), (step.title, "bold"))
    lines = [spread(title, line((f"walking {taken}", "dim")), width)]
    if page.incident is not None:
        found = page.incident
        lines.append(line(f"  INC-{found.id} SEV{found.severity} {found.model} v{found.version} on {found.endpoint}"))
    if resumed:
        lines.append(line(("  ▲ ", "warn"), "this walk was begun before; it goes on where it stood"))
    if step.state == "unknown":
        lines.append(
            line(("  ◐ UNKNOWN ", "warn"), "its process ended before the answer came; it is not run again by itself")
        )
    return lines


def _command(step: StepView, width: int) -> list[Line]:
    if not step.command:
        return []
    changes = ("  CHANGES PRODUCTION ", "alarm") if step.mutates else ("  only looks", "dim")
    lines = [
        line(("COMMAND", "head"), changes),
        *(line("  ", (piece, "bold")) for piece in wrap(step.command, width - 4)),
    ]
    if step.expect:
        lines += [
            line(("  expected: " if at == 0 else "  ", "dim"), piece)
            for at, piece in enumerate(wrap(step.expect, width - 14))
        ]
    lines += [line(("  risk: ", "dim"), (step.risk, "warn"))] if step.risk else []
    return [*lines, line(("  undo: ", "dim"), step.undo)] if step.undo else lines


def _choices(step: StepView) -> list[Line]:
    if not step.choices:
        return []
    lines = [heading("DECIDE")]
    for number, (name, title) in enumerate(step.choices, 1):
        hint = ("  ← what the steps before suggest", "info") if name == step.suggested else ("", "")
        lines.append(line("  ", (str(number), "key"), f"  {title}", hint))
    return lines


def _output(step: StepView, width: int) -> list[Line]:
    if not step.last_output and not step.evidence:
        return []
    glyph, style = STATES.get(step.last_result, ("·", "dim"))
    told = [piece for text in step.last_output for piece in wrap(text, width - 4)]
    facts = [line((f"  {name}: ", "dim"), str(value)) for name, value in step.evidence]
    return [
        line(("ACTUAL  ", "head"), (f"{glyph} {step.last_result}", style)),
        *(line(f"  {one}") for one in told),
        *facts,
    ]


def _next(step: StepView, busy: bool) -> list[Line]:
    if busy:
        return [heading("NEXT"), line("  ◐ running; its answer appears here")]
    spans: list[tuple[str, str]] = [("  ", "")]
    for answer in step.answers:
        if answer in KEYS:
            key, words = KEYS[answer]
            asks = " (asks first)" if step.mutates and answer in ("run", "rerun") else ""
            spans.extend([(key, "key"), (f" {words}{asks}   ", "")])
    return [
        heading("NEXT"),
        tuple(spans),
        line("  ", ("E", "key"), " escalate   ", ("q", "key"), " leave; the walk waits"),
    ]


def _did(one: tuple[str, str]) -> Line:
    glyph, style = STATES.get(one[1], ("·", "dim"))
    return line("  ", (f"{glyph} ", style), f"{one[0]} {one[1]}")


def over(page: WalkPage, runbook: str, state: str) -> list[Line]:
    """What is shown when a walk has ended."""
    lines = [line(("✓ ", "good"), (f"{runbook}: walk {state}", "bold")), ()]
    for one in page.done:
        lines.append(_did((one.step, one.state)))
    return [*lines, (), line("  ", ("q", "key"), " back   ", ("n", "key"), " note   ", ("e", "key"), " evidence")]
