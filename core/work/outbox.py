"""Messages to endpoints and trackers: written with the change that causes them, sent in order, tried until settled."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core import crashpoint
from core.clock import MINUTE, SECOND
from core.errors import NotFound
from core.home import Home, home_error
from core.ledger.chain import canonical
from core.store import Row, Store, Tx

# What tells of a thing that has happened: it stays true however late it comes, so it never asks a person again.
TELLS = "log"
LEASE_US = 2 * MINUTE
BASE_US = 5 * SECOND
CAP_US = 10 * MINUTE

PUT = """INSERT INTO outbox(endpoint, key, action, body, deployment, state, next_us, created_us)
VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?)"""
HEAD = "SELECT * FROM outbox WHERE endpoint = ? AND state IN ('waiting', 'claimed') ORDER BY id LIMIT 1"
CLAIM = """UPDATE outbox SET state = 'claimed', owner = ?, lease_us = ?, fence = fence + 1, attempts = attempts + 1
WHERE id = ? RETURNING *"""
SETTLE = """UPDATE outbox SET state = :state, next_us = :next, done_us = :done, error = :error, owner = NULL,
lease_us = NULL WHERE id = :id AND fence = :fence AND state = 'claimed'"""
WITHDRAW = """UPDATE outbox SET state = 'done', done_us = ?, error = 'superseded'
WHERE deployment = ? AND state = 'waiting'"""
OPEN = "SELECT * FROM outbox WHERE state IN ('waiting', 'claimed') ORDER BY id"
ADDRESSED = "SELECT DISTINCT endpoint FROM outbox WHERE state IN ('waiting', 'claimed') ORDER BY endpoint"
DEAD = "SELECT * FROM outbox WHERE state = 'dead' ORDER BY id DESC LIMIT ?"
MESSAGE = "SELECT * FROM outbox WHERE id = ?"
NEWEST = "SELECT * FROM outbox ORDER BY state IN ('waiting', 'claimed') DESC, state = 'dead' DESC, id DESC LIMIT ?"
MEANT = """UPDATE outbox SET state = 'waiting', attempts = :attempts, next_us = :now, confirmed_us = :now,
done_us = NULL, error = NULL WHERE id = :id AND state IN ('waiting', 'dead')"""
DROP = "UPDATE outbox SET state = 'done', done_us = ?, error = ? WHERE id = ? AND state IN ('waiting', 'dead')"


@dataclass(frozen=True)
class Message:
    """One thing an endpoint is to be told, or a tracker, whose line `endpoint` is then called `tracking/NAME`.

    `key` makes telling it twice the same as telling it once.
    `confirmed_us` is when a person last said that it is still meant, None where nobody was asked.
    """

    id: int
    endpoint: str
    key: str
    action: str
    body: dict[str, Any]
    deployment: int | None
    state: str
    attempts: int
    next_us: int
    fence: int
    created_us: int
    done_us: int | None
    confirmed_us: int | None
    error: str | None

    @property
    def open(self) -> bool:
        """Whether it is still to be sent."""
        return self.state in ("waiting", "claimed")

    def asks(self, before_us: int) -> bool:
        """Whether it waits since before an instant, unconfirmed: then it is sent only once a person says so."""
        since = self.created_us if self.confirmed_us is None else self.confirmed_us
        return self.state == "waiting" and self.action != TELLS and since < before_us

    @classmethod
    def of(cls, row: Row) -> Message:
        """The message of a row of the `outbox` table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "body"}
        return cls(body=json.loads(row["body"]), **plain)


def put(
    tx: Tx, now_us: int, endpoint: str, key: str, action: str, body: Mapping[str, Any], deployment: int | None = None
) -> int:
    """Queue a message in the transaction of the change it tells of; returns its number."""
    cursor = tx.execute(PUT, (endpoint, key, action, canonical(body), deployment, now_us, now_us))
    crashpoint.at("outbox.put")
    return int(cursor.lastrowid)


