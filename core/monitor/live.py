"""Which versions of a model answer requests now, and where."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotFound
from core.store import Store


@dataclass(frozen=True)
class Served:
    """A version that an endpoint serves, and since when."""

    endpoint: str
    model: str
    version: int
    since_us: int


def served(store: Store, model: str, endpoint: str | None = None, version: int | None = None) -> list[Served]:
    """The version active on each endpoint (or on one), by endpoint; another version of it where one is named.

    Raises NotFound where the model does not exist or is served nowhere that was asked for.
    """
    from core.endpoints import deploy, rows
    from core.registry import versions

    versions.version(store, model, version)
    found = []
    for place, name in rows.pairs(store):
        active = deploy.active(store, place, name) if name == model and endpoint in (None, place) else None
        if active:
            found.append(Served(place, model, version or active.version, active.since_us))
    if not found:
        where = f" on {endpoint}" if endpoint else ""
        raise NotFound(f"{model} is not served{where}", f"`tocsin deploy start {model}` puts it on an endpoint")
    return found
