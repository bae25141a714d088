"""The rows of endpoints and deployments, and the SQL that moves them."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotFound
from core.store import Row, Store, Tx

ENDPOINTS = "SELECT * FROM endpoint ORDER BY name"
ENDPOINT = "SELECT * FROM endpoint WHERE name = ?"
ADD = "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES (?, ?, ?, ?, ?)"
MOVE = (
    "UPDATE endpoint SET adapter = ?, url = ?, token_ref = ?, breaker_failures = 0, breaker_until_us = 0 WHERE name = ?"
)
SET_STATE = "UPDATE endpoint SET state = ? WHERE name = ?"
SEEN = "UPDATE endpoint SET seen_us = ?, error = NULL, skew_us = coalesce(?, skew_us) WHERE name = ?"
SET_CURSOR = "UPDATE endpoint SET boot = ?, cursor = ? WHERE name = ?"
SET_ERROR = "UPDATE endpoint SET error = ? WHERE name = ?"
SET_BREAKER = "UPDATE endpoint SET breaker_failures = ?, breaker_until_us = ? WHERE name = ?"

REQUEST = """INSERT INTO deployment(endpoint, model, version, previous, kind, state, reason, automatic, incident,
requested_us) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?)"""
DEPLOYMENT = "SELECT * FROM deployment WHERE id = ?"
OF_TARGET = "SELECT * FROM deployment WHERE endpoint = ? AND model = ? ORDER BY id"
QUEUED = "SELECT * FROM deployment WHERE endpoint = ? AND model = ? AND state = 'queued' ORDER BY id"
# In the order of their numbers, which is the order they were sent in: a clock may have been set back between them.
APPLIED = "SELECT * FROM deployment WHERE endpoint = ? AND model = ? AND state = 'applied' ORDER BY id"
NEWEST = """SELECT * FROM deployment WHERE (:endpoint IS NULL OR endpoint = :endpoint)
AND (:model IS NULL OR model = :model) ORDER BY id DESC LIMIT :limit"""
PAIRS = "SELECT DISTINCT endpoint, model FROM deployment ORDER BY endpoint, model"
SET_APPLIED = "UPDATE deployment SET state = 'applied', applied_us = ?, error = NULL WHERE id = ? AND state = 'queued'"
SET_FAILED = "UPDATE deployment SET state = 'failed', error = ? WHERE id = ? AND state = 'queued'"
SET_SUPERSEDED = "UPDATE deployment SET state = 'superseded' WHERE id = ? AND state = 'queued'"
SET_QUEUED = "UPDATE deployment SET state = 'queued', error = NULL WHERE id = ? AND state IN ('queued', 'failed')"
NEWER = """SELECT * FROM deployment WHERE endpoint = ? AND model = ? AND id > ? AND state IN ('queued', 'applied')
ORDER BY id DESC LIMIT 1"""
SET_WAITING = "UPDATE deployment SET error = ? WHERE id = ? AND state = 'queued'"


@dataclass(frozen=True)
class Endpoint:
    """Where models are served, when it last answered, and how far its telemetry has been read.

    `skew_us` is its clock less ours; `error` is why it did not answer last time, None where it did.
    """

    name: str
    adapter: str
    url: str
    token_ref: str
    state: str
    added_us: int
    seen_us: int | None
    error: str | None
    skew_us: int | None
    boot: str | None
    cursor: int
    breaker_failures: int
    breaker_until_us: int

    @classmethod
    def of(cls, row: Row) -> Endpoint:
        """The endpoint of a row of the `endpoint` table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    @property
    def paused(self) -> bool:
        """Whether nothing is sent to it or read from it for now."""
        return self.state == "paused"


@dataclass(frozen=True)
class Deployment:
    """One wish that an endpoint serve a version, and what became of it.

    `kind` is deploy or rollback; `state` goes from queued to applied, failed or superseded; `previous` is what was
    active when it was asked for.
    """

    id: int
    endpoint: str
    model: str
    version: int
    previous: int | None
    kind: str
    state: str
    reason: str
    automatic: bool
    incident: int | None
    requested_us: int
    applied_us: int | None
    error: str | None

    @classmethod
    def of(cls, row: Row) -> Deployment:
        """The deployment of a row of the `deployment` table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "automatic"}
        return cls(automatic=bool(row["automatic"]), **plain)


def endpoints(store: Store) -> list[Endpoint]:
    """All endpoints by name."""
    return [Endpoint.of(row) for row in store.read(ENDPOINTS)]


def endpoint(store: Store | Tx, name: str) -> Endpoint:
    """One endpoint. Raises NotFound."""
    row = store.one(ENDPOINT, (name,))
    if row is None:
        raise NotFound(f"there is no endpoint {name!r}", "`tocsin endpoint list` shows them; `endpoint add` makes one")
    return Endpoint.of(row)


def deployment(store: Store | Tx, number: int) -> Deployment:
    """One deployment. Raises NotFound."""
    row = store.one(DEPLOYMENT, (number,))
    if row is None:
        raise NotFound(f"there is no deployment {number}", "`tocsin deploy history` shows them")
    return Deployment.of(row)


def queued(store: Store | Tx, endpoint: str, model: str) -> list[Deployment]:
    """The deployments of a model that the endpoint has not answered yet, oldest first."""
    return [Deployment.of(row) for row in store.read(QUEUED, (endpoint, model))]


def applied(store: Store | Tx, endpoint: str, model: str) -> list[Deployment]:
    """The deployments that the endpoint has applied, in the order it did."""
    return [Deployment.of(row) for row in store.read(APPLIED, (endpoint, model))]


def pairs(store: Store) -> list[tuple[str, str]]:
    """Every (endpoint, model) for which a deployment was ever asked."""
    return [(row["endpoint"], row["model"]) for row in store.read(PAIRS)]
