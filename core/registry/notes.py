"""The part of a model's card that people write: kept as immutable versions, the last one in force."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput
from core.registry.versions import require_model
from core.store import Row, Store, Tx

LATEST = "SELECT * FROM card_notes WHERE model = ? ORDER BY number DESC LIMIT 1"
ADD = "INSERT INTO card_notes(model, number, text, actor, created_us) VALUES (?, ?, ?, ?, ?)"
MOST_BYTES = 1_000_000
HEADING = re.compile(r"^#+\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Notes:
    """What somebody wrote about a model, the `number`th time, as Markdown."""

    model: str
    number: int
    text: str
    actor: str
    created_us: int

    @classmethod
    def of(cls, row: Row) -> Notes:
        """The notes of a row of their table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def has(self, heading: str) -> bool:
        """Whether there is a heading of that name, whatever its level and case."""
        return heading.casefold() in (found.casefold() for found in HEADING.findall(self.text))


def notes(store: Store | Tx, model: str) -> Notes | None:
    """The notes in force; None where nobody wrote any."""
    row = store.one(LATEST, (model,))
    return Notes.of(row) if row else None


def write(desk: Desk, model: str, text: str) -> Notes:
    """Keep notes as the next version; the same text again changes nothing.

    Raises NotFound, BadInput for a text that is empty or larger than a megabyte.
    """
    if not text.strip() or len(text.encode()) > MOST_BYTES:
        raise BadInput("a card's notes are text of at most a megabyte", "write what it is for, its limits, a contact")
    with desk.write() as tx:
        require_model(tx, model)
        before = notes(tx, model)
        if before is not None and before.text == text:
            return before
        number = before.number + 1 if before else 1
        tx.execute(ADD, (model, number, text, desk.actor, desk.now_us()))
        desk.record(tx, "model.noted", model=model, data={"number": number})
        found = notes(tx, model)
    assert found is not None
    return found
