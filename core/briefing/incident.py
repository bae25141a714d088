"""One incident: what is known, what is suspected, what was done; everything read from the local store."""

from __future__ import annotations

import json
from typing import NamedTuple

from core.briefing.budgets import Budget, budgets
from core.briefing.header import Header, header
from core.briefing.tell import tell
from core.briefing.trends import HOURS, Trend, errors, latency, quality, traffic
from core.clock import DAY, HOUR
from core.desk import Desk
from core.errors import NotFound
from core.ledger import Event, timeline
from core.store import Row

ONE = "SELECT * FROM incident WHERE id = ?"
SUSPECTS = "SELECT * FROM suspect WHERE incident = ? ORDER BY rank"
ALERTS = "SELECT * FROM alert WHERE incident = ? ORDER BY state, severity, started_us"
WALK = "SELECT id FROM walk WHERE incident = ? AND state = 'walking' ORDER BY id DESC LIMIT 1"
QUEUED = """SELECT kind, version FROM deployment WHERE endpoint = ? AND model = ? AND state = 'queued'
ORDER BY id DESC LIMIT 1"""
# What a timeline leaves out because another entry beside it says the same.
SILENT = ("incident.attached", "incident.suspects")


class Suspect(NamedTuple):
    """Something that changed before the impact began, unproven; `before_us` is how long before."""

    rank: int
    kind: str
    title: str
    at_us: int
    before_us: int
    score: float
    evidence: tuple[str, ...]


class Moment(NamedTuple):
    """One entry of a timeline."""

    at_us: int
    kind: str
    text: str
    actor: str


class Rollback(NamedTuple):
    """The known-good version that a rollback would activate, and how long it served before."""

    model: str
    endpoint: str
    active: int
    to: int
    healthy_us: int


class Proof(NamedTuple):
    """Whether the objective holds again since the last switch of versions, and the counts that say so."""

    recovered: bool
    lines: tuple[str, ...]


class Alert(NamedTuple):
    """One alert of an incident; `repeats` counts how often it was folded into one."""

    id: int
    rule: str
    severity: str
    state: str
    summary: str
    started_us: int
    seen_us: int
    repeats: int


class Incident(NamedTuple):
    """An incident's own facts; `version` is the one now active, 0 where there is none.

    `queued` names a change that waits to be applied on the endpoint, empty where none does.
    """

    id: int
    severity: int
    title: str
    state: str
    model: str
    endpoint: str
    version: int
    family: str
    cause: str
    cause_evidence: str
    impact_us: int
    impact_origin: str
    detected_us: int
    acked_us: int | None
    acked_by: str
    mitigated_us: int | None
    resolved_us: int | None
    runbook: str
    walk_id: int | None
    queued: str
    postmortem: str

    @property
    def open(self) -> bool:
        """Whether somebody still has to look after it."""
        return self.state in ("triage", "active", "mitigated", "monitoring")


class IncidentPage(NamedTuple):
    """Everything the incident's screen shows."""

    header: Header
    incident: Incident
    budgets: tuple[Budget, ...]
    trends: tuple[Trend, ...]
    suspects: tuple[Suspect, ...]
    alerts: tuple[Alert, ...]
    rollback: Rollback | None
    helps: str
    proof: Proof | None
    moments: tuple[Moment, ...]


def incident(desk: Desk, incident_id: int) -> IncidentPage:
    """The page of one incident. Raises NotFound."""
    row = desk.store.one(ONE, (incident_id,))
    if row is None:
        raise NotFound(f"there is no incident {incident_id}", "`tocsin inc list` shows them")
    found = incident_of(desk, row)
    model, endpoint = found.model, found.endpoint
    return IncidentPage(
        header=header(desk),
        incident=found,
        budgets=tuple(budgets(desk, model, endpoint)),
        trends=trends_of(desk, model, endpoint, since_us=found.impact_us - 12 * HOUR, until_us=found.resolved_us),
        suspects=suspects_of(desk, found),
        alerts=alerts_of(desk, incident_id),
        rollback=rollback_of(desk, model, endpoint) if found.open else None,
        helps=helps_of(desk, incident_id),
        proof=proof_of(desk, found),
        moments=moments_of(desk, found),
    )


