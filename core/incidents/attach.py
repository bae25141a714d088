"""Alerts become incidents: a page opens one or joins the open one, a ticket only joins; incidents follow events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from core.clock import HOUR
from core.desk import Desk
from core.incidents.impact import impact_start
from core.incidents.rows import (
    ALERT,
    JOIN_ALERT,
    OPEN,
    Incident,
    alerts_of,
    incident,
    insert,
    objective,
    open_with_key,
)
from core.incidents.states import shift
from core.store import Row, Store, Tx

QUIET = HOUR
# Conditions that tell of what was spent, and stay true for days after a service is well again.
LASTING = ("budget", "breach")
ROLLED_BACK = """SELECT at_us, version FROM event
WHERE kind = 'rollback.applied' AND model = ? AND endpoint = ? AND at_us >= ? ORDER BY seq LIMIT 1"""
# A rollback from before the incident came back did not mend it.
CAME_BACK = """SELECT max(at_us) AS at_us FROM event WHERE incident = ? AND kind = 'incident.moved'
AND json_extract(data, '$.to') = 'active' AND json_extract(data, '$.from') NOT IN ('triage', 'active')"""


class Changes(Protocol):
    """What folding the alerts changed: the numbers of alert rows."""

    @property
    def fired(self) -> Sequence[int]: ...
    @property
    def escalated(self) -> Sequence[int]: ...
    @property
    def resolved(self) -> Sequence[int]: ...


def attach(desk: Desk, tx: Tx, changes: Changes) -> list[int]:
    """Give the alerts that fired or escalated their incidents, in the caller's transaction.

    Returns the numbers of the incidents that were opened, to be investigated afterwards; an empty list where all
    alerts joined open ones, or were tickets with nothing to join.
    """
    opened = []
    for number in [*changes.fired, *changes.escalated]:
        alert = tx.one(ALERT, (number,))
        if alert is None or alert["state"] != "firing":
            continue
        found = open_with_key(tx, key_of(desk, alert))
        if found is None and alert["severity"] == "page":
            found = _open(desk, tx, alert)
            opened.append(found.id)
        if found is not None and alert["incident"] != found.id:
            _join(desk, tx, found, alert)
    return opened


def key_of(desk: Desk, alert: Row) -> str:
    """What related alerts share. A deploy is no part of it, so that a rollback does not split the incident."""
    return "|".join((desk.settings.environment, alert["model"], alert["endpoint"], alert["family"]))


def _open(desk: Desk, tx: Tx, alert: Row) -> Incident:
    impact_us, origin = impact_start(desk.store, tx, alert)
    now = desk.now_us()
    fields: dict[str, Any] = {
        "key": key_of(desk, alert),
        "title": f"{alert['model']} on {alert['endpoint']}: {alert['summary'].partition(';')[0]}",
        "severity": _severity(tx, alert),
        "model": alert["model"],
        "endpoint": alert["endpoint"],
        "family": alert["family"],
        "impact_us": min(impact_us, now),
        "impact_origin": origin,
        "detected_us": now,
        "notified_us": now,
    }
    number = insert(tx, fields)
    data = {name: fields[name] for name in ("title", "severity", "family", "impact_us", "impact_origin")}
    desk.record(tx, "incident.opened", model=alert["model"], endpoint=alert["endpoint"], incident=number, data=data)
    return incident(tx, number)


def _severity(tx: Tx, alert: Row) -> int:
    """1 where the SLO or the model is critical, 2 for any other page."""
    slo = objective(tx, alert["slo"])
    model = tx.one("SELECT critical FROM model WHERE name = ?", (alert["model"],))
    critical = (slo is not None and slo.critical) or (model is not None and bool(model["critical"]))
    return 1 if critical else 2


def _join(desk: Desk, tx: Tx, found: Incident, alert: Row) -> None:
    tx.execute(JOIN_ALERT, (found.id, alert["id"]))
    data = {"alert": alert["id"], "rule": alert["rule"], "severity": alert["severity"]}
    desk.record(tx, "incident.attached", model=found.model, endpoint=found.endpoint, incident=found.id, data=data)
    if found.state == "monitoring" and alert["severity"] == "page":
        shift(desk, tx, found, "active", reason="it fires again")


def settle(desk: Desk) -> list[int]:
    """Move the open incidents that have something to follow; returns the numbers of those that moved.

    One cheap query where no incident is open. A resolved alert that fires again is a new alert and joins again, so an
    incident that is monitored goes back by `attach`.
    """
    moved = []
    for row in desk.store.read(OPEN):
        found = Incident.of(row)
        if _step(desk, desk.store, found) is None:
            continue
        with desk.write() as tx:
            found = incident(tx, found.id)
            step = _step(desk, tx, found) if found.open else None
            if step:
                to, reason, at_us = step
                shift(desk, tx, found, to, reason=reason, at_us=at_us)
                moved.append(found.id)
    return moved


def _step(desk: Desk, store: Store | Tx, found: Incident) -> tuple[str, str, int | None] | None:
    """The next (state, reason, when it happened), or None where nothing is to be followed."""
    if found.state in ("triage", "active"):
        rolled = _rolled_back(store, found)
        if rolled:
            return "mitigated", f"rolled back to v{rolled['version']}", int(rolled["at_us"])
    quiet_since = _quiet_since(alerts_of(store, found.id))
    if quiet_since is None:
        return None
    if found.state != "monitoring":
        return "monitoring", "all its alerts have resolved", quiet_since
    if desk.now_us() - quiet_since >= QUIET:
        return "resolved", "quiet for an hour", None
    return None


def _rolled_back(store: Store | Tx, found: Incident) -> Row | None:
    back = store.one(CAME_BACK, (found.id,))
    since = max(found.detected_us, (back and back["at_us"]) or 0)
    return store.one(ROLLED_BACK, (found.model, found.endpoint, since))


def _quiet_since(alerts: list[Row]) -> int | None:
    """When the last of its alerts resolved; None while one fires, or where none ever joined.

    What was spent of a budget stays spent for days after the service is well: where an incident has alerts of another
    kind, those that only tell of it do not keep it open.
    """
    watched = [alert for alert in alerts if json.loads(alert["data"]).get("condition") not in LASTING] or alerts
    if not watched or any(alert["state"] == "firing" for alert in watched):
        return None
    return max(int(alert["resolved_us"]) for alert in watched)
