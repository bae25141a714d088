"""The line above every screen: environment, mode, how old the data is, the endpoints, the daemon, the outbox."""

from __future__ import annotations

import os
from typing import NamedTuple

from core.clock import MINUTE
from core.desk import Desk
from core.store import Row
from core.work.beat import heartbeat, silent_after_us

ENDPOINTS = "SELECT name, state, seen_us, error FROM endpoint ORDER BY name"
WAITING = "SELECT count(*) AS n, min(created_us) AS oldest FROM outbox WHERE state IN ('waiting', 'claimed')"
OPEN = """SELECT count(*) AS n, sum(acked_us IS NULL) AS unacked FROM incident
WHERE state IN ('triage', 'active', 'mitigated', 'monitoring')"""

STALE_AFTER_US = 5 * MINUTE


class EndpointState(NamedTuple):
    """One endpoint as the store last knew it: `state` is ok, failing, paused or unseen; its age counts since then."""

    name: str
    state: str
    age_us: int | None
    error: str


class Header(NamedTuple):
    """What the status line says. Ages are microseconds, None where there never was one.

    `daemon` is ok, dead or none, `trouble` what it cannot do at the moment, `standby` whether a second one waits to
    take over; `waiting` counts changes that are queued
    and not yet applied on an endpoint.
    """

    environment: str
    read_only: bool
    now_us: int
    endpoints: tuple[EndpointState, ...]
    daemon: str
    daemon_age_us: int | None
    trouble: str
    standby: bool
    stale: bool
    waiting: int
    waiting_age_us: int | None
    asks_again: bool
    incidents: int
    unacked: int

    @property
    def data_age_us(self) -> int | None:
        """How long ago any endpoint last answered: the age of the newest data on the screen."""
        ages = [endpoint.age_us for endpoint in self.endpoints if endpoint.age_us is not None]
        return min(ages) if ages else None

    @property
    def worst(self) -> EndpointState | None:
        """The endpoint that needs attention most: failing, then unseen, then the one silent the longest."""
        order = {"failing": 0, "unseen": 1, "ok": 2, "paused": 3}
        ranked = sorted(self.endpoints, key=lambda one: (order[one.state], -(one.age_us or 0)))
        return ranked[0] if ranked else None


def header(desk: Desk) -> Header:
    """The status line's facts, from four small queries."""
    now = desk.now_us()
    states = tuple(_endpoint(row, now) for row in desk.store.read(ENDPOINTS))
    beat = heartbeat(desk)
    waiting = desk.store.read(WAITING)[0]
    waiting_age = None if waiting["oldest"] is None else max(0, now - waiting["oldest"])
    counts = desk.store.read(OPEN)[0]
    ages = [one.age_us for one in states if one.age_us is not None]
    return Header(
        environment=desk.settings.environment,
        read_only=desk.read_only or not os.access(desk.home.store_path, os.W_OK),
        now_us=now,
        endpoints=states,
        daemon="dead" if beat.state == "silent" else beat.state,
        daemon_age_us=beat.age_us,
        trouble=beat.trouble,
        standby=beat.standby,
        stale=bool(ages) and min(ages) > max(STALE_AFTER_US, silent_after_us(desk)),
        waiting=int(waiting["n"]),
        waiting_age_us=waiting_age,
        asks_again=bool(waiting["n"]) and _asks_again(desk),
        incidents=int(counts["n"]),
        unacked=int(counts["unacked"] or 0),
    )


def _asks_again(desk: Desk) -> bool:
    from core.endpoints.waiting import asking

    return bool(asking(desk))


def _endpoint(row: Row, now_us: int) -> EndpointState:
    name, state, seen, error = row["name"], row["state"], row["seen_us"], row["error"]
    word = "paused" if state == "paused" else "failing" if error else "unseen" if seen is None else "ok"
    return EndpointState(name, word, None if seen is None else max(0, now_us - seen), error or "")
