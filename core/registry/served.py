"""Where a model's versions are served, and where they are on their way to."""

from __future__ import annotations

from dataclasses import dataclass

from core.store import Row, Store, Tx

# What was applied last is what is active, whether a deploy or a rollback brought it.
ACTIVE = """SELECT endpoint, model, version, applied_us AS since_us FROM deployment d WHERE state = 'applied'
AND (:model IS NULL OR model = :model) AND id = (SELECT max(id) FROM deployment l
WHERE l.endpoint = d.endpoint AND l.model = d.model AND l.state = 'applied') ORDER BY endpoint, model"""
QUEUED = """SELECT endpoint, model, version, requested_us AS since_us FROM deployment WHERE state = 'queued'
AND (:model IS NULL OR model = :model) ORDER BY endpoint, id"""


@dataclass(frozen=True)
class Place:
    """A version at an endpoint, and since when it is served or queued there."""

    endpoint: str
    model: str
    version: int
    since_us: int

    @classmethod
    def of(cls, row: Row) -> Place:
        """The place of a row."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


def served(store: Store | Tx, model: str | None = None) -> list[Place]:
    """What every endpoint serves, of one model where given; an endpoint that never applied any is left out."""
    return [Place.of(row) for row in store.read(ACTIVE, {"model": model})]


def queued(store: Store | Tx, model: str | None = None) -> list[Place]:
    """What waits to be served, of one model where given."""
    return [Place.of(row) for row in store.read(QUEUED, {"model": model})]
