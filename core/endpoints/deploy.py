"""Which version an endpoint is to serve, which it serves, and which it could go back to."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from dataclasses import dataclass

from core.desk import Desk
from core.endpoints import rows
from core.endpoints.rows import Deployment
from core.errors import CheckFailed
from core.ledger.chain import key_of
from core.store import Store, Tx
from core.work import outbox


@dataclass(frozen=True)
class Active:
    """The version an endpoint serves, since when, and the deployment (kind deploy or rollback) that brought it."""

    version: int
    since_us: int
    deployment_id: int
    kind: str


@dataclass(frozen=True)
class Wish:
    """What is asked for: that an endpoint serve a version, by whom and why."""

    kind: str
    endpoint: str
    model: str
    version: int
    reason: str
    automatic: bool
    incident: int | None


@dataclass(frozen=True)
class Target:
    """The known-good version to go back to, for how long it was active in all, and the version to leave."""

    version: int
    healthy_us: int
    from_version: int


def active(store: Store | Tx, endpoint: str, model: str) -> Active | None:
    """What the endpoint was last seen to apply; None where it never applied any version of the model."""
    stack = standing(rows.applied(store, endpoint, model))
    return stack[-1] if stack else None


def standing(applied: list[Deployment]) -> list[Active]:
    """The versions that stand on each other after a series of applied deployments, the active one last.

    A deploy puts a version on top. A rollback takes off what is above the version it goes back to, so a version that
    was left by a rollback is never offered as a way back. Applying the version on top changes nothing.
    """
    stack: list[Active] = []
    for one in applied:
        assert one.applied_us is not None
        if stack and stack[-1].version == one.version:
            continue
        if one.kind == "rollback" and any(below.version == one.version for below in stack):
            while stack[-1].version != one.version:
                stack.pop()
            stack.pop()
        stack.append(Active(one.version, one.applied_us, one.id, one.kind))
    return stack


def target(store: Store | Tx, endpoint: str, model: str) -> Target | None:
    """The version a rollback would go to: the one below the active one that is not retired; None where none is."""
    applied = rows.applied(store, endpoint, model)
    stack = standing(applied)
    for below in reversed(stack[:-1]):
        if below.version != stack[-1].version and not _retired(store, model, below.version):
            return Target(below.version, _served_us(applied, below.version), stack[-1].version)
    return None


def _served_us(applied: list[Deployment], version: int) -> int:
    spans = itertools.pairwise(applied)
    return sum((b.applied_us or 0) - (a.applied_us or 0) for a, b in spans if a.version == version)


STAGE = "SELECT stage FROM model_version WHERE model = ? AND version = ?"


def _retired(store: Store | Tx, model: str, version: int) -> bool:
    row = store.one(STAGE, (model, version))
    return row is None or row["stage"] == "retired"


def history(store: Store, endpoint: str | None = None, model: str | None = None, limit: int = 50) -> list[Deployment]:
    """The newest deployments that fit the filters, newest first."""
    params = {"endpoint": endpoint, "model": model, "limit": limit}
    return [Deployment.of(row) for row in store.read(rows.NEWEST, params)]


def request(
    desk: Desk,
    endpoint: str,
    model: str,
    version: int,
    *,
    reason: str = "",
    automatic: bool = False,
    incident: int | None = None,
    again: bool = False,
) -> Deployment:
    """Ask that an endpoint serve a version: a deployment, its message and its event in one transaction.

    The endpoint hears of it at the next delivery. A deployment still waiting for the same model is superseded, and so
    is the same wish where it has waited so long that it asks again.
    Raises NotFound (endpoint, model, version), CheckFailed where it is retired, already active (unless `again`),
    already queued, or not approved or not past its gate though its model is critical.
    """
    from core.registry.gate import require_cleared

    with desk.write() as tx:
        rows.endpoint(tx, endpoint)
        _require_deployable(desk, model, version)
        require_cleared(tx, model, version, desk.now_us())
        now = active(tx, endpoint, model)
        if now and now.version == version and not again and not rows.queued(tx, endpoint, model):
            raise CheckFailed(
                f"{model} v{version} is already active on {endpoint}", "to send it again all the same add --again"
            )
        return _queue(desk, tx, Wish("deploy", endpoint, model, version, reason, automatic, incident), now)


def rollback(
    desk: Desk,
    endpoint: str,
    model: str,
    *,
    to: int | None = None,
    reason: str,
    automatic: bool = False,
    incident: int | None = None,
    expect_active: int | None = None,
) -> Deployment:
    """Ask that an endpoint go back to the version before the active one, or to the version `to`.

    A version that was served here before needs no approval and no gate, however critical its model is. What still
    waits for the same model, however old, is superseded in the same transaction: a rollback never waits behind it.
    Raises CheckFailed where the active version is no longer `expect_active`, where there is nothing to go back to,
    where the same is queued already, or where `to` was never served here and is not cleared; NotFound for an unknown
    endpoint or version.
    """
    with desk.write() as tx:
        rows.endpoint(tx, endpoint)
        now = active(tx, endpoint, model)
        _require_expected(endpoint, model, now, expect_active)
        if to is None:
            back = target(tx, endpoint, model)
            if back is None:
                raise CheckFailed(
                    f"{endpoint} has no earlier good version of {model} to go back to",
                    "name one with --to, or `tocsin deploy start` another version",
                )
            to = back.version
        _require_deployable(desk, model, to)
        if all(one.version != to for one in rows.applied(tx, endpoint, model)):
            # Where it never was there is no way back: that is a deploy by another name.
            from core.registry.gate import require_cleared

            require_cleared(tx, model, to, desk.now_us())
        if now and now.version == to and not rows.queued(tx, endpoint, model):
            raise CheckFailed(f"{model} v{to} is already active on {endpoint}", "nothing is to be rolled back")
        return _queue(desk, tx, Wish("rollback", endpoint, model, to, reason, automatic, incident), now)


def _require_expected(endpoint: str, model: str, now: Active | None, expected: int | None) -> None:
    if expected is None or (now is not None and now.version == expected):
        return
    found = f"v{now.version} is" if now else "no version is"
    raise CheckFailed(
        f"{found} active for {model} on {endpoint}, not v{expected}: someone has changed it meanwhile",
        "look at `tocsin deploy status` and decide again",
    )


def _require_deployable(desk: Desk, model: str, version: int) -> None:
    from core.registry import versions

    found = versions.version(desk.store, model, version)
    if found.stage == "retired":
        raise CheckFailed(f"{model} v{version} is retired", "choose another version: `tocsin model list`")


def _queue(desk: Desk, tx: Tx, wish: Wish, now: Active | None) -> Deployment:
    superseded = _supersede(desk, tx, wish)
    previous = now.version if now else None
    at_us = desk.now_us()
    number = _insert(tx, wish, previous, at_us)
    body = {"model": wish.model, "version": wish.version}
    outbox.put(tx, at_us, wish.endpoint, f"{origin(desk)}/deployment/{number}", "activate", body, number)
    data: dict[str, object] = {"deployment": number, "previous": previous, "reason": wish.reason}
    if superseded:
        data["superseded"] = superseded
    desk.record(
        tx,
        f"{wish.kind}.requested",
        model=wish.model,
        version=wish.version,
        endpoint=wish.endpoint,
        incident=wish.incident,
        data={**data, "automatic": wish.automatic},
    )
    return rows.deployment(tx, number)


def _insert(tx: Tx, wish: Wish, previous: int | None, at_us: int) -> int:
    values = (wish.endpoint, wish.model, wish.version, previous, wish.kind, wish.reason)
    return int(tx.execute(rows.REQUEST, (*values, int(wish.automatic), wish.incident, at_us)).lastrowid)


def _supersede(desk: Desk, tx: Tx, wish: Wish) -> list[int]:
    """Take back what still waits; what is on its way at this moment stays, and is applied before the new one.

    A person who asks anew for what has waited so long that it asks again has answered it.
    """
    gone: list[int] = []
    waiting = rows.queued(tx, wish.endpoint, wish.model)
    if waiting and waiting[-1].version == wish.version and (wish.automatic or not _asks(desk, tx, waiting[-1])):
        raise CheckFailed(
            f"{wish.model} v{wish.version} is already queued for {wish.endpoint}",
            "`tocsin endpoint sync` tries to deliver it now",
        )
    for older in waiting:
        if outbox.withdraw(tx, desk.now_us(), older.id):
            tx.execute(rows.SET_SUPERSEDED, (older.id,))
            gone.append(older.id)
    return gone


def _asks(desk: Desk, tx: Tx, one: Deployment) -> bool:
    from core.endpoints.waiting import asks_before_us

    before = asks_before_us(desk)
    return any(message.deployment == one.id and message.asks(before) for message in outbox.waiting(tx, one.endpoint))


def origin(desk: Desk) -> str:
    """A name of this home for endpoints, without which two homes' keys would look like repeats of each other."""
    return hmac.new(key_of(desk.home), b"origin", hashlib.sha256).hexdigest()[:16]
