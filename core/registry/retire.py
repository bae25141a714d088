"""Retirement: a version leaves for good, but never from under an endpoint that serves it."""

from __future__ import annotations

from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.registry.aliases import aliases
from core.registry.served import queued, served
from core.registry.versions import Version, move, version, versions
from core.store import Store, Tx


def retire(desk: Desk, model: str, number: int | None = None, *, reason: str) -> list[Version]:
    """Retire a version, or every version of a model; returns those that were not retired before.

    Its model file is kept, so that what it once answered can be explained. Raises NotFound, BadInput without a
    reason, CheckFailed naming the endpoint that serves it or waits for it, or the alias that stands for it.
    """
    if not reason.strip():
        raise BadInput("retiring needs a reason", "say with --reason why it goes")
    with desk.write() as tx:
        going = leaving(tx, model, number)
        for found in going:
            move(desk, tx, found, "retired")
            desk.record(tx, "model.retired", model=model, version=found.version, data={"reason": reason})
        return [version(tx, model, found.version) for found in going]


def leaving(store: Store | Tx, model: str, number: int | None) -> list[Version]:
    """The versions that would be retired. Raises NotFound, and CheckFailed naming what still holds one."""
    asked = versions(store, model) if number is None else [version(store, model, number)]
    for found in asked:
        _require_free(store, found)
    return [found for found in asked if found.stage != "retired"]


def _require_free(store: Store | Tx, found: Version) -> None:
    what = f"{found.model} v{found.version}"
    for places, how, hint in (
        (served(store, found.model), "is served on", "deploy another version there, or stop serving the model, first"),
        (queued(store, found.model), "waits to be served on", "drop what waits: `tocsin outbox list`"),
    ):
        names = [place.endpoint for place in places if place.version == found.version]
        if names:
            raise CheckFailed(f"{what} {how} {', '.join(names)}", hint)
    names = [name for name, number in aliases(store, found.model).items() if number == found.version]
    if names:
        raise CheckFailed(
            f"{what} is what {found.model}@{names[0]} stands for",
            f"point it elsewhere, or `tocsin model alias {found.model} {names[0]} --remove`",
        )
