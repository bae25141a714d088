"""A ledger event as the few words that a timeline shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.ledger import Event

# Kinds that change what is served or what it is fed: what a person who looks for a cause wants to see first.
CHANGES = (
    "dataset.",
    "contract.saved",
    "model.",
    "endpoint.",
    "deploy.",
    "rollback.",
    "slo.saved",
    "drift.verdict",
    "job.failed",
    "job.dead",
)


def tell(event: Event) -> str:
    """One phrase in the past tense, without its time; a kind nobody has words for is shown as it is."""
    words = _WORDS.get(event.kind)
    return words(event, event.data) if words else _plain(event)


def _plain(event: Event) -> str:
    where = " ".join(filter(None, [_version(event), event.endpoint]))
    return f"{event.kind} {where}".strip()


def _version(event: Event) -> str:
    if event.model is None:
        return ""
    return event.model if event.version is None else f"{event.model} v{event.version}"


def _move(event: Event, data: dict[str, Any]) -> str:
    before = data.get("previous")
    return f"{event.model} v{before}→v{event.version}" if before else _version(event)


def _on(event: Event) -> str:
    return f" on {event.endpoint}" if event.endpoint else ""


def _why(data: dict[str, Any], key: str = "reason") -> str:
    return f": {data[key]}" if data.get(key) else ""


def _deploy(verb: str) -> Callable[[Event, dict[str, Any]], str]:
    def words(event: Event, data: dict[str, Any]) -> str:
        by_itself = "automatic " if data.get("automatic") else ""
        return f"{by_itself}{verb} {_move(event, data)}{_on(event)}{_why(data)}"

    return words


def _outbox(verb: str) -> Callable[[Event, dict[str, Any]], str]:
    def words(event: Event, data: dict[str, Any]) -> str:
        return f"message {data.get('message', '')} ({_version(event)}{_on(event)}) {verb}{_why(data)}"

    return words


def _alert(verb: str) -> Callable[[Event, dict[str, Any]], str]:
    def words(event: Event, data: dict[str, Any]) -> str:
        what = data.get("summary") or data.get("rule") or data.get("slo") or "alert"
        return f"{data.get('severity', 'alert')} {verb}: {what}"

    return words


def _job(verb: str) -> Callable[[Event, dict[str, Any]], str]:
    def words(event: Event, data: dict[str, Any]) -> str:
        return f"job {data.get('job', '')} {data.get('kind', '')} {verb}{_why(data, 'error')}"

    return words


def _incident(verb: str) -> Callable[[Event, dict[str, Any]], str]:
    def words(event: Event, data: dict[str, Any]) -> str:
        detail = data.get("note") or data.get("text")
        return f"{verb} INC-{event.incident}" + (f": {detail}" if detail else "")

    return words


def _walk(verb: str) -> Callable[[Event, dict[str, Any]], str]:
    def words(event: Event, data: dict[str, Any]) -> str:
        parts = [
            "runbook",
            str(data.get("runbook") or ""),
            str(data.get("step") or ""),
            str(data.get("result") or verb),
        ]
        return " ".join(part for part in parts if part)

    return words


def _dataset(event: Event, data: dict[str, Any]) -> str:
    rows = data.get("rows")
    many = f", {rows:,} rows" if isinstance(rows, int) else ""
    return f"data {data.get('dataset', '')}/{data.get('snapshot', '')} added{many}"


def _verdict(event: Event, data: dict[str, Any]) -> str:
    return f"{_version(event)} {str(data.get('verdict', '')).replace('_', ' ')}"


_WORDS: dict[str, Callable[[Event, dict[str, Any]], str]] = {
    "dataset.added": _dataset,
    "dataset.quarantined": lambda e, d: f"data {d.get('dataset', '')} quarantined{_why(d)}",
    "dataset.released": lambda e, d: f"data {d.get('dataset', '')}/{d.get('snapshot', '')} released{_why(d)}",
    "dataset.dropped": lambda e, d: f"refused data of {d.get('dataset', '')} dropped{_why(d)}",
    "contract.saved": lambda e, d: f"contract {d.get('dataset', '')} v{d.get('version', '')} saved",
    "model.registered": lambda e, d: f"{_version(e)} registered",
    "model.searched": lambda e, d: f"{e.model}: {d.get('trials', '')} trials searched",
    "model.promoted": lambda e, d: f"{_version(e)} is {d.get('stage', '')}",
    "endpoint.added": lambda e, d: f"endpoint {e.endpoint} added",
    "endpoint.paused": lambda e, d: f"endpoint {e.endpoint} paused",
    "endpoint.resumed": lambda e, d: f"endpoint {e.endpoint} resumed",
    "deploy.requested": _deploy("deploy queued"),
    "deploy.applied": _deploy("deploy"),
    "deploy.failed": _deploy("deploy failed"),
    "rollback.requested": _deploy("rollback queued"),
    "rollback.applied": _deploy("rollback"),
    "rollback.failed": _deploy("rollback failed"),
    "rollback.withheld": lambda e, d: f"rollback withheld{_why(d)}",
    "outbox.confirmed": _outbox("confirmed after it had waited"),
    "outbox.retried": _outbox("sent once more"),
    "outbox.dropped": _outbox("dropped"),
    "tracking.added": lambda e, d: f"tracker {d.get('tracker', '')} added",
    "tracking.removed": lambda e, d: f"tracker {d.get('tracker', '')} removed",
    "tracking.logged": lambda e, d: f"{_version(e)} logged to {d.get('tracker', '')}",
    "slo.saved": lambda e, d: f"SLO {d.get('name', '')} saved",
    "alert.fired": _alert("fired"),
    "alert.escalated": _alert("escalated"),
    "alert.resolved": _alert("resolved"),
    "incident.opened": lambda e, d: f"INC-{e.incident} opened" + (f", SEV{d['severity']}" if d.get("severity") else ""),
    "incident.suspects": _incident("suspects ranked"),
    "incident.acked": lambda e, d: f"INC-{e.incident} acknowledged",
    "incident.unacked": lambda e, d: f"INC-{e.incident} acknowledgement undone",
    "incident.impact": lambda e, d: f"INC-{e.incident} impact start corrected",
    "incident.noted": _incident("note"),
    "incident.moved": lambda e, d: f"INC-{e.incident} is {d.get('to', '')}",
    "incident.postmortem": _incident("postmortem written"),
    "incident.attached": _incident("alert joined"),
    "runbook.started": _walk("started"),
    "runbook.step": _walk("taken"),
    "runbook.finished": _walk("ended"),
    "runbook.trusted": _walk("trusted"),
    "job.succeeded": _job("done"),
    "job.failed": _job("failed"),
    "job.dead": _job("died"),
    "job.cancelled": _job("cancelled"),
    "drift.verdict": _verdict,
    "access.denied": lambda e, d: f"access denied {d.get('count', '')}×{_on(e)}",
}
