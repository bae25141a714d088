"""The rows of trackers."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotFound
from core.store import Row, Store, Tx

ALL = "SELECT * FROM tracker ORDER BY name"
ONE = "SELECT * FROM tracker WHERE name = ?"
SAVE = """INSERT INTO tracker(name, kind, url, token_ref, experiment, added_us) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET kind = excluded.kind, url = excluded.url, token_ref = excluded.token_ref,
experiment = excluded.experiment, error = NULL"""
REMOVE = "DELETE FROM tracker WHERE name = ?"
SEEN = "UPDATE tracker SET seen_us = ?, error = NULL WHERE name = ?"
FAILED = "UPDATE tracker SET error = ? WHERE name = ?"
LINE = "tracking/"


@dataclass(frozen=True)
class Tracked:
    """A server that is told of versions; `token_ref` is empty where it asks for none, `error` why it last failed."""

    name: str
    kind: str
    url: str
    token_ref: str
    experiment: str
    added_us: int
    seen_us: int | None
    error: str | None

    @classmethod
    def of(cls, row: Row) -> Tracked:
        """The tracker of a row of its table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    @property
    def line(self) -> str:
        """Its line in the outbox; no endpoint can have that name."""
        return f"{LINE}{self.name}"


def trackers(store: Store | Tx) -> list[Tracked]:
    """All trackers by name."""
    return [Tracked.of(row) for row in store.read(ALL)]


def tracker(store: Store | Tx, name: str) -> Tracked:
    """One tracker. Raises NotFound."""
    row = store.one(ONE, (name,))
    if row is None:
        raise NotFound(f"there is no tracker {name!r}", "`tocsin tracking list` shows them; `tracking add` makes one")
    return Tracked.of(row)
