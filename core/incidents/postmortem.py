"""The postmortem: Markdown whose marked blocks are made from the ledger, around which people write."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput
from core.incidents.blocks import BLOCKS
from core.incidents.rows import Incident, change, incident
from core.incidents.states import shift

WRITTEN = "SELECT id, postmortem FROM incident WHERE postmortem IS NOT NULL ORDER BY id"
_BLOCK = re.compile(r"(<!-- tocsin:begin ([a-z]+) -->\n)(.*?)(<!-- tocsin:end \2 -->)", re.DOTALL)
_ACTION = re.compile(
    r"^- \[(?P<done>[ xX])\] (?P<text>.*?)(?: @(?P<owner>[\w.-]+))?(?: due:(?P<due>\d{4}-\d{2}-\d{2}))?\s*$",
    re.MULTILINE,
)
TEMPLATE = """# INC-{number}: {title}

{blocks}
## What went well, what did not, where we were lucky

Write here.

## Actions

One a line, with an owner and a date; it is listed until it is ticked: `- [ ] what @owner due:2026-01-31`
"""


@dataclass(frozen=True)
class Action:
    """Something a postmortem asks for; `due` is a date as it was written, empty where none was."""

    incident: int
    text: str
    owner: str
    due: str
    done: bool


def render(desk: Desk, number: int, text: str | None = None) -> str:
    """The postmortem of an incident, or a person's `text` of it, with the blocks made anew.

    What people wrote stays as it is, and so do blocks they removed. Raises NotFound.
    """
    found = incident(desk.store, number)
    written = found.postmortem if text is None else text
    if written is None:
        return _first(desk, found)
    return _BLOCK.sub(lambda match: match[1] + _block(desk, found, match[2], match[3]) + match[4], written)


def _first(desk: Desk, found: Incident) -> str:
    parts = [
        f"<!-- tocsin:begin {name} -->\n{make(desk, found)}<!-- tocsin:end {name} -->\n"
        for name, make in BLOCKS.items()
    ]
    return TEMPLATE.format(number=found.id, title=found.title, blocks="\n".join(parts))


def _block(desk: Desk, found: Incident, name: str, before: str) -> str:
    return BLOCKS[name](desk, found) if name in BLOCKS else before


def generate(desk: Desk, number: int) -> str:
    """Render the postmortem and keep it; returns what was kept. A resolved incident moves on to postmortem."""
    return _keep(desk, number, render(desk, number), "template")


def edit(desk: Desk, number: int, text: str) -> str:
    """Keep a person's text, its blocks made anew; returns what was kept.

    Raises BadInput for a text that is empty or lost the end of a block.
    """
    _require_whole(text)
    return _keep(desk, number, render(desk, number, text), "hand")


def _keep(desk: Desk, number: int, whole: str, by: str) -> str:
    open_actions = sum(not one.done for one in actions_in(number, whole))
    with desk.write() as tx:
        found = incident(tx, number)
        change(tx, number, postmortem=whole)
        data = {"by": by, "open_actions": open_actions}
        desk.record(tx, "incident.postmortem", model=found.model, endpoint=found.endpoint, incident=number, data=data)
        if found.state == "resolved":
            shift(desk, tx, found, "postmortem", reason="the postmortem is written")
    return whole


def _require_whole(text: str) -> None:
    if not text.strip():
        raise BadInput("the postmortem is empty", "write it with `tocsin inc postmortem NUMBER > file.md` first")
    begun = re.findall(r"<!-- tocsin:begin ([a-z]+) -->", text)
    if len(begun) != len(_BLOCK.findall(text)):
        raise BadInput("a block lost its end marker", "put back the line `<!-- tocsin:end NAME -->` of each block")


def actions_in(number: int, text: str) -> list[Action]:
    """The actions of a postmortem's text, in its order."""
    return [
        Action(number, m["text"].strip(), m["owner"] or "", m["due"] or "", m["done"] != " ")
        for m in _ACTION.finditer(text)
    ]


def open_actions(desk: Desk) -> list[Action]:
    """Every action not done yet, of all postmortems: those with a date first, by date."""
    every = [one for row in desk.store.read(WRITTEN) for one in actions_in(row["id"], row["postmortem"])]
    return sorted((one for one in every if not one.done), key=lambda one: (one.due or "9999", one.incident))
