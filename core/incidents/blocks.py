"""The blocks of a postmortem that are made from the ledger and the counts."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from core.clock import DAY, MINUTE, iso, span
from core.desk import Desk
from core.incidents.evidence import shown
from core.incidents.impact import good_total
from core.incidents.rows import Incident, alerts_of, objective_of, suspects
from core.incidents.times import NAMES, times
from core.ledger import timeline

SLICES = "SELECT count(*) AS total, sum(good = 0) AS bad FROM slice WHERE slo = ? AND start_us >= ? AND start_us < ?"
WINDOW = "SELECT window_us FROM slo WHERE id = ?"
SERVED = "SELECT DISTINCT version FROM series WHERE model = ? AND endpoint = ? AND kind = 'score' ORDER BY version"
STEPS = """SELECT w.runbook, s.number, s.step, s.state, s.intent_us FROM walk w JOIN walk_step s ON s.walk = w.id
WHERE w.incident = ? ORDER BY w.id, s.number"""
# The fields of an event that a timeline shows.
TOLD = ("title", "from", "to", "severity", "summary", "rule", "text", "reason", "step", "result", "helps", "origin")
CHANGES = ("deploy.", "rollback.", "dataset.", "contract.saved", "endpoint.", "slo.saved")


def _summary(desk: Desk, found: Incident) -> str:
    measured = times(found)
    took = [
        f"- {label}: {span(us) if us is not None else 'not yet'}"
        for name, label in NAMES.items()
        for us in [measured[name]]
    ]
    lines = [
        f"- Model and endpoint: {found.model} on {found.endpoint}; severity {found.severity}; {found.state}",
        f"- Class: {found.klass or 'not known'} ({found.class_evidence or 'no evidence yet'})",
        f"- Impact start: {iso(found.impact_us)} ({found.impact_origin})",
        f"- Detected {iso(found.detected_us)}; acknowledged by {found.acked_by or 'nobody'}",
        *took,
    ]
    return "## Summary\n\n" + "\n".join(lines) + "\n"


def _impact(desk: Desk, found: Incident) -> str:
    end = min(found.mitigated_us or found.resolved_us or desk.now_us(), desk.now_us())
    lines = [f"- Lasted {span(max(0, end - found.impact_us))} up to {'mitigation' if found.mitigated_us else 'now'}"]
    slo = objective_of(desk.store, found.id)
    if slo is not None:
        bad, total, unit = _bad(desk, found, slo.id, end)
        lines.append(f"- Bad {unit}: {bad:,} of {total:,} by {slo.name}, target {slo.target}")
        lines += _budget(desk, slo.id, slo.target, unit, bad)
    return "## Impact\n\n" + "\n".join(lines) + "\n"


def _bad(desk: Desk, found: Incident, slo: int, end_us: int) -> tuple[int, int, str]:
    goal = objective_of(desk.store, found.id)
    if goal is None or goal.measure == "quality":
        row = desk.store.one(SLICES, (slo, found.impact_us, end_us))
        return (int(row["bad"] or 0), int(row["total"]), "hours") if row else (0, 0, "hours")
    windows = good_total(desk.store, found.model, found.endpoint, goal, found.impact_us, end_us, MINUTE)
    total = sum(one[2] for one in windows)
    return total - sum(one[1] for one in windows), total, "requests"


def _budget(desk: Desk, slo: int, target: str, unit: str, bad: int) -> list[str]:
    """The share of a slice-based budget that was used; requests to come are unknown, so theirs is not stated here."""
    row = desk.store.one(WINDOW, (slo,))
    if row is None or unit != "hours":
        return []
    slices = Fraction(row["window_us"], 60 * MINUTE) * (1 - Fraction(target))
    days = row["window_us"] // DAY
    return [f"- Budget used: {float(100 * bad / slices):.0f} % of {days} d"] if slices else []


def _measures(desk: Desk, found: Incident) -> str:
    from core.monitor import quality

    end = desk.now_us()
    rows = []
    for row in desk.store.read(SERVED, (found.model, found.endpoint)):
        told = quality.measure(desk.store, found.model, row["version"], found.endpoint, found.impact_us - 4 * DAY, end)
        rows.append(f"| v{row['version']} | {shown(told)} | {told.predictions:,} |")
    table = "\n".join(["| version | AUC | predictions |", "|---|---|---|", *rows]) if rows else "Nothing was served."
    return f"## Versions, from four days before\n\n{table}\n"


def _cause(desk: Desk, found: Incident) -> str:
    lines = []
    for one in suspects(desk.store, found.id):
        lines.append(f"{one.rank}. {one.title} at {iso(one.at_us)} (unproven)")
        lines += [f"   - {line}" for line in one.evidence]
    return "## Suspects\n\n" + ("\n".join(lines) or "None: nothing changed in the 72 h before.") + "\n"


def _timeline(desk: Desk, found: Incident) -> str:
    own = timeline(desk.store, incident=found.id, limit=1000)
    around = timeline(
        desk.store,
        model=found.model,
        since_us=found.impact_us - 3 * DAY,
        until_us=(found.resolved_us or desk.now_us()) + 1,
        kinds=CHANGES,
        limit=1000,
    )
    events = sorted(
        {event.seq: event for event in (*own, *around)}.values(), key=lambda event: (event.at_us, event.seq)
    )
    rows = [f"| {iso(e.at_us)} | {e.kind} | {_detail(e.version, e.data)} | {e.actor} |" for e in events]
    return "## Timeline\n\n" + "\n".join(["| when | what | detail | who |", "|---|---|---|---|", *rows]) + "\n"


def _detail(version: int | None, data: dict[str, object]) -> str:
    told = [f"v{version}"] if version else []
    for name in TOLD:
        value = data.get(name)
        if isinstance(value, str) and value:
            told.append(f"{name} {value}" if name in ("from", "to") else value)
    if isinstance(data.get("previous"), int):
        told.append(f"in place of v{data['previous']}")
    return "; ".join(told).replace("|", "/").replace("\n", " ")


def _steps(desk: Desk, found: Incident) -> str:
    rows = desk.store.read(STEPS, (found.id,))
    lines = [f"- {iso(row['intent_us'])} {row['runbook']}: {row['step']} {row['state']}" for row in rows]
    return "## Runbook steps\n\n" + ("\n".join(lines) or "None was walked.") + "\n"


def _alerts(desk: Desk, found: Incident) -> str:
    rows = alerts_of(desk.store, found.id)
    lines = [
        f"- {row['severity']} {row['rule']}: {row['summary']} ({iso(row['started_us'])} to "
        f"{iso(row['resolved_us']) if row['resolved_us'] else 'now'}, seen {row['repeats']} times)"
        for row in rows
    ]
    return "## Alerts\n\n" + "\n".join(lines) + "\n"


BLOCKS: dict[str, Callable[[Desk, Incident], str]] = {
    "summary": _summary,
    "impact": _impact,
    "cause": _cause,
    "measures": _measures,
    "alerts": _alerts,
    "steps": _steps,
    "timeline": _timeline,
}
