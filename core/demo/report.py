"""What a replay proved, measured from the ledger and the counts, never from what the replay meant to do."""

from __future__ import annotations

from typing import Any

from core import ledger
from core.clock import DAY, HOUR
from core.counts import series, vector
from core.counts.histogram import quantile
from core.counts.series import SeriesKey
from core.demo.plan import ENDPOINT, MODEL, OPENING_US, Plan
from core.desk import Desk
from core.ledger.chain import Event, key_of

FAR_US = 400 * DAY
INCIDENTS = "SELECT * FROM incident WHERE state NOT IN ('cancelled', 'merged') ORDER BY id"
FIRST_SUSPECT = "SELECT title FROM suspect WHERE incident = ? ORDER BY rank LIMIT 1"


def summarise(desk: Desk, plan: Plan) -> dict[str, Any]:
    """The figures of a replay: detection, class, rollback, alarms, measures per version, and the ledger's proof."""
    events = ledger.timeline(desk.store, limit=1_000_000)
    incidents = desk.store.read(INCIDENTS)
    bad = _first(events, "deploy.applied", version=2)
    story = _detection(desk, events, incidents, bad)
    chain = ledger.verify(desk.store, key_of(desk.home))
    traffic = _traffic(desk)
    return {
        "days": plan.days,
        "requests": traffic["requests"],
        "incidents": len(incidents),
        **story,
        "alerts": sum(event.kind == "alert.fired" for event in events),
        "availability": traffic["availability"],
        "p95_ms": traffic["p95_ms"],
        "quality": _quality(desk),
        "ledger_ok": chain.ok,
        "ledger_head": chain.head,
    }


def _detection(desk: Desk, events: list[Event], incidents: list[Any], bad: Event | None) -> dict[str, Any]:
    opened = _first(events, "incident.opened", after=bad)
    found = next((row for row in incidents if opened and row["id"] == opened.incident), None)
    suspect = desk.store.one(FIRST_SUSPECT, (found["id"],)) if found else None
    rolled = _first(events, "rollback.applied", after=bad)
    hours = (opened.at_us - bad.at_us) / HOUR if bad and opened else None
    return {
        "bad_deploy_detected_after_hours": None if hours is None else round(hours, 2),
        "bad_deploy_detected_after_requests": _between(desk, bad, opened),
        "first_suspect": suspect["title"] if suspect else None,
        "incident_class": found["class"] if found else None,
        "rolled_back": rolled is not None and rolled.version == 1,
        "recovered": bool(found and found["resolved_us"] and rolled and found["resolved_us"] > rolled.at_us),
        "false_alarms_before_bad_deploy": sum(
            event.kind == "alert.fired" and (bad is None or event.seq < bad.seq) for event in events
        ),
    }


def _between(desk: Desk, bad: Event | None, opened: Event | None) -> int | None:
    """The requests that the bad version answered before the incident was opened."""
    if bad is None or opened is None:
        return None
    total = series.read_sum(desk.store, SeriesKey("requests", MODEL, 2, ENDPOINT), bad.at_us, opened.at_us)
    return total[0] if total else 0


def _first(events: list[Event], kind: str, *, version: int | None = None, after: Event | None = None) -> Event | None:
    for event in events:
        fits = event.kind == kind and (version is None or event.version == version)
        if fits and (after is None or event.seq > after.seq):
            return event
    return None


def _traffic(desk: Desk) -> dict[str, Any]:
    requests: list[int] = []
    latency: list[int] = []
    for key in series.keys(desk.store, model=MODEL, endpoint=ENDPOINT):
        if key.kind == "requests":
            requests = vector.add(requests, _all(desk, key))
        elif key.kind == "latency":
            latency = vector.add(latency, _all(desk, key))
    total, errors = (requests[0], requests[1]) if requests else (0, 0)
    p95 = quantile(latency, 0.95)
    return {
        "requests": total,
        "availability": round((total - errors) / total, 6) if total else None,
        "p95_ms": round(p95 / 1000, 3) if p95 is not None else None,
    }


def _all(desk: Desk, key: SeriesKey) -> list[int]:
    return series.read_sum(desk.store, key, OPENING_US - DAY, OPENING_US + FAR_US)


def _quality(desk: Desk) -> dict[str, dict[str, Any]]:
    from core.monitor.quality import measure

    found: dict[str, dict[str, Any]] = {}
    for key in series.keys(desk.store, kind="score", model=MODEL, endpoint=ENDPOINT):
        measured = measure(desk.store, MODEL, key.version, ENDPOINT, OPENING_US - DAY, OPENING_US + FAR_US)
        found[str(key.version)] = {
            "auc": None if measured.auc is None else round(measured.auc, 4),
            "n_labelled": measured.n,
            "label_coverage": round(measured.coverage, 4) if measured.coverage is not None else None,
        }
    return found
