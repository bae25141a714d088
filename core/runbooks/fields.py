"""The fields of front matter and steps, each checked as it is read."""

from __future__ import annotations

import re
import shlex
from typing import Any

from core.clock import parse_span
from core.errors import BadInput
from core.runbooks.book import STAY, TYPES, Applies, Choice, Input, Step, Verify
from core.runbooks.conditions import Condition
from core.runbooks.verbs import VERBS, verb_of

STEP_FIELDS = (
    *("id", "type", "run", "argv", "expect", "timeout", "next", "risk", "role", "confirm", "idempotency_key", "undo"),
    *("verify", "evidence", "choices"),
)
RISKS = ("none", "low", "medium", "high")
# Values go into commands as one word each; what is allowed by default can be a name, a number or a time.
PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"


def applies_of(value: Any) -> Applies:
    """`applies: {alerts, model, versions}`; what is left out applies to any."""
    found = mapping(value or {}, "applies", ("alerts", "model", "versions"), 1)
    versions = tuple(int(one) for one in _list(found.get("versions")))
    return Applies(_words(found.get("alerts")), _words(found.get("model")), versions)


def inputs_of(value: Any) -> tuple[Input, ...]:
    """`inputs: {name: {pattern, default, about}}`. Raises BadInput for a pattern that is none."""
    found = []
    for name, spec in mapping(value or {}, "inputs", None, 1).items():
        given = mapping(spec or {}, f"input {name}", ("pattern", "default", "about"), 1)
        pattern = str(given.get("pattern", PATTERN))
        try:
            re.compile(pattern)
        except re.error as error:
            raise BadInput(
                f"line 1: the pattern of input {name} is no pattern: {error}", "write a regular expression"
            ) from error
        default = given.get("default")
        found.append(Input(name, pattern, None if default is None else str(default), str(given.get("about", ""))))
    return tuple(found)


def step_of(fields: dict[str, Any], line: int, title: str, why: str) -> Step:
    """One step of its YAML fields. Raises BadInput naming the line of its block."""
    mapping(fields, "a step", STEP_FIELDS, line)
    kind = fields.get("type")
    if "id" not in fields or kind not in TYPES:
        raise BadInput(f"line {line}: a step needs an id and a type", f"types are {', '.join(TYPES)}")
    goals = mapping(fields.get("next") or {}, "next", ("pass", "fail", "timeout"), line)
    expect, conditions = _expect(fields.get("expect"), line)
    step = Step(
        id=str(fields["id"]),
        title=title or str(fields["id"]),
        why=why,
        type=kind,
        line=line,
        command=tuple(_split(fields.get("run"), line)),
        argv=tuple(str(word) for word in _list(fields.get("argv"))),
        expect=expect,
        conditions=conditions,
        timeout_us=parse_span(str(fields["timeout"])) if "timeout" in fields else 0,
        next_pass=str(goals.get("pass", "")),
        next_fail=str(goals.get("fail", STAY)),
        next_timeout=str(goals.get("timeout", goals.get("fail", STAY))),
        risk=_one_of(fields.get("risk"), RISKS, "risk", line),
        role=str(fields.get("role", "")),
        confirm=str(fields.get("confirm", "")),
        idempotency_key=str(fields.get("idempotency_key", "")),
        undo=str(fields.get("undo", "")),
        verify=_verify(fields.get("verify"), line),
        evidence=_words(fields.get("evidence")),
        choices=_choices(fields.get("choices"), line),
    )
    _require_sense(step)
    return step


def _require_sense(step: Step) -> None:
    ways = sum(map(bool, (step.command, step.argv, step.verify)))
    wrong = ""
    if step.type in ("check", "action") and ways != 1 and not (step.mutates and step.verify and ways == 2):
        wrong = "needs exactly one of run, argv and verify"
    elif step.type in ("manual", "decision") and ways:
        wrong = f"is {step.type} and cannot run anything"
    elif step.mutates and not (step.command or step.argv):
        wrong = "is an action and needs run or argv"
    elif (step.type == "decision") != bool(step.choices):
        wrong = "has choices if and only if it is a decision"
    elif step.timeout_us and not step.argv:
        wrong = "has a timeout, which only argv can keep"
    elif step.command and step.type == "check" and verb_of(step.command).mutates:
        wrong = f"is a check, and `{' '.join(step.command[:2])}` changes something: make it an action"
    if wrong:
        raise BadInput(f"line {step.line}: step {step.id!r} {wrong}", "see the starter runbooks")


def _split(value: Any, line: int) -> list[str]:
    if value is None:
        return []
    try:
        words = shlex.split(str(value))
    except ValueError as error:
        raise BadInput(f"line {line}: run cannot be read: {error}", "close the quotes") from error
    if tuple(words[:2]) not in VERBS:
        known = ", ".join(" ".join(name) for name in sorted(VERBS))
        raise BadInput(f"line {line}: a runbook cannot run `{' '.join(words[:2])}`", f"it can run {known}")
    return words


def _expect(value: Any, line: int) -> tuple[str, tuple[Condition, ...]]:
    """`expect` is words for a person, or a list of conditions on what the step finds."""
    if isinstance(value, list):
        conditions = _conditions(value, line)
        return " and ".join(str(one) for one in conditions), conditions
    return str(value or ""), ()


def _conditions(value: Any, line: int) -> tuple[Condition, ...]:
    try:
        return tuple(Condition.parse(str(one)) for one in _list(value))
    except BadInput as error:
        raise BadInput(f"line {line}: {error.message}", error.hint) from error


def _verify(value: Any, line: int) -> Verify | None:
    if value is None:
        return None
    given = mapping(value, "verify", ("slo", "for"), line)
    return Verify(str(given.get("slo", "")), parse_span(str(given.get("for", "30m"))))


def _choices(value: Any, line: int) -> tuple[Choice, ...]:
    found = []
    for one in _list(value):
        given = mapping(one, "a choice", ("name", "title", "next", "when"), line)
        if "name" not in given or "next" not in given:
            raise BadInput(f"line {line}: a choice needs a name and a next", "see the starter runbooks")
        name = str(given["name"])
        found.append(
            Choice(name, str(given.get("title", name)), str(given["next"]), _conditions(given.get("when"), line))
        )
    return tuple(found)


def mapping(value: Any, what: str, known: tuple[str, ...] | None, line: int) -> dict[str, Any]:
    """The value as a mapping with known names only (None: any). Raises BadInput naming the line."""
    if not isinstance(value, dict):
        raise BadInput(f"line {line}: {what} holds `name: value` lines", "see the starter runbooks")
    strange = sorted(str(name) for name in value if known is not None and name not in known)
    if strange and known:
        raise BadInput(f"line {line}: {what} has no field {strange[0]!r}", f"it may have {', '.join(known)}")
    return {str(name): one for name, one in value.items()}


def _one_of(value: Any, allowed: tuple[str, ...], what: str, line: int) -> str:
    if value is not None and str(value) not in allowed:
        raise BadInput(f"line {line}: {what} {value!r} is not known", f"choose one of {', '.join(allowed)}")
    return str(value or "")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in _list(value))
