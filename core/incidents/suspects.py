"""What changed before the impact, ranked: deploys of the same model on the same endpoint first, by recency."""

from __future__ import annotations

import json
from dataclasses import replace

from core.clock import DAY, HOUR, span
from core.desk import Desk
from core.incidents.evidence import Switch, when_line
from core.incidents.rows import Incident, Suspect
from core.store import Row, Store

LOOK_BACK = 72 * HOUR
SHOWN = 6
# What a change of this kind is worth as a suspect, and what the list calls it. A rollback is a cure, never a suspect.
KINDS: dict[str, tuple[str, float]] = {
    "deploy.applied": ("deploy", 1.0),
    "dataset.quarantined": ("data", 0.4),
    "contract.saved": ("schema", 0.35),
    "dataset.added": ("data", 0.3),
    "drift.verdict": ("traffic", 0.3),
    "endpoint.resumed": ("configuration", 0.3),
    "endpoint.paused": ("configuration", 0.3),
    "endpoint.added": ("configuration", 0.25),
    "job.dead": ("pipeline", 0.25),
    "job.failed": ("pipeline", 0.25),
    "slo.saved": ("configuration", 0.2),
}
BEFORE = f"""SELECT seq, at_us, kind, model, version, endpoint, data FROM event
WHERE at_us >= ? AND at_us <= ? AND kind IN ({", ".join("?" for _ in KINDS)})
AND (model IS NULL OR model = ? OR (endpoint = ? AND kind = 'deploy.applied')) ORDER BY seq"""
STANDING = """SELECT version FROM event WHERE model = ? AND endpoint = ?
AND kind IN ('deploy.applied', 'rollback.applied') AND at_us <= ? ORDER BY seq DESC LIMIT 1"""
# A change elsewhere is worth less, and so is a deploy that was no longer active when the impact began.
ELSEWHERE, GONE = 0.3, 0.2


def rank(desk: Desk, found: Incident) -> list[Suspect]:
    """The changes in the 72 h up to the impact start, most likely first; an empty list where nothing changed.

    Each is unproven. What came after the impact start cannot have caused it and is never listed.
    """
    kinds = list(KINDS)
    since = found.impact_us - LOOK_BACK
    rows = desk.store.read(BEFORE, (since, found.impact_us, *kinds, found.model, found.endpoint))
    listed = [_suspect(desk.store, found, row) for row in rows if not _harmless(row)]
    return ranked(listed)


def ranked(listed: list[Suspect]) -> list[Suspect]:
    """The best few in order, with their ranks; among equals the later change comes first."""
    best = sorted(listed, key=lambda one: (-one.score, -one.at_us, -(one.event or 0)))[:SHOWN]
    return [replace(one, rank=place) for place, one in enumerate(best, start=1)]


def _harmless(row: Row) -> bool:
    """Whether an event says itself that nobody was hurt: a day's verdict of no drift, or of drift without effect."""
    if row["kind"] != "drift.verdict":
        return False
    verdict = str(json.loads(row["data"]).get("verdict"))
    return verdict == "stable" or verdict.endswith("quality unaffected")


def _suspect(store: Store, found: Incident, row: Row) -> Suspect:
    data = json.loads(row["data"])
    kind, worth = KINDS[row["kind"]]
    age = found.impact_us - row["at_us"]
    score = worth * 0.5 ** (age / DAY)
    here = row["endpoint"] in (None, found.endpoint) and row["model"] in (None, found.model)
    lines = [f"{span(age)} before the impact start"]
    if not here:
        score *= ELSEWHERE
        lines.append(f"elsewhere: {' on '.join(filter(None, (row['model'], row['endpoint'])))}")
    if kind == "deploy" and here:
        switch = Switch(row["seq"], row["at_us"], data.get("previous"), row["version"], _stood(store, found, row))
        lines = [when_line(found, switch)]
        # A deploy here that was active is ahead of every other kind however old it is.
        score = 1 + score if switch.active else GONE * score
        if not switch.active:
            lines.append(f"v{row['version']} was no longer active at the impact start")
    return Suspect(0, row["seq"], kind, _title(row, data), round(score, 4), row["at_us"], tuple(lines))


def _stood(store: Store, found: Incident, row: Row) -> bool:
    """Whether a deployed version was still active when the impact began."""
    standing = store.one(STANDING, (found.model, found.endpoint, found.impact_us))
    return standing is not None and standing["version"] == row["version"]


def switch_of(store: Store, found: Incident, suspect: Suspect) -> Switch | None:
    """The switch of versions behind a suspect that is a deploy of this model here; None for any other suspect."""
    row = store.one("SELECT * FROM event WHERE seq = ?", (suspect.event,)) if suspect.kind == "deploy" else None
    if row is None or (row["model"], row["endpoint"]) != (found.model, found.endpoint):
        return None
    previous = json.loads(row["data"]).get("previous")
    return Switch(row["seq"], row["at_us"], previous, row["version"], _stood(store, found, row))


def _title(row: Row, data: dict[str, object]) -> str:
    match row["kind"]:
        case "deploy.applied":
            before = f"v{data['previous']}→" if data.get("previous") else ""
            return f"deploy {before}v{row['version']}"
        case "dataset.added":
            return f"data {data.get('dataset')} snapshot {data.get('snapshot')}"
        case "dataset.quarantined":
            return f"data {data.get('dataset')} quarantined"
        case "contract.saved":
            return f"contract of {data.get('dataset')} v{data.get('version')}"
        case "drift.verdict":
            return f"verdict: {data.get('verdict')}"
        case "slo.saved":
            return f"SLO {data.get('name')} saved"
        case "job.dead" | "job.failed":
            return f"job {data.get('kind')} {row['kind'].partition('.')[2]}"
        case other:
            return f"{other.replace('.', ' ')}: {row['endpoint']}"
