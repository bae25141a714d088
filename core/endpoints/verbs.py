"""Add endpoints, look whether they answer, pause and resume them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit

from core.access import secrets
from core.desk import Desk
from core.endpoints import breaker, deploy, rows
from core.endpoints.adapter import adapter_class, connect
from core.endpoints.rows import Endpoint
from core.errors import BadInput, TocsinError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Served:
    """One model on an endpoint: the version it says is active, and the one that was deployed; None for none."""

    model: str
    active: int | None
    expected: int | None

    @property
    def fits(self) -> bool:
        """Whether the endpoint serves what was deployed."""
        return self.expected is None or self.active == self.expected


@dataclass(frozen=True)
class Checkup:
    """An endpoint that answered: how long that took, its clock less ours, and what it serves by model."""

    endpoint: str
    took_us: int
    skew_us: int
    boot: str
    served: list[Served]

    @property
    def fits(self) -> bool:
        """Whether every model is as it was deployed."""
        return all(each.fits for each in self.served)


def add(desk: Desk, name: str, url: str, token_ref: str, adapter: str = "embedded") -> Endpoint:
    """Make an endpoint known, or give a known one another address or token; nothing is sent to it yet.

    Raises BadInput for a name, URL or token reference that does not fit, NotFound for an adapter that is not
    installed.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for an endpoint", "use letters, digits, dots, dashes and underscores")
    require_url(url)
    adapter_class(adapter)
    token_ref = secrets.checked(token_ref)
    with desk.write() as tx:
        known = tx.one(rows.ENDPOINT, (name,))
        if known is None:
            tx.execute(rows.ADD, (name, adapter, url.rstrip("/"), token_ref, desk.now_us()))
        else:
            tx.execute(rows.MOVE, (adapter, url.rstrip("/"), token_ref, name))
        desk.record(tx, "endpoint.added", endpoint=name, data={"adapter": adapter, "changed": known is not None})
        return rows.endpoint(tx, name)


def require_url(url: str) -> None:
    """Raises BadInput for what is no URL of a server."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        fits = False
    if not fits:
        raise BadInput(f"{url!r} is no URL of a server", "write it as http://127.0.0.1:8900")


def pause(desk: Desk, name: str) -> Endpoint:
    """Send nothing to an endpoint and read nothing from it until it is resumed. Raises NotFound."""
    return _set_state(desk, name, "paused", "endpoint.paused")


def resume(desk: Desk, name: str) -> Endpoint:
    """Go on with a paused endpoint. Raises NotFound."""
    return _set_state(desk, name, "active", "endpoint.resumed")


def _set_state(desk: Desk, name: str, state: str, kind: str) -> Endpoint:
    with desk.write() as tx:
        if rows.endpoint(tx, name).state != state:
            tx.execute(rows.SET_STATE, (state, name))
            desk.record(tx, kind, endpoint=name)
        return rows.endpoint(tx, name)


def health(desk: Desk, name: str) -> Checkup:
    """Ask an endpoint how it is, though it be paused or its breaker open.

    Raises NotFound, RemoteUnreachable where it does not answer, RemoteRefused where it does not let us in or answers
    what nobody can read; the endpoint's row says so afterwards.
    """
    endpoint = rows.endpoint(desk.store, name)
    began = perf_counter()
    try:
        found = connect(endpoint).health()
    except TocsinError as error:
        with desk.write() as tx:
            tx.execute(rows.SET_ERROR, (error.message, name))
        raise
    took_us = int((perf_counter() - began) * 1e6)
    skew_us = found.now_us - desk.now_us()
    with desk.write() as tx:
        breaker.answered(tx, endpoint, desk.now_us(), skew_us)
    models = sorted({*found.active, *(model for place, model in rows.pairs(desk.store) if place == name)})
    return Checkup(name, took_us, skew_us, found.boot, [_served(desk, name, each, found.active) for each in models])


def _served(desk: Desk, endpoint: str, model: str, active: object) -> Served:
    assert hasattr(active, "get")
    expected = deploy.active(desk.store, endpoint, model)
    return Served(model, active.get(model), expected.version if expected else None)
