"""Fold what the objectives say into alerts: fire once, repeat silently, escalate, resolve with hysteresis."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from core.alerts import rows
from core.alerts.rows import Alert
from core.desk import Desk
from core.ledger.chain import canonical
from core.slo.findings import Finding, Findings
from core.store import Tx

RETIRED = "SELECT 1 FROM slo WHERE id = ? AND retired_us IS NOT NULL"


@dataclass
class Changes:
    """The numbers of the alerts that fired, escalated (to a page, or as a ticket once) and resolved."""

    fired: list[int] = field(default_factory=list)
    escalated: list[int] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)


def fingerprint(environment: str, finding: Finding) -> str:
    """An alert's identity: where and what, never how badly, so that an escalation is the same alert."""
    labels = [environment, finding.model, finding.endpoint, finding.slo, finding.condition]
    return hashlib.sha256(json.dumps(labels).encode()).hexdigest()[:32]


def apply(desk: Desk, tx: Tx, findings: Findings) -> Changes:
    """Bring the alerts in line with the findings, in the caller's transaction; every change is a ledger event.

    A repeat is no event. A severity never falls within an episode: a page stays one until it resolves.
    """
    changes = Changes()
    waiting = {found.fingerprint: found for found in rows.firing(tx)}
    for finding in findings.findings:
        identity = fingerprint(desk.settings.environment, finding)
        found = waiting.pop(identity, None)
        if finding.said == "firing":
            _firing(desk, tx, findings.at_us, identity, finding, found, changes)
        elif found and finding.said == "clear":
            _clear(desk, tx, findings.at_us, finding, found, changes)
    for orphan in waiting.values():
        if orphan.slo is not None and tx.one(RETIRED, (orphan.slo,)):
            _resolve(desk, tx, findings.at_us, orphan, None, "objective retired", changes)
    return changes


def _firing(
    desk: Desk, tx: Tx, at_us: int, identity: str, finding: Finding, found: Alert | None, changes: Changes
) -> None:
    if found is None:
        changes.fired.append(_fire(desk, tx, at_us, identity, finding))
        return
    data = {name: value for name, value in found.data.items() if name != "clear_us"}
    if _worse(finding, found):
        data = _escalate(desk, tx, finding, found)
        changes.escalated.append(found.id)
    tx.execute(rows.REPEAT, (at_us, canonical(data), found.id))


def _worse(finding: Finding, found: Alert) -> bool:
    if finding.severity == "page" and found.severity == "ticket":
        return True
    return finding.escalates and not found.data.get("escalated")


def _fire(desk: Desk, tx: Tx, at_us: int, identity: str, finding: Finding) -> int:
    data = {**finding.data, "condition": finding.condition}
    if finding.escalates:
        data["escalated"] = True
    place = (finding.model, finding.endpoint, finding.summary, canonical(data), at_us, at_us)
    values = (identity, finding.slo_id, finding.rule, finding.family, finding.severity, *place)
    number = int(tx.execute(rows.INSERT, values).lastrowid)
    _record(desk, tx, "alert.fired", number, finding, None, {"severity": finding.severity})
    return number


def _escalate(desk: Desk, tx: Tx, finding: Finding, found: Alert) -> dict[str, Any]:
    severity = "page" if "page" in (finding.severity, found.severity) else "ticket"
    data = {**finding.data, "condition": finding.condition, "escalated": True}
    values = (severity, finding.rule, finding.family, finding.summary, canonical(data), found.id)
    tx.execute(rows.ESCALATE, values)
    change = {"severity": severity, "from": found.severity}
    _record(desk, tx, "alert.escalated", found.id, finding, found.incident, change)
    return data


def _clear(desk: Desk, tx: Tx, at_us: int, finding: Finding, found: Alert, changes: Changes) -> None:
    since = found.data.get("clear_us")
    if since is None:
        rows.note(tx, found, {**found.data, "clear_us": at_us})
    elif at_us - since >= finding.hold_us:
        _resolve(desk, tx, at_us, found, finding.version, "condition gone", changes)


def _resolve(desk: Desk, tx: Tx, at_us: int, found: Alert, version: int | None, reason: str, changes: Changes) -> None:
    tx.execute(rows.RESOLVE, (at_us, canonical(found.data), found.id))
    data = {"alert": found.id, "rule": found.rule, "severity": found.severity, "slo": found.slo_name}
    more = {"summary": found.summary, "reason": reason, "firing_us": at_us - found.started_us}
    desk.record(
        tx,
        "alert.resolved",
        model=found.model,
        version=version,
        endpoint=found.endpoint,
        incident=found.incident,
        data={**data, **more},
    )
    changes.resolved.append(found.id)


def _record(
    desk: Desk, tx: Tx, kind: str, number: int, finding: Finding, incident: int | None, change: dict[str, str]
) -> None:
    data = {"alert": number, "rule": finding.rule, "slo": finding.slo, "summary": finding.summary, **change}
    desk.record(
        tx,
        kind,
        model=finding.model,
        version=finding.version,
        endpoint=finding.endpoint,
        incident=incident,
        data={**data, "condition": finding.condition, "family": finding.family, **finding.data},
    )
