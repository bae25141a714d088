"""Changes that wait for an endpoint or were given up, and what a person does about them: send, retry, drop."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import HOUR, MINUTE, span
from core.desk import Desk
from core.endpoints import rows
from core.endpoints.rows import Deployment
from core.errors import CheckFailed
from core.store import Store, Tx
from core.work import outbox
from core.work.outbox import Message

# A replay's clock leaps half an hour at a time: an age there says nothing about the patience of a person.
REPLAY_ASKS_AFTER_US = 3 * HOUR


@dataclass(frozen=True)
class Intent:
    """What is about to be done to a message, for whoever asks first: `effect` in one line."""

    verb: str
    message: Message
    effect: str


def asks_before_us(desk: Desk) -> int:
    """The instant before which a queued change asks again before it is sent."""
    minutes = desk.settings.queued_asks_again_minutes * MINUTE
    replay = desk.home.clock_path.exists()
    return desk.now_us() - (max(minutes, REPLAY_ASKS_AFTER_US) if replay else minutes)


def asking(desk: Desk, endpoint: str | None = None) -> list[Message]:
    """The queued changes that ask again, oldest first, of one endpoint or of all."""
    before = asks_before_us(desk)
    return [message for message in outbox.waiting(desk.store, endpoint) if message.asks(before)]


def held(desk: Desk, endpoint: str | None = None) -> dict[int, int]:
    """The queued changes that wait behind one that asks again, by number, each with the number of that one."""
    before = asks_before_us(desk)
    first: dict[str, int] = {}
    behind: dict[int, int] = {}
    for message in outbox.waiting(desk.store, endpoint):
        if message.asks(before):
            first.setdefault(message.endpoint, message.id)
        elif message.endpoint in first:
            behind[message.id] = first[message.endpoint]
    return behind


def held_words(number: int) -> str:
    """That a change waits behind the message of that number, in one line."""
    return f"waits behind #{number}, which asks again"


def why(desk: Desk, message: Message) -> str:
    """What keeps a queued change from being sent until a person says so; empty where nothing does."""
    if message.asks(asks_before_us(desk)):
        return f"asks again: `tocsin outbox confirm {message.id}` sends it, `outbox drop {message.id}` does not"
    number = held(desk, message.endpoint).get(message.id)
    return held_words(number) if number is not None else ""


def overtaken(desk: Desk, endpoint: str, model: str) -> list[str]:
    """What a rollback asked for now does to what is queued before it, a line each; empty where nothing is queued."""
    queued = outbox.waiting(desk.store, endpoint)
    said: list[str] = []
    for message in queued:
        if message.body.get("model") != model:
            continue
        age = span(desk.now_us() - message.created_us)
        if message.state == "waiting":
            said.append(f"takes back #{message.id}, v{message.body['version']} asked for {age} ago and never applied")
        else:
            said.append(f"comes after #{message.id}, v{message.body['version']}, which is on its way at this moment")
    others = [message for message in asking(desk, endpoint) if message.body.get("model") != model]
    if others:
        said.append(f"waits behind #{others[0].id}, {words(others[0])}, which asks again: confirm or drop it")
    return said


def words(message: Message) -> str:
    """A message as a person names it: `activate m v2 on prod`."""
    body = message.body
    what = " ".join(filter(None, [body.get("model", ""), f"v{body['version']}" if body.get("version") else ""]))
    return f"{message.action} {what} on {message.endpoint}"


def intend(desk: Desk, verb: str, number: int) -> Intent:
    """What `confirm`, `retry` or `drop` would do to a message. Raises what doing it would raise."""
    message = outbox.message(desk.store, number)
    {"confirm": _require_asking, "retry": _require_unsent, "drop": _require_droppable}[verb](desk, desk.store, message)
    return Intent(verb, message, _effect(verb, message))


def _effect(verb: str, message: Message) -> str:
    if verb != "drop":
        return f"it is sent at the next sync, before what waits behind it for {message.endpoint}"
    if message.state == "waiting" and message.attempts:
        return f"it is never sent again; {message.attempts} attempts had no answer, so it may be applied there already"
    return "it is never sent"


def confirm(desk: Desk, number: int) -> Message:
    """Say that a queued change which asks again is still meant: it is sent at the next delivery.

    Raises NotFound, CheckFailed where it does not ask or another version was asked for since.
    """
    return _mean(desk, number, "confirm")


def retry(desk: Desk, number: int) -> Message:
    """Send a dead letter once more, or a waiting message without waiting; its key stays, so nothing is done twice.

    Raises NotFound, CheckFailed where it is settled or on its way, or another version was asked for since.
    """
    return _mean(desk, number, "retry")


def _mean(desk: Desk, number: int, verb: str) -> Message:
    with desk.write() as tx:
        message = outbox.message(tx, number)
        (_require_asking if verb == "confirm" else _require_unsent)(desk, tx, message)
        outbox.meant(tx, desk.now_us(), message)
        if message.deployment is not None:
            tx.execute(rows.SET_QUEUED, (message.deployment,))
        _record(desk, tx, "outbox.confirmed" if verb == "confirm" else "outbox.retried", message)
        return outbox.message(tx, number)


def drop(desk: Desk, number: int, reason: str = "") -> Message:
    """Take a message out for good: it is never sent, and its deployment has failed.

    Raises NotFound, CheckFailed where it is settled or on its way.
    """
    with desk.write() as tx:
        message = outbox.message(tx, number)
        _require_droppable(desk, tx, message)
        why = f"dropped: {reason}" if reason else "dropped"
        outbox.drop(tx, desk.now_us(), message, why)
        if message.deployment is not None:
            tx.execute(rows.SET_FAILED, (why, message.deployment))
        _record(desk, tx, "outbox.dropped", message, reason)
        return outbox.message(tx, number)


def _require_asking(desk: Desk, store: Store | Tx, message: Message) -> None:
    _require_unsent(desk, store, message)
    if not message.asks(asks_before_us(desk)):
        raise CheckFailed(
            f"message {message.id} does not ask", "it is sent by itself; `tocsin outbox retry` does not wait"
        )


def _require_unsent(desk: Desk, store: Store | Tx, message: Message) -> None:
    _require_droppable(desk, store, message)
    newer = _newer(store, message)
    if newer is not None:
        raise CheckFailed(
            f"message {message.id} is overtaken: {newer.model} v{newer.version} is asked for on {newer.endpoint} since",
            f"`tocsin outbox drop {message.id}` takes it out; `tocsin deploy start` asks for a version anew",
        )


def _require_droppable(desk: Desk, store: Store | Tx, message: Message) -> None:
    if message.state == "claimed":
        raise CheckFailed(f"message {message.id} is on its way at this moment", "look again in a while")
    if message.state == "done":
        raise CheckFailed(f"message {message.id} is settled: {message.error or 'applied'}", "there is nothing to do")


def _newer(store: Store | Tx, message: Message) -> Deployment | None:
    """A later wish for the same model on the same endpoint, which sending this message would undo."""
    if message.deployment is None:
        return None
    one = rows.deployment(store, message.deployment)
    found = store.one(rows.NEWER, (one.endpoint, one.model, one.id))
    return Deployment.of(found) if found else None


def _record(desk: Desk, tx: Tx, kind: str, message: Message, reason: str = "") -> None:
    data = {"message": message.id, "deployment": message.deployment, "was": message.state, "reason": reason}
    desk.record(
        tx,
        kind,
        model=message.body.get("model"),
        version=message.body.get("version"),
        endpoint=message.endpoint,
        data=data,
    )