def claim(
    tx: Tx, now_us: int, endpoint: str, owner: str, *, early: bool = False, asks_before_us: int = 0
) -> Message | None:
    """Take the endpoint's oldest unsettled message; None where there is none, or it is not due and not `early`.

    The caller holds the endpoint's delivery lock, so a message found claimed belongs to a sender that died: it is
    taken over at once. A later message never overtakes one that waits, nor one that waits since before
    `asks_before_us` and so asks a person again.
    """
    head = tx.one(HEAD, (endpoint,))
    if head is None or (head["state"] == "waiting" and head["next_us"] > now_us and not early):
        return None
    if Message.of(head).asks(asks_before_us):
        return None
    row = tx.one(CLAIM, (owner, now_us + LEASE_US, head["id"]))
    return Message.of(row) if row else None


def done(tx: Tx, now_us: int, message: Message) -> bool:
    """Settle a message as delivered; False where another sender has taken it over meanwhile."""
    return _settle(tx, message, "done", now_us, now_us, None)


def bury(tx: Tx, now_us: int, message: Message, error: str) -> bool:
    """Settle a message as a dead letter: sending it again as it is will not help."""
    return _settle(tx, message, "dead", now_us, now_us, error)


def retry(tx: Tx, next_us: int, message: Message, error: str) -> bool:
    """Put a message back to be sent at `next_us` or later."""
    return _settle(tx, message, "waiting", next_us, None, error)


def _settle(tx: Tx, message: Message, state: str, next_us: int, done_us: int | None, error: str | None) -> bool:
    values = {
        "id": message.id,
        "fence": message.fence,
        "state": state,
        "next": next_us,
        "done": done_us,
        "error": error,
    }
    return bool(tx.execute(SETTLE, values).rowcount)


def meant(tx: Tx, now_us: int, message: Message) -> bool:
    """Put a waiting or dead message first in its order, due now; a dead one begins its attempts anew."""
    attempts = message.attempts if message.state == "waiting" else 0
    return bool(tx.execute(MEANT, {"id": message.id, "now": now_us, "attempts": attempts}).rowcount)


def drop(tx: Tx, now_us: int, message: Message, why: str) -> bool:
    """Settle a waiting or dead message as never to be sent; False where it is on its way or settled."""
    return bool(tx.execute(DROP, (now_us, why, message.id)).rowcount)


def withdraw(tx: Tx, now_us: int, deployment: int) -> bool:
    """Take back a deployment's message that is not being sent; False where it is on its way or settled."""
    return bool(tx.execute(WITHDRAW, (now_us, deployment)).rowcount)


def message(store: Store | Tx, number: int) -> Message:
    """One message. Raises NotFound."""
    row = store.one(MESSAGE, (number,))
    if row is None:
        raise NotFound(f"there is no message {number}", "`tocsin outbox list` shows them")
    return Message.of(row)


def newest(store: Store, limit: int = 50) -> list[Message]:
    """The messages that wait, then those that were given up, then the settled ones; each newest first."""
    return [Message.of(row) for row in store.read(NEWEST, (limit,))]


def waiting(store: Store | Tx, endpoint: str | None = None) -> list[Message]:
    """The unsettled messages in the order they will be sent, of one endpoint or of all."""
    messages = [Message.of(row) for row in store.read(OPEN)]
    return [message for message in messages if endpoint in (None, message.endpoint)]


def addressed(store: Store) -> list[str]:
    """The lines that unsettled messages stand in: endpoints by name, and trackers."""
    return [str(row["endpoint"]) for row in store.read(ADDRESSED)]


def dead_letters(store: Store, limit: int = 50) -> list[Message]:
    """The newest messages that were given up, newest first."""
    return [Message.of(row) for row in store.read(DEAD, (limit,))]


@contextmanager
def alone(home: Home, line: str) -> Iterator[bool]:
    """Whether this is the only sender of a line; the kernel frees the lock however a sender ends."""
    try:
        path = home.lock_path(f"deliver-{line.replace('/', '@')}")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise home_error(home.path, error) from error
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def backoff_us(key: str, attempts: int) -> int:
    """How long to wait before the next attempt: full jitter over an exponential span of five seconds to ten minutes.

    The draw comes from the message's own key, so senders spread out and a replay repeats. Source: Brooker,
    "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    """
    span = min(CAP_US, BASE_US * 2 ** min(attempts, 20))
    draw = int.from_bytes(hashlib.sha256(f"{key}#{attempts}".encode()).digest()[:6], "big")
    return int(SECOND + draw % span)
