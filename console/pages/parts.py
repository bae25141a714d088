"""Lines that several pages share: a budget, a trend, a suspect, a moment, the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.pages.layout import heading
from console.view import Line, clean, line, measure, meter, pad, share, spark, squeeze, when, wrap
from core.briefing.budgets import Budget
from core.briefing.incident import Incident, Moment, Proof, Rollback, Suspect
from core.briefing.trends import Trend
from core.clock import span

# Draws a trend with its events marked: given by the screen, because plots need a library.
Plot = Callable[[Trend, list[tuple[int, str]], int, int], list[Line]]
# The unit of the measure that each family of alerts is about.
FAMILIES = {"quality": "auc", "latency": "ms", "availability": "share"}
# Events that a person looks for first in a timeline.
LOUD = ("deploy.applied", "rollback.applied", "alert.fired", "alert.escalated", "incident.opened")
BAD = ("deploy.failed", "rollback.failed", "job.failed", "job.dead", "dataset.quarantined", "access.denied")


def state_glyph(incident: Incident) -> tuple[str, str]:
    """Glyph and style of an incident: filled while it burns, half once it is mitigated, ticked when over."""
    if not incident.open:
        return ("✓", "good")
    return ("◐", "warn") if incident.state in ("mitigated", "monitoring") else ("●", "bad")


def ack_text(incident: Incident, now_us: int) -> tuple[str, str]:
    """Who has it, or for how long nobody has."""
    if not incident.open:
        return (incident.state.upper(), "good")
    if incident.acked_us is None:
        return (f"UNACKED {span(now_us - incident.detected_us)}", "alarm")
    who = incident.acked_by or "acknowledged"
    return (f"ack {who} {span(now_us - incident.acked_us)} ago", "good")


def burn_text(budget: Budget) -> str:
    """`4.2x/24h 3.1x/6h`: the burn over each rule's window, the firing ones first; empty without traffic."""
    rules = sorted(budget.rules, key=lambda rule: (not rule.firing, rule.window_us))
    told = [f"{rule.burn:.1f}x/{span(rule.window_us)}" for rule in rules if rule.burn is not None]
    if told:
        return " ".join(told[:2])
    return f"{budget.burn:.1f}x" if budget.burn is not None else ""


def gone_text(budget: Budget) -> str:
    """When the budget is gone at this pace, in words; a pace that outlasts the window is no news."""
    if budget.left <= 0:
        return "budget gone"
    if budget.exhausted_in_us is None or (budget.burn or 0) < 1:
        return ""
    return f"budget gone in {span(budget.exhausted_in_us)}"


def budget_line(budget: Budget, width: int) -> Line:
    """One objective: name, what is left of its budget as a bar and a number, its burn."""
    name = f"  {pad(clean(budget.slo), max(12, width // 3 - 4))} "
    if budget.state in ("NO_TRAFFIC", "NO_DATA", "BAD_DATA"):
        return line(name, ("◐ ", "warn"), (budget.text, "dim"))
    style = "bad" if budget.left <= 0 else "warn" if budget.left < 0.5 else "good"
    bar = meter(budget.left, 10)
    gone = gone_text(budget).removeprefix("budget ")
    told = ", ".join(filter(None, [burn_text(budget) and f"burn {burn_text(budget)}", gone]))
    return line(name, (bar, style), f" {pad(share(budget.left), 5, right=True)} left  ", (told, "dim"))


def trend_spans(trend: Trend, width: int) -> Line:
    """`AUC ▇▇▅▂▁ .527`: name, sparkline and newest value. Errors are drawn from zero, so that calm looks flat."""
    values = squeeze(trend.values, width)
    low = 0.0 if trend.unit in ("share", "count") else None
    high = max(*values, 0.01) if trend.unit == "share" and values else None
    last = measure(trend.last, trend.unit) if trend.last is not None else "-"
    return line((f"{trend.name} ", "dim"), (spark(values, width, low=low, high=high), "info"), f" {last}")


def trends_line(trends: Sequence[Trend], family: str, width: int) -> Line:
    """Trends beside each other, the one that the incident is about first; on a narrow screen two, else three."""
    if not trends:
        return ()
    about = FAMILIES.get(family)
    telling = [one for one in trends if one.unit == about or (one.unit != "count" and any(one.values))]
    trends = sorted(telling, key=lambda trend: trend.unit != about)[: 2 if width < 76 else 3]
    each = max(8, min(24, (width - 4) // len(trends) - 14))
    spans: list[tuple[str, str]] = [("  ", "")]
    for index, trend in enumerate(trends):
        spans.extend([("   ", "")] if index else [])
        spans.extend(trend_spans(trend, each))
    return tuple(spans)


def measured(trend: Trend, moments: Sequence[Moment], width: int, plot: Plot, height: int = 9) -> list[Line]:
    """A plot of a trend with the deploys and rollbacks marked on it; empty for a flat line or under three values."""
    if len(trend.steps) < 3 or max(trend.values) == min(trend.values):
        return []
    first = trend.steps[0][0]
    kinds = {"deploy.applied": "deploy", "rollback.applied": "rollback"}
    marks = [(one.at_us, kinds[one.kind]) for one in moments if one.kind in kinds and one.at_us >= first]
    last = measure(trend.last, trend.unit) if trend.last is not None else ""
    return [heading(trend.name.upper(), f"by hour, now {last}"), *plot(trend, marks, width, height)]


def suspect_lines(suspect: Suspect, now_us: int, width: int, *, evidence: int = 1) -> list[Line]:
    """A suspect: what and when before the impact; below it up to `evidence` lines of what speaks for it."""
    before = f"{span(suspect.before_us)} before" if suspect.before_us > 0 else "as the impact began"
    first = line(
        (f"  {suspect.rank} ", "bold" if suspect.rank == 1 else ""),
        (suspect.title, "bold" if suspect.rank == 1 else ""),
        (f"  {when(suspect.at_us, now_us)} ({before})", "dim"),
    )
    told = [piece for text in suspect.evidence for piece in wrap(text, width - 6)]
    return [first, *(line(f"      {piece}") for piece in told[:evidence])]


def rollback_line(back: Rollback) -> Line:
    """What `R` would do."""
    healthy = f" (healthy {span(back.healthy_us)})" if back.healthy_us > 0 else ""
    return line("  ", ("R", "key"), f"  roll back {back.model} v{back.active} → v{back.to} on {back.endpoint}{healthy}")


def proof_lines(proof: Proof | None) -> list[Line]:
    """Whether what was done has worked, from counts; empty before anything was done."""
    if proof is None:
        return []
    mark = ("✓ recovered", "good") if proof.recovered else ("◐ not proven yet", "warn")
    return [line(("PROOF  ", "head"), mark), *(line(f"  {text}") for text in proof.lines)]


def moment_line(moment: Moment, now_us: int) -> Line:
    """One entry of a timeline."""
    style = "bad" if moment.kind in BAD else "bold" if moment.kind in LOUD else ""
    by = f"  {moment.actor}" if moment.actor not in ("", "daemon") else ""
    return line((f"  {pad(when(moment.at_us, now_us), 11, right=True)}  ", "dim"), (moment.text, style), (by, "dim"))
