"""What waits to be done on an endpoint, and what never will be: queued is not applied."""

from __future__ import annotations

import json
from typing import NamedTuple

from core.briefing.header import Header, header
from core.desk import Desk
from core.store import Row

MESSAGES = """SELECT id, endpoint, action, body, state, attempts, next_us, created_us, done_us, error FROM outbox
ORDER BY state IN ('waiting', 'claimed') DESC, id DESC LIMIT 200"""


class Message(NamedTuple):
    """One message to an endpoint; `what` is the model and version it is about."""

    id: int
    endpoint: str
    action: str
    what: str
    state: str
    attempts: int
    next_us: int
    created_us: int
    done_us: int | None
    error: str


class OutboxPage(NamedTuple):
    """The newest messages, those that wait first."""

    header: Header
    messages: tuple[Message, ...]


def outbox(desk: Desk) -> OutboxPage:
    """The outbox as it stands; no endpoint is asked."""
    return OutboxPage(header(desk), tuple(_message(row) for row in desk.store.read(MESSAGES)))


def _message(row: Row) -> Message:
    body = json.loads(row["body"])
    what = " ".join(filter(None, [body.get("model", ""), f"v{body['version']}" if body.get("version") else ""]))
    plain = ("id", "endpoint", "action", "state", "attempts", "next_us", "created_us", "done_us")
    return Message(**{name: row[name] for name in plain}, what=what, error=row["error"] or "")
