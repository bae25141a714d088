"""The ledger as a list, newest first, however long it has become."""

from __future__ import annotations

from typing import NamedTuple

from core.briefing.tell import tell
from core.desk import Desk
from core.ledger import Event

_TEXT = "kind || ' ' || coalesce(model, '') || ' ' || coalesce(endpoint, '') || ' ' || actor || ' ' || data"
COUNT = "SELECT count(*) AS n FROM event"
COUNT_MATCHING = f"SELECT count(*) AS n FROM event WHERE {_TEXT} LIKE :match"
WINDOW = "SELECT * FROM event ORDER BY seq DESC LIMIT :limit OFFSET :offset"
WINDOW_MATCHING = f"SELECT * FROM event WHERE {_TEXT} LIKE :match ORDER BY seq DESC LIMIT :limit OFFSET :offset"
ABOVE = "SELECT count(*) AS n FROM event WHERE seq > :seq"
ABOVE_MATCHING = f"SELECT count(*) AS n FROM event WHERE seq > :seq AND {_TEXT} LIKE :match"


class LedgerRow(NamedTuple):
    """One event as a line."""

    seq: int
    at_us: int
    actor: str
    kind: str
    text: str
    incident: int | None


def count(desk: Desk, match: str = "") -> int:
    """How many events there are, or how many hold the text."""
    sql = COUNT_MATCHING if match else COUNT
    return int(desk.store.read(sql, {"match": f"%{match}%"} if match else {})[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[LedgerRow]:
    """The events from `offset` on, newest first."""
    params = {"limit": limit, "offset": offset, **({"match": f"%{match}%"} if match else {})}
    events = [Event.of(row) for row in desk.store.read(WINDOW_MATCHING if match else WINDOW, params)]
    return [LedgerRow(one.seq, one.at_us, one.actor, one.kind, tell(one), one.incident) for one in events]


def position(desk: Desk, seq: int, match: str = "") -> int:
    """Where an event stands in that order."""
    params = {"seq": seq, **({"match": f"%{match}%"} if match else {})}
    return int(desk.store.read(ABOVE_MATCHING if match else ABOVE, params)[0]["n"])