def incident_of(desk: Desk, row: Row) -> Incident:
    """The incident of a row of its table, with the version now active and a walk that is under way."""
    from core.endpoints import deploy

    active = deploy.active(desk.store, row["endpoint"], row["model"])
    walk = desk.store.one(WALK, (row["id"],))
    queued = desk.store.one(QUEUED, (row["endpoint"], row["model"]))
    plain = ("id", "severity", "title", "state", "model", "endpoint", "family", "impact_us", "impact_origin")
    times = ("detected_us", "acked_us", "mitigated_us", "resolved_us")
    return Incident(
        **{name: row[name] for name in (*plain, *times)},
        version=active.version if active else 0,
        cause=row["class"] or "",
        cause_evidence=row["class_evidence"] or "",
        acked_by=row["acked_by"] or "",
        runbook=row["runbook"] or "",
        walk_id=walk["id"] if walk else None,
        queued=f"{queued['kind']} to v{queued['version']}" if queued else "",
        postmortem=row["postmortem"] or "",
    )


def trends_of(
    desk: Desk, model: str, endpoint: str, *, since_us: int | None = None, until_us: int | None = None
) -> tuple[Trend, ...]:
    """The measures that one model on one endpoint is read by, those without a value left out.

    They cover a day at least and four at most, up to `until_us` (now, where it is None).
    """
    until = desk.now_us() if until_us is None else until_us
    wanted = 0 if since_us is None else (until - since_us) // HOUR
    hours = min(max(wanted, HOURS), 4 * HOURS)
    measured = (read(desk, model, endpoint, hours, until) for read in (quality, latency, errors, traffic))
    return tuple(trend for trend in measured if trend.steps)


def suspects_of(desk: Desk, found: Incident) -> tuple[Suspect, ...]:
    """What changed before the impact, most suspicious first."""
    return tuple(
        Suspect(
            rank=row["rank"],
            kind=row["kind"],
            title=row["title"],
            at_us=row["at_us"],
            before_us=found.impact_us - row["at_us"],
            score=row["score"],
            evidence=_texts(row["evidence"]),
        )
        for row in desk.store.read(SUSPECTS, (found.id,))
    )


def alerts_of(desk: Desk, incident_id: int) -> tuple[Alert, ...]:
    """The alerts folded into an incident, firing ones first."""
    return tuple(
        Alert(**{name: row[name] for name in Alert._fields}) for row in desk.store.read(ALERTS, (incident_id,))
    )


def rollback_of(desk: Desk, model: str, endpoint: str) -> Rollback | None:
    """What a rollback would do now; None where there is no earlier version to go back to."""
    from core.endpoints import deploy

    target = deploy.target(desk.store, endpoint, model)
    if target is None:
        return None
    return Rollback(model, endpoint, target.from_version, target.version, target.healthy_us)


def helps_of(desk: Desk, incident_id: int) -> str:
    """Whether a rollback would help, as the last look at the incident found; empty where nobody has looked."""
    looked = timeline(desk.store, incident=incident_id, kinds=("incident.suspects",), limit=1)
    return str(looked[-1].data.get("helps") or "") if looked else ""


def proof_of(desk: Desk, found: Incident) -> Proof | None:
    """What the counts say once an incident is mitigated; None before that, and where it has no objective to hold."""
    if found.state not in ("mitigated", "monitoring"):
        return None
    from core.incidents import recovery, rows

    try:
        told = recovery.check(desk, rows.incident(desk.store, found.id))
    except NotFound:
        return None
    return Proof(told.recovered, told.lines)


def moments_of(desk: Desk, found: Incident, limit: int = 200) -> tuple[Moment, ...]:
    """The incident's own events and the changes to its model in the three days before, oldest first."""
    own = timeline(desk.store, incident=found.id, limit=limit)
    before = timeline(
        desk.store,
        model=found.model,
        since_us=found.impact_us - 3 * DAY,
        kinds=("deploy.applied", "rollback.applied", "drift.verdict", "model.registered"),
        limit=limit,
    )
    events = {event.seq: event for event in (*before, *own) if not _silent(event)}
    ordered = sorted(events.values(), key=lambda event: (event.at_us, event.seq))
    return tuple(moment(event) for event in ordered)[-limit:]


def _silent(event: Event) -> bool:
    return event.kind in SILENT or (event.kind == "runbook.step" and event.data.get("result") == "intent")


def moment(event: Event) -> Moment:
    """An event as a timeline shows it."""
    return Moment(event.at_us, event.kind, tell(event), event.actor)


def _texts(stored: str) -> tuple[str, ...]:
    """Evidence as sentences, whether it was stored as a list, as named values or as one text."""
    found = json.loads(stored)
    if isinstance(found, dict) and isinstance(found.get("lines"), list):
        found = found["lines"]
    if isinstance(found, dict):
        return tuple(f"{name.replace('_', ' ')}: {value}" for name, value in found.items())
    return tuple(str(one) for one in found) if isinstance(found, list) else (str(found),)
