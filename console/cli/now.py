"""`tocsin now`: the first screen as text or JSON, without a terminal."""

from __future__ import annotations

import re
from typing import Any

import click

from console.cli.output import desk_from, emit, json_option
from core.clock import iso, iso_or_none
from core.errors import BadInput


@click.command()
@json_option
@click.option("--snapshot", is_flag=True, help="One whole frame of the screen, with status and key line.")
@click.option("--size", default="80x24", show_default=True, metavar="WxH", help="The frame's size.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, snapshot: bool, size: str) -> None:
    """The first screen: what is broken, since when, what changed, what to do."""
    from core.briefing.now import now

    width, height = _size(size)
    found = now(desk_from(ctx, read_only=True))
    if as_json:
        emit(now_json(found))
        return
    from console.pages.chrome import status_line
    from console.pages.now import body, frame
    from console.plot import plot
    from console.view import text_of

    lines = (
        frame(found, width, height, plot) if snapshot else [status_line(found.header, width), *body(found, width, 200)]
    )
    for one in lines:
        click.echo(text_of(one).rstrip())


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    if not found or int(found[1]) < 20 or int(found[2]) < 5:
        raise BadInput(f"{text!r} is not a size", "write it as 80x24; at least 20x5")
    return int(found[1]), int(found[2])


def now_json(now: Any) -> dict[str, Any]:
    """The first screen with stable keys and ISO times; `incident` is null where nothing is open."""
    header = now.header
    return {
        "environment": header.environment,
        "read_only": header.read_only,
        "now": iso(header.now_us),
        "daemon": {
            "state": header.daemon,
            "age_s": _seconds(header.daemon_age_us),
            "errors": header.trouble,
            "standby": header.standby,
        },
        "endpoints": [
            {"endpoint": one.name, "state": one.state, "age_s": _seconds(one.age_us), "error": one.error or None}
            for one in header.endpoints
        ],
        "queued": header.waiting,
        "open_incidents": header.incidents,
        "unacknowledged": header.unacked,
        "incident": _lead(now.lead) if now.lead else None,
        "also_firing": [
            {"what": one.what, "id": one.id, "severity": one.severity, "model": one.name, "summary": one.text}
            for one in now.others
        ],
        "changes_24h": [_moment(one) for one in now.handover.changes] if now.handover else None,
        "budgets": [_budget(one) for one in (now.lead.budgets if now.lead else now.handover.budgets)],
    }


def _lead(lead: Any) -> dict[str, Any]:
    found = lead.incident
    return {
        "incident": found.id,
        "severity": found.severity,
        "state": found.state,
        "title": found.title,
        "model": found.model,
        "version": found.version or None,
        "endpoint": found.endpoint,
        "class": found.cause or None,
        "impact_start": iso(found.impact_us),
        "detected": iso(found.detected_us),
        "acknowledged": iso_or_none(found.acked_us),
        "acknowledged_by": found.acked_by or None,
        "suspects": [
            {
                "rank": one.rank,
                "kind": one.kind,
                "what": one.title,
                "at": iso(one.at_us),
                "evidence": list(one.evidence),
            }
            for one in lead.suspects
        ],
        "helps": lead.helps or None,
        "rollback": {"from": lead.rollback.active, "to": lead.rollback.to} if lead.rollback else None,
        "queued": found.queued or None,
        "runbook": found.runbook or None,
        "measures": {trend.name: trend.last for trend in lead.trends},
        "timeline": [_moment(one) for one in lead.moments],
    }


def _moment(one: Any) -> dict[str, Any]:
    return {"at": iso(one.at_us), "kind": one.kind, "what": one.text, "by": one.actor}


def _budget(one: Any) -> dict[str, Any]:
    return {
        "slo": one.slo,
        "model": one.model,
        "endpoint": one.endpoint,
        "state": one.state,
        "burn": one.burn,
        "left": one.left,
        "exhausted_in_s": _seconds(one.exhausted_in_us),
        "provisional": one.provisional,
    }


def _seconds(us: int | None) -> int | None:
    return None if us is None else us // 1_000_000
