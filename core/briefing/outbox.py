"""What waits to be done on an endpoint, and what never will be: queued is not applied."""

from __future__ import annotations

import json
from typing import NamedTuple

from core.desk import Desk
from core.endpoints.waiting import asks_before_us, held
from core.store import Row
from core.work.outbox import TELLS

# What a person may have to do something about comes first: what waits, then what was given up.
PLACE = "CASE WHEN state IN ('waiting', 'claimed') THEN 0 WHEN state = 'dead' THEN 1 ELSE 2 END"
HOLDS = "(endpoint || ' ' || action || ' ' || body || ' ' || state) LIKE ?"
COUNT = f"SELECT count(*) AS n FROM outbox WHERE {HOLDS}"
WINDOW = f"""SELECT id, endpoint, action, body, state, attempts, next_us, created_us, confirmed_us, done_us, error
FROM outbox WHERE {HOLDS} ORDER BY {PLACE}, id DESC LIMIT ? OFFSET ?"""
ABOVE = f"""SELECT count(*) AS n FROM outbox WHERE {HOLDS}
AND ({PLACE}, -id) < (SELECT {PLACE}, -id FROM outbox WHERE id = ?)"""


class Message(NamedTuple):
    """One message to an endpoint; `asks` where it has waited for so long that a person must say it is still meant.

    `state` is waiting, claimed, done or dead; a done one with an error was taken out instead of applied. `behind` is
    the number of the one before it that asks, None where none does.
    """

    id: int
    endpoint: str
    action: str
    model: str
    version: int | None
    state: str
    asks: bool
    attempts: int
    next_us: int
    created_us: int
    done_us: int | None
    error: str
    behind: int | None = None

    @property
    def what(self) -> str:
        """The model and version it is about."""
        return " ".join(filter(None, [self.model, f"v{self.version}" if self.version else ""]))


def count(desk: Desk, match: str = "") -> int:
    """How many messages there are that hold the text."""
    return int(desk.store.read(COUNT, (f"%{match}%",))[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[Message]:
    """The messages from `offset` on: those that wait, those given up, the settled ones; no endpoint is asked."""
    before, behind = asks_before_us(desk), held(desk)
    return [
        _message(row, before)._replace(behind=behind.get(row["id"]))
        for row in desk.store.read(WINDOW, (f"%{match}%", limit, offset))
    ]


def position(desk: Desk, number: int, match: str = "") -> int:
    """Where a message stands in that order."""
    return int(desk.store.read(ABOVE, (f"%{match}%", number))[0]["n"])


def _message(row: Row, before_us: int) -> Message:
    body = json.loads(row["body"])
    since = row["confirmed_us"] or row["created_us"]
    asks = row["state"] == "waiting" and row["action"] != TELLS and since < before_us
    plain = ("id", "endpoint", "action", "state", "attempts", "next_us", "created_us", "done_us")
    return Message(
        **{name: row[name] for name in plain},
        model=body.get("model", ""),
        version=body.get("version"),
        asks=asks,
        error=row["error"] or "",
    )
