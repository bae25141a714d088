"""From how an objective stands to what its alerts should be: firing, clear, or not to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from core.clock import MINUTE, span
from core.slo import budget
from core.slo.judge import Verdict, strongest
from core.slo.rows import SLICE_US
from core.slo.rules import ESCALATION, Severity
from core.slo.status import SILENT_AFTER, Status

Said = Literal["firing", "clear", "unknown"]
# How long a condition must be gone before its alert resolves; an hour for what is judged by the hour.
HOLD_US = 15 * MINUTE


@dataclass(frozen=True)
class Finding:
    """What one condition of one objective says now.

    `condition` (burn, budget, breach, no data, integrity) is part of an alert's identity, `family` groups alerts into
    incidents, `hold_us` is how long the condition must be gone before the alert resolves. `unknown` leaves an alert as
    it is: who stops reporting is not well again. `escalates` marks a ticket that asks for more attention, once.
    """

    slo_id: int
    slo: str
    model: str
    endpoint: str
    version: int | None
    condition: str
    family: str
    said: Said
    hold_us: int
    severity: Severity = "ticket"
    rule: str = ""
    summary: str = ""
    escalates: bool = False
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """Everything `evaluate` found at one moment: the statuses, and what follows for the alerts."""

    at_us: int
    statuses: tuple[Status, ...]
    findings: tuple[Finding, ...]
    slices: int


def of(status: Status) -> list[Finding]:
    """One finding for each condition that is watched for this objective."""
    conditions = sorted({rule.condition for rule in status.slo.rules})
    return [*(_burning(status, condition) for condition in conditions), _silence(status), _integrity(status)]


def _burning(status: Status, condition: str) -> Finding:
    verdicts = [verdict for verdict in status.rules if verdict.rule.condition == condition]
    top = strongest(verdicts)
    if top is None:
        return _finding(status, condition, status.slo.measure, "unknown" if _untold(status, verdicts) else "clear")
    return _finding(
        status,
        condition,
        status.slo.measure,
        "firing",
        severity=top.severity,
        rule=top.rule.name,
        summary=_summary(status, top),
        escalates=top.rule.name == ESCALATION,
        data=_figures(top),
    )


def _untold(status: Status, verdicts: list[Verdict]) -> bool:
    """Whether some rule could not be decided for want of data; no traffic at all is data, and says all is well."""
    missing = status.silent or status.slo.measure == "quality"
    return missing and any(verdict.fired is None for verdict in verdicts)


def _summary(status: Status, top: Verdict) -> str:
    over = span(status.at_us - status.spent.start_us if top.rule.elapsed else top.rule.long_us)
    what = f"{top.long.bad} of {top.long.total} {status.slo.bad_events} in {over}"
    if status.slo.measure == "quality":
        what = f"{top.long.bad} of {top.long.total} {status.slo.bad_events} in the last {over}"
    held = " (few events: held back as a ticket)" if top.low_traffic else ""
    return f"{status.slo.name}: {what}; burn {budget.short(top.burn)}, {top.text}{held}"


def _figures(top: Verdict) -> dict[str, Any]:
    def rounded(value: Any) -> float | None:
        return None if value is None else round(float(value), 4)

    return {
        "burn": rounded(top.burn),
        "short_burn": rounded(top.short_burn),
        "bad": top.long.bad,
        "total": top.long.total,
        "left": rounded(top.spent.left),
        "budget": top.text,
        "low_traffic": top.low_traffic,
        "provisional": top.provisional,
    }


def _silence(status: Status) -> Finding:
    slo = status.slo
    heard = slo.created_us if status.heard_us is None else max(status.heard_us, slo.created_us)
    limit = max(SILENT_AFTER, slo.slice_us)
    if status.silent and not status.paused and status.at_us - heard > limit:
        severity: Severity = "page" if slo.critical or slo.measure == "availability" else "ticket"
        summary = f"{slo.name}: {slo.endpoint} has not been heard for {span(status.at_us - heard)}"
        # Whatever measure is missing, the endpoint is what failed: its silence is one incident, not four.
        return _finding(status, "no data", "availability", "firing", severity=severity, rule="no data", summary=summary)
    waited = 0 if status.awaiting_us is None else status.at_us - status.awaiting_us
    if waited > slo.trailing_us:
        summary = f"{slo.name}: too few labels to judge {slo.model} for {span(waited)}"
        return _finding(status, "no data", "labels", "firing", rule="no labels", summary=summary)
    return _finding(status, "no data", "availability", "clear")


def _integrity(status: Status) -> Finding:
    if not status.faulty:
        return _finding(status, "integrity", "data", "clear")
    what = f"{status.faulty} windows of counts have more good than total, or less than none"
    summary = f"{status.slo.name}: {what}; they are left out"
    data = {"faulty": status.faulty}
    return _finding(status, "integrity", "data", "firing", rule="data integrity", summary=summary, data=data)


def _finding(status: Status, condition: str, family: str, said: Said, **more: Any) -> Finding:
    slo = status.slo
    hold = SLICE_US if slo.measure == "quality" else HOLD_US
    return Finding(
        slo.id, slo.name, slo.model, slo.endpoint, status.version, condition, family, said, hold_us=hold, **more
    )
