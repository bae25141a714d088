"""Objectives, verdicts and backtests as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.clock import iso, iso_or_none

if TYPE_CHECKING:
    from core.slo.backtest import Backtest
    from core.slo.judge import Verdict
    from core.slo.rows import Slo
    from core.slo.status import Status


def backtest_json(result: Backtest) -> dict[str, Any]:
    """A backtest with stable keys."""
    alerts = [
        {
            "fired": iso(e.fired_us),
            "severity": e.severity,
            "condition": e.condition,
            "rule": e.rule,
            "escalated": iso_or_none(e.escalated_us),
            "resolved": iso_or_none(e.resolved_us),
            "summary": e.summary,
        }
        for e in result.episodes
    ]
    extent = {"rows": result.rows, "from": iso(result.from_us), "to": iso(result.to_us)}
    return {**extent, "step_seconds": result.step_us // 1_000_000, "told": list(result.told), "alerts": alerts}


def described(slo: Slo) -> str:
    """An objective in one sentence."""
    from core.slo.budget import percent

    critical = "critical, " if slo.critical else ""
    what = f"{percent(slo.target)} of {slo.model} on {slo.endpoint} without {slo.bad_events}"
    return f"{slo.name}: {critical}{what}, over {slo.window.text}"


def status_json(status: Status) -> dict[str, Any]:
    """How an objective stands, with stable keys."""
    slo = status.slo
    return {
        "name": slo.name,
        "model": slo.model,
        "endpoint": slo.endpoint,
        "measure": slo.measure,
        "target": float(slo.target),
        "window": slo.window.text,
        "critical": slo.critical,
        "at": iso(status.at_us),
        "state": status.state.value,
        "good": status.good,
        "total": status.total,
        "sli": _number(status.sli),
        "burn": _number(status.burn),
        "left": _number(status.left),
        "consumed": _number(status.consumed),
        "exhausted_in_seconds": None if status.exhausted_in_us is None else status.exhausted_in_us // 1_000_000,
        "provisional": status.provisional,
        "firing": status.strongest.rule.name if status.strongest else None,
        "text": status.text,
    }


def rule_json(verdict: Verdict) -> dict[str, Any]:
    """What a rule says, with stable keys."""
    return {
        "rule": verdict.rule.name,
        "severity": verdict.severity,
        "fired": verdict.fired,
        "low_traffic": verdict.low_traffic,
        "burn": _number(verdict.burn),
        "short_burn": _number(verdict.short_burn),
        "bad": verdict.long.bad,
        "total": verdict.long.total,
        "text": verdict.text,
    }


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 6)


def said(verdict: Verdict) -> str:
    """What a rule says, in a word."""
    if verdict.fired is None:
        return "no data"
    if not verdict.fired:
        return "quiet"
    return f"{verdict.severity.upper()}{' (few events)' if verdict.low_traffic else ''}"
