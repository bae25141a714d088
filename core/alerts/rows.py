"""The rows of alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import NotFound
from core.ledger import Event
from core.ledger.chain import canonical
from core.slo.rules import Severity
from core.store import Row, Store, Tx

SELECT = "SELECT alert.*, slo.name AS slo_name FROM alert LEFT JOIN slo ON slo.id = alert.slo"
FIRING = f"{SELECT} WHERE state = 'firing' ORDER BY severity, started_us, alert.id"
ALL = f"{SELECT} ORDER BY alert.id DESC LIMIT ?"
ONE = f"{SELECT} WHERE alert.id = ?"
OF_INCIDENT = f"{SELECT} WHERE incident = ? ORDER BY alert.id"
HISTORY = """SELECT * FROM event WHERE kind IN ('alert.fired', 'alert.escalated', 'alert.resolved')
AND json_extract(data, '$.alert') = ? ORDER BY seq"""
INSERT = """INSERT INTO alert(fingerprint, slo, rule, family, severity, state, model, endpoint, summary, data,
started_us, seen_us) VALUES (?, ?, ?, ?, ?, 'firing', ?, ?, ?, ?, ?, ?)"""
REPEAT = "UPDATE alert SET seen_us = ?, repeats = repeats + 1, data = ? WHERE id = ?"
ESCALATE = "UPDATE alert SET severity = ?, rule = ?, family = ?, summary = ?, data = ? WHERE id = ?"
NOTE = "UPDATE alert SET data = ? WHERE id = ?"
RESOLVE = "UPDATE alert SET state = 'resolved', resolved_us = ?, data = ? WHERE id = ?"


@dataclass(frozen=True)
class Alert:
    """One episode of one condition, from firing to resolved.

    `data` holds the figures it fired with, `escalated` where it was, and `clear_us` since when its condition is gone.
    """

    id: int
    fingerprint: str
    slo: int | None
    slo_name: str | None
    rule: str
    family: str
    severity: Severity
    state: str
    model: str
    endpoint: str
    summary: str
    data: dict[str, Any]
    started_us: int
    seen_us: int
    resolved_us: int | None
    incident: int | None
    repeats: int

    @classmethod
    def of(cls, row: Row) -> Alert:
        """The alert of a row of `SELECT`."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "data"}
        return cls(data=json.loads(row["data"]), **plain)

    @property
    def firing(self) -> bool:
        """Whether it has not resolved."""
        return self.state == "firing"


def alerts(store: Store, firing_only: bool = True, limit: int = 200) -> list[Alert]:
    """The firing alerts, pages first and oldest first; or the newest `limit` of all, newest first."""
    return [Alert.of(row) for row in (store.read(FIRING) if firing_only else store.read(ALL, (limit,)))]


def alert(store: Store, alert_id: int) -> Alert:
    """One alert. Raises NotFound."""
    row = store.one(ONE, (alert_id,))
    if row is None:
        raise NotFound(f"there is no alert {alert_id}", "`tocsin alert list --all` shows them")
    return Alert.of(row)


def of_incident(store: Store, incident: int) -> list[Alert]:
    """The alerts that belong to an incident, oldest first."""
    return [Alert.of(row) for row in store.read(OF_INCIDENT, (incident,))]


def history(store: Store, alert_id: int) -> list[Event]:
    """What the ledger tells of an alert: when it fired, escalated and resolved, oldest first."""
    return [Event.of(row) for row in store.read(HISTORY, (alert_id,))]


def firing(tx: Tx) -> list[Alert]:
    """The firing alerts as this transaction sees them."""
    return [Alert.of(row) for row in tx.read(FIRING)]


def note(tx: Tx, found: Alert, data: Mapping[str, Any]) -> None:
    """Replace an alert's data."""
    tx.execute(NOTE, (canonical(data), found.id))
