"""Endpoints as witnesses: they are given the ledger's newest anchor every hour, and asked what they were given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from core.desk import Desk
from core.endpoints import breaker, rows
from core.endpoints.adapter import ANCHORS, KeepsAnchors, connect
from core.endpoints.deploy import origin
from core.endpoints.rows import Endpoint
from core.errors import TocsinError
from core.ledger import anchors
from core.ledger.anchors import Anchor

RESTORED = "SELECT at_us, data FROM event WHERE kind = 'store.restored' ORDER BY seq"


class Witnesses:
    """Gives each endpoint the newest anchor once; which have it is remembered only as long as this process lives."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._given: dict[str, str] = {}

    def turn(self) -> None:
        """Give the newest anchor to every endpoint that has it not yet and can be reached; the others wait."""
        standing = anchors.read(self._desk.home.anchors_path)
        if not standing:
            return
        for endpoint in rows.endpoints(self._desk.store):
            left_alone = endpoint.paused or breaker.is_open(endpoint, self._desk.now_us())
            if not left_alone and self._given.get(endpoint.name) != standing[-1].mac:
                self._give(endpoint, standing[-1])

    def _give(self, endpoint: Endpoint, newest: Anchor) -> None:
        try:
            keeper = _keeper(endpoint)
            outcome = keeper.keep_anchor(origin(self._desk), newest) if keeper else None
        except TocsinError:
            # It has no token or no adapter at the moment: its row says so since its telemetry was asked for.
            return
        if outcome is None or outcome.kind != "later":
            self._given[endpoint.name] = newest.mac


@dataclass(frozen=True)
class Testimony:
    """What an endpoint holds against the ledger.

    `state` is agrees, differs, none (it holds none of this home's), cannot (it keeps none), paused or unreachable;
    `broken` is the first event that differs; `given_up` counts anchors of events that a restore left behind.
    """

    endpoint: str
    state: str
    anchors: int = 0
    given_up: int = 0
    broken: int | None = None
    said: str = ""


def testimonies(desk: Desk) -> list[Testimony]:
    """Ask every endpoint what it holds; one that cannot be asked is told, not raised. Raises StoreUnusable."""
    return [_asked(desk, endpoint) for endpoint in rows.endpoints(desk.store)]


def _asked(desk: Desk, endpoint: Endpoint) -> Testimony:
    if endpoint.paused:
        return Testimony(endpoint.name, "paused", said="it is paused, so it was not asked")
    try:
        keeper = _keeper(endpoint)
        held = keeper.kept_anchors(origin(desk)) if keeper else None
    except TocsinError as error:
        return Testimony(endpoint.name, "unreachable", said=error.message)
    if held is None:
        return Testimony(endpoint.name, "cannot", said=f"the adapter {endpoint.adapter} keeps no anchors")
    if not held:
        return Testimony(endpoint.name, "none", said="it holds no anchor given under this home's ledger key")
    return _compared(desk, endpoint.name, held)


def _compared(desk: Desk, name: str, held: Sequence[Anchor]) -> Testimony:
    lost = [(one, reason) for one in held if (reason := anchors.lost(desk.store, one))]
    restores = [(int(row["at_us"]), json.loads(row["data"])["events"]) for row in desk.store.read(RESTORED)]
    unexplained = [each for each in lost if not any(_left_behind(each[0], *restore) for restore in restores)]
    given_up = len(lost) - len(unexplained)
    if unexplained:
        one, reason = min(unexplained, key=lambda each: each[0].seq)
        return Testimony(name, "differs", len(held), given_up, one.seq, reason)
    said = f"{given_up} are of events that a restore left behind" if given_up else ""
    return Testimony(name, "agrees", len(held), given_up, said=said)


def _left_behind(one: Anchor, restored_us: int, events: int) -> bool:
    return one.seq > events and one.at_us <= restored_us


def _keeper(endpoint: Endpoint) -> KeepsAnchors | None:
    adapter = connect(endpoint)
    return cast(KeepsAnchors, adapter) if ANCHORS in adapter.capabilities else None
