"""Read a runbook: Markdown with front matter and fenced `step` blocks in YAML; every fault named with its line."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from core.errors import BadInput
from core.runbooks.book import END, ESCALATE, STAY, Runbook, Step
from core.runbooks.fields import applies_of, inputs_of, mapping, step_of

_OPENING = re.compile(r"^```+\s*step\s*$")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
FRONT = ("id", "version", "owner", "reviewed", "applies", "inputs")
LARGEST = 256 * 1024


@dataclass
class _Block:
    line: int
    title: str
    why: str
    yaml: str


def parse(text: str, source: str) -> Runbook:
    """The runbook of a file's text. Raises BadInput naming the source, the line and what is wrong there."""
    try:
        return _parse(text, source)
    except BadInput as error:
        raise BadInput(f"{source}: {error.message}", error.hint) from error


def _parse(text: str, source: str) -> Runbook:
    if len(text) > LARGEST:
        raise BadInput("a runbook is at most 256 KB", "split it")
    front, body, first_line = _front_matter(text)
    for name in FRONT[:4]:
        if name not in front:
            raise BadInput(f"line 1: the front matter lacks {name!r}", f"it needs {', '.join(FRONT[:4])}")
    mapping(front, "the front matter", FRONT, 1)
    title, blocks = _blocks(body, first_line)
    steps = tuple(step_of(_yaml(one.yaml, one.line), one.line, one.title, one.why) for one in blocks)
    book = Runbook(
        id=_identity(front["id"]),
        version=_whole(front["version"]),
        owner=str(front["owner"]),
        reviewed=str(front["reviewed"]),
        title=title or str(front["id"]),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        source=source,
        steps=_linked(steps),
        applies=applies_of(front.get("applies")),
        inputs=inputs_of(front.get("inputs")),
    )
    _check_placeholders(book)
    return book


def _front_matter(text: str) -> tuple[dict[str, Any], list[str], int]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        raise BadInput("line 1: a runbook begins with front matter", "begin with `---`, fields, `---`")
    for place, line in enumerate(lines[1:], start=1):
        if line.strip() == "---":
            return _yaml("\n".join(lines[1:place]), 2), lines[place + 1 :], place + 2
    raise BadInput("line 1: the front matter has no end", "close it with a line `---`")


def _blocks(lines: list[str], first_line: int) -> tuple[str, list[_Block]]:
    """The title of the page, and its step blocks, each with the heading above it and the text in between."""
    title, heading, why = "", "", list[str]()
    blocks: list[_Block] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        if _OPENING.match(line):
            end = _end_of_block(lines, place, first_line)
            content = "\n".join(lines[place + 1 : end])
            blocks.append(_Block(first_line + place, heading, " ".join(why).strip(), content))
            why, place = [], end
        elif line.startswith("#"):
            words = line.lstrip("#").strip()
            title, heading, why = title or words, words, []
        elif line.strip():
            why.append(line.strip())
        place += 1
    if not blocks:
        raise BadInput("there is no step in it", "add a fenced block: ```step")
    return title, blocks


def _end_of_block(lines: list[str], opening: int, first_line: int) -> int:
    for place in range(opening + 1, len(lines)):
        if lines[place].startswith("```"):
            return place
    raise BadInput(f"line {first_line + opening}: the step block has no end", "close it with ```")


def _yaml(text: str, line: int) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = line + (mark.line + 1 if mark else 0)
        raise BadInput(
            f"line {at}: this is no YAML: {getattr(error, 'problem', error)}", "check colons and quotes"
        ) from error
    if not isinstance(found, dict):
        raise BadInput(f"line {line}: a block holds `name: value` lines", "see the starter runbooks")
    return {str(name): value for name, value in found.items()}


def _identity(value: Any) -> str:
    if not _ID.fullmatch(str(value)):
        raise BadInput(f"line 1: {value!r} is no runbook id", "use small letters, digits and dashes")
    return str(value)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadInput(f"line 1: version {value!r} is no number", "count versions from 1")
    return value


def _linked(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps with `next.pass` filled in, after every goal was found to exist."""
    names = [one.id for one in steps]
    for one in steps:
        if names.count(one.id) > 1:
            raise BadInput(f"line {one.line}: there are two steps {one.id!r}", "give each its own id")
        goals = [one.next_pass, one.next_fail, one.next_timeout, *(choice.next for choice in one.choices)]
        for goal in goals:
            if goal and goal not in (*names, END, ESCALATE, STAY):
                raise BadInput(f"line {one.line}: there is no step {goal!r} to go to", f"there are {', '.join(names)}")
    following = [*names[1:], END]
    return tuple(replace(one, next_pass=one.next_pass or goal) for one, goal in zip(steps, following, strict=True))


def _check_placeholders(book: Runbook) -> None:
    known = {one.name for one in book.inputs}
    for step in book.steps:
        words = (*step.command, *step.argv, step.confirm, step.undo, step.idempotency_key)
        used = {name for word in words for name in _PLACEHOLDER.findall(word)}
        used |= set(_PLACEHOLDER.findall(step.verify.slo)) if step.verify else set()
        for name in sorted(used - known):
            raise BadInput(f"line {step.line}: {{{name}}} is no input of this runbook", "declare it under `inputs`")
