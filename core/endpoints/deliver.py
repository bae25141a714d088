"""Send what waits: per endpoint in order, each message until the endpoint has applied or refused it."""

from __future__ import annotations

from dataclasses import dataclass

from core import crashpoint
from core.desk import Desk
from core.endpoints import breaker, deploy, rows, waiting
from core.endpoints.adapter import Outcome, connect
from core.endpoints.rows import Deployment, Endpoint
from core.errors import TocsinError
from core.store import Tx
from core.work import outbox
from core.work.outbox import Message


@dataclass(frozen=True)
class Delivered:
    """What became of one message: `state` is applied, failed, waiting or asks, with the reason in `error`."""

    endpoint: str
    deployment: int | None
    model: str
    version: int
    state: str
    error: str = ""


def deliver(desk: Desk, *, endpoint: str | None = None, owner: str = "cli", early: bool = False) -> list[Delivered]:
    """Send what is due, to one endpoint or to all; an endpoint that another process is sending to is left to it.

    `early` is for a person who asks: it does not wait for back-off or breaker. A message that must be tried again,
    or that is so old that it asks a person again, holds up those behind it. Never raises for an endpoint's faults:
    they are in the answer, the deployment and the endpoint's row. Raises StoreUnusable.
    """
    results: list[Delivered] = []
    known = {each.name for each in rows.endpoints(desk.store)}
    for name in outbox.addressed(desk.store):
        if name in known and endpoint in (None, name):
            with outbox.alone(desk.home, name) as ours:
                results += _send_all(desk, name, owner, early) if ours else []
    return results


def _send_all(desk: Desk, name: str, owner: str, early: bool) -> list[Delivered]:
    results: list[Delivered] = []
    while True:
        endpoint = rows.endpoint(desk.store, name)
        now = desk.now_us()
        if endpoint.paused or (breaker.is_open(endpoint, now) and not early):
            return results
        with desk.write() as tx:
            message = outbox.claim(tx, now, name, owner, early=early, asks_before_us=waiting.asks_before_us(desk))
        if message is None:
            return [*results, *_held_up(desk, name)]
        crashpoint.at("deliver.claimed")
        outcome = _tell(desk, endpoint, message)
        crashpoint.at("deliver.activated")
        results.append(_settle(desk, endpoint, message, outcome))
        crashpoint.at("deliver.settled")
        if results[-1].state == "waiting":
            return results


def _held_up(desk: Desk, name: str) -> list[Delivered]:
    """The message at the head of the line where it is not sent because it asks a person again."""
    head = outbox.waiting(desk.store, name)[:1]
    why = "it waits for so long that it asks again: `tocsin outbox confirm {0}` sends it, `outbox drop {0}` does not"
    return [
        Delivered(name, one.deployment, one.body["model"], one.body["version"], "asks", why.format(one.id))
        for one in head
        if one.asks(waiting.asks_before_us(desk))
    ]


def _tell(desk: Desk, endpoint: Endpoint, message: Message) -> Outcome:
    """Place the version's model file and activate it; outside any transaction."""
    from core.registry import versions

    model, version = message.body["model"], message.body["version"]
    try:
        adapter = connect(endpoint)
    except TocsinError as error:
        return Outcome("later", error.message, answered=False)
    try:
        sha256 = versions.version(desk.store, model, version).artefact
        content = desk.blobs.read(sha256)
    except TocsinError as error:
        return Outcome("never", error.message)
    placed = adapter.place(model, version, content, sha256)
    crashpoint.at("deliver.placed")
    return adapter.activate(model, version, message.key) if placed.kind == "done" else placed


def _settle(desk: Desk, endpoint: Endpoint, message: Message, outcome: Outcome) -> Delivered:
    now = desk.now_us()
    with desk.write() as tx:
        if outcome.answered:
            breaker.answered(tx, endpoint, now)
        else:
            breaker.failed(tx, endpoint, now, outcome.error)
        if outcome.kind == "done":
            state = _applied(desk, tx, message, now)
        elif outcome.kind == "never":
            state = _refused(desk, tx, message, now, outcome.error)
        else:
            state = _again(tx, message, now, outcome)
    body = message.body
    return Delivered(endpoint.name, message.deployment, body["model"], body["version"], state, outcome.error)


def _applied(desk: Desk, tx: Tx, message: Message, now: int) -> str:
    from core.registry import versions

    if outbox.done(tx, now, message) and message.deployment is not None:
        one = rows.deployment(tx, message.deployment)
        before = deploy.active(tx, one.endpoint, one.model)
        tx.execute(rows.SET_APPLIED, (now, one.id))
        _record(desk, tx, one, "applied", before.version if before else None, one.reason)
        versions.take_over(desk, tx, one.model, one.version)
    return "applied"


def _refused(desk: Desk, tx: Tx, message: Message, now: int, error: str) -> str:
    if outbox.bury(tx, now, message, error) and message.deployment is not None:
        one = rows.deployment(tx, message.deployment)
        tx.execute(rows.SET_FAILED, (error, one.id))
        _record(desk, tx, one, "failed", one.previous, error)
        tx.execute(rows.SET_ERROR, (error, one.endpoint))
    return "failed"


def _again(tx: Tx, message: Message, now: int, outcome: Outcome) -> str:
    wait = max(outbox.backoff_us(message.key, message.attempts), outcome.retry_after_us or 0)
    if outbox.retry(tx, now + wait, message, outcome.error) and message.deployment is not None:
        tx.execute(rows.SET_WAITING, (outcome.error, message.deployment))
    return "waiting"


def _record(desk: Desk, tx: Tx, one: Deployment, end: str, previous: int | None, reason: str) -> None:
    data = {"deployment": one.id, "previous": previous, "reason": reason}
    if one.kind == "rollback":
        data["automatic"] = one.automatic
    desk.record(
        tx,
        f"{one.kind}.{end}",
        model=one.model,
        version=one.version,
        endpoint=one.endpoint,
        incident=one.incident,
        data=data,
    )
