"""The first screen: what is broken, since when, what changed, what to do; and the hand-over when nothing is."""

from __future__ import annotations

from typing import NamedTuple

from core.briefing.budgets import Budget, budgets
from core.briefing.header import Header, header
from core.briefing.incident import (
    Incident,
    Moment,
    Proof,
    Rollback,
    Suspect,
    helps_of,
    incident_of,
    moment,
    moments_of,
    proof_of,
    rollback_of,
    suspects_of,
    trends_of,
)
from core.briefing.runbook import step_count
from core.briefing.tell import CHANGES
from core.briefing.trends import DriftDay, Trend, drift_days, quality
from core.clock import DAY
from core.desk import Desk
from core.ledger import timeline
from core.store import Row

OPEN = """SELECT * FROM incident WHERE state IN ('triage', 'active', 'mitigated', 'monitoring')
ORDER BY state IN ('mitigated', 'monitoring'), severity, acked_us IS NOT NULL, impact_us DESC"""
LOOSE = (
    """SELECT * FROM alert WHERE state = 'firing' AND incident IS NULL ORDER BY severity, started_us DESC LIMIT 20"""
)
NEXT = "SELECT name, next_us FROM schedule WHERE paused = 0 AND next_us IS NOT NULL ORDER BY next_us LIMIT 4"
SERVED = "SELECT DISTINCT model, endpoint FROM deployment WHERE state = 'applied' ORDER BY model, endpoint LIMIT 6"
LAST = "SELECT * FROM incident ORDER BY id DESC LIMIT 1"
RESOLVED = "SELECT * FROM incident WHERE resolved_us >= ? ORDER BY resolved_us DESC LIMIT 3"


class Firing(NamedTuple):
    """Something else that is wrong, for the line below the lead: `what` is incident or alert, `id` its number."""

    what: str
    id: int
    severity: str
    name: str
    text: str
    acked_by: str
    started_us: int


class Lead(NamedTuple):
    """The incident that leads the screen with everything known about it."""

    incident: Incident
    budgets: tuple[Budget, ...]
    trends: tuple[Trend, ...]
    drift: DriftDay | None
    suspects: tuple[Suspect, ...]
    rollback: Rollback | None
    helps: str
    proof: Proof | None
    runbook_steps: int
    moments: tuple[Moment, ...]


class Handover(NamedTuple):
    """What a quiet screen shows: the last day's changes, what was resolved in it, budgets, quality, what runs next."""

    changes: tuple[Moment, ...]
    resolved: tuple[Incident, ...]
    budgets: tuple[Budget, ...]
    quality: tuple[tuple[str, Trend], ...]
    next_jobs: tuple[tuple[str, int], ...]
    last: Incident | None


class Now(NamedTuple):
    """The first screen. Exactly one of `lead` and `handover` is there."""

    header: Header
    lead: Lead | None
    others: tuple[Firing, ...]
    handover: Handover | None


def now(desk: Desk) -> Now:
    """Read the first screen from the local store; no network, and milliseconds."""
    incidents = desk.store.read(OPEN)
    loose = [_alert(row) for row in desk.store.read(LOOSE)]
    others = (*(_incident(row) for row in incidents[1:]), *loose)
    if incidents:
        return Now(header(desk), _lead(desk, incidents[0]), others, None)
    return Now(header(desk), None, others, _handover(desk))


def _lead(desk: Desk, row: Row) -> Lead:
    found = incident_of(desk, row)
    days = drift_days(desk, found.model, found.endpoint, 1)
    return Lead(
        incident=found,
        budgets=tuple(budgets(desk, found.model, found.endpoint)),
        trends=trends_of(desk, found.model, found.endpoint),
        drift=days[0] if days else None,
        suspects=suspects_of(desk, found),
        rollback=rollback_of(desk, found.model, found.endpoint),
        helps=helps_of(desk, found.id),
        proof=proof_of(desk, found),
        runbook_steps=step_count(desk, found.runbook),
        moments=moments_of(desk, found),
    )


def _handover(desk: Desk) -> Handover:
    now_us = desk.now_us()
    events = timeline(desk.store, since_us=now_us - DAY, kinds=CHANGES, limit=50)
    served, last = desk.store.read(SERVED), desk.store.read(LAST)
    trends = [(row["model"], quality(desk, row["model"], row["endpoint"], 24 * 7)) for row in served]
    return Handover(
        changes=tuple(moment(event) for event in events),
        resolved=tuple(incident_of(desk, row) for row in desk.store.read(RESOLVED, (now_us - DAY,))),
        budgets=tuple(budgets(desk)),
        quality=tuple((model, trend) for model, trend in trends if trend.steps),
        last=incident_of(desk, last[0]) if last else None,
        next_jobs=tuple((row["name"], row["next_us"]) for row in desk.store.read(NEXT)),
    )


def _incident(row: Row) -> Firing:
    acked = row["acked_by"] or ""
    return Firing("incident", row["id"], f"SEV{row['severity']}", row["model"], row["title"], acked, row["impact_us"])


def _alert(row: Row) -> Firing:
    return Firing("alert", row["id"], row["severity"], row["model"], row["summary"], "", row["started_us"])
