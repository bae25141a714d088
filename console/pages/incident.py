"""One incident as text: everything known about it, and a status update to paste elsewhere."""

from __future__ import annotations

from console.pages.layout import heading
from console.pages.parts import (
    Plot,
    ack_text,
    budget_line,
    measured,
    moment_line,
    proof_lines,
    rollback_line,
    state_glyph,
    suspect_lines,
)
from console.view import Line, ago, fit, line, pad, spread, when, wrap
from core.briefing.incident import Alert, Incident, IncidentPage
from core.clock import iso, span


def body(page: IncidentPage, width: int, plot: Plot) -> list[Line]:
    """All of it, top to bottom, to be scrolled."""
    at = page.header.now_us
    parts = [
        _head(page, width),
        _class(page, width),
        _suspects(page, width),
        proof_lines(page.proof),
        _actions(page),
        *(measured(trend, page.moments, width, plot) for trend in page.trends if trend.unit != "count"),
        _budgets(page, width),
        _alerts(page, at),
        [heading("TIMELINE"), *(moment_line(one, at) for one in page.moments)],
        _postmortem(page.incident, width),
    ]
    lines: list[Line] = []
    for part in parts:
        lines.extend([*part, ()] if part else [])
    return [fit(one, width) for one in lines]


def _head(page: IncidentPage, width: int) -> list[Line]:
    found, at = page.incident, page.header.now_us
    glyph, style = state_glyph(found)
    version = f" v{found.version}" if found.version else ""
    name = line((f"{glyph} SEV{found.severity} ", style), (f"INC-{found.id}  {found.model}{version}", "bold"))
    times = [f"impact {when(found.impact_us, at)} ({found.impact_origin})", f"detected {when(found.detected_us, at)}"]
    times += [f"acknowledged {when(found.acked_us, at)} by {found.acked_by}"] if found.acked_us else []
    times += [f"mitigated {when(found.mitigated_us, at)}"] if found.mitigated_us else []
    times += [f"resolved {when(found.resolved_us, at)}"] if found.resolved_us else []
    title = found.title.removeprefix(f"{found.model} on {found.endpoint}: ")
    return [
        spread((*name, (f" on {found.endpoint}  {found.state}", "")), (ack_text(found, at),), width),
        *(line("  ", (piece, "bold")) for piece in wrap(title, width - 2)),
        *(line(f"  {piece}") for piece in wrap(" · ".join(times), width - 2)),
    ]


def _class(page: IncidentPage, width: int) -> list[Line]:
    found = page.incident
    if not found.cause:
        return []
    told = [piece for text in found.cause_evidence.split("; ") for piece in wrap(text, width - 4)]
    return [heading("CLASS", found.cause), *(line(f"  {piece}") for piece in told)]


def _suspects(page: IncidentPage, width: int) -> list[Line]:
    if not page.suspects:
        return [heading("SUSPECTS"), line(("  nothing changed in the three days before the impact", "dim"))]
    lines = [heading("SUSPECTS", "unproven")]
    for suspect in page.suspects:
        lines.extend(suspect_lines(suspect, page.header.now_us, width, evidence=12))
    return lines


def _actions(page: IncidentPage) -> list[Line]:
    if not page.incident.open:
        return []
    lines = [heading("DO", page.helps)]
    if page.incident.queued:
        lines.append(line("  ", ("▲", "warn"), f"  {page.incident.queued} is queued, not yet applied"))
    elif page.rollback is not None:
        lines.append(rollback_line(page.rollback))
    if page.incident.runbook:
        lines.append(line("  ", ("b", "key"), f"  runbook {page.incident.runbook}"))
    return lines if len(lines) > 1 or page.helps else []


def _budgets(page: IncidentPage, width: int) -> list[Line]:
    return [heading("BUDGETS"), *(budget_line(one, width) for one in page.budgets)] if page.budgets else []


def _alerts(page: IncidentPage, at: int) -> list[Line]:
    return [heading(f"ALERTS {len(page.alerts)}"), *(_alert(one, at) for one in page.alerts)] if page.alerts else []


def _alert(alert: Alert, at: int) -> Line:
    firing = alert.state == "firing"
    glyph = ("● ", "bad") if firing and alert.severity == "page" else ("▲ ", "warn") if firing else ("✓ ", "good")
    seen = f"{alert.repeats}×, " if alert.repeats > 1 else ""
    span_text = f"for {ago(alert.started_us, at)}" if firing else f"lasted {span(alert.seen_us - alert.started_us)}"
    return line(
        "  ", glyph, f"{pad(alert.severity, 6)} {alert.state}  {alert.summary}", (f"  {seen}{span_text}", "dim")
    )


def _postmortem(found: Incident, width: int) -> list[Line]:
    if not found.postmortem:
        return []
    texts = [text for text in found.postmortem.splitlines() if not text.startswith("<!--")]
    return [heading("POSTMORTEM"), *(line(f"  {piece}") for text in texts for piece in wrap(text, width - 2))]


def status_update(page: IncidentPage) -> str:
    """A Markdown status update for people who do not have the console in front of them."""
    found = page.incident
    lines = [
        f"**INC-{found.id}** SEV{found.severity} {found.state}: {found.title}",
        f"- since {iso(found.impact_us)}, detected {iso(found.detected_us)}",
        f"- {'acknowledged by ' + found.acked_by if found.acked_us else 'not acknowledged'}",
    ]
    lines += [f"- class: {found.cause}"] if found.cause else []
    lines += [f"- first suspect (unproven): {one.title}" for one in page.suspects[:1]]
    lines += [f"- budget {one.slo}: {one.text}" for one in page.budgets if one.state in ("BURNING", "BREACHED")]
    lines += [f"- {found.queued} is queued, not yet applied"] if found.queued else []
    lines += [f"- {page.moments[-1].text} at {iso(page.moments[-1].at_us)}"] if page.moments else []
    return "\n".join(lines)
