"""`tocsin alert`: what fires, and what fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.output import desk_from, emit, json_option, table

if TYPE_CHECKING:
    from core.alerts.rows import Alert


@click.group()
def command() -> None:
    """Alerts: one for each condition that holds."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too, newest first.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="With --all: how many.")
@json_option
@click.pass_context
def list_alerts(ctx: click.Context, everything: bool, limit: int, as_json: bool) -> None:
    """The alerts that fire now, pages first."""
    from core.alerts.rows import alerts
    from core.clock import span

    desk = desk_from(ctx, read_only=True)
    found = alerts(desk.store, firing_only=not everything, limit=limit)
    if as_json:
        emit([_json(alert) for alert in found])
        return
    now = desk.now_us()
    table(
        ("id", "severity", "state", "age", "rule", "model", "endpoint", "incident", "summary"),
        [
            (
                alert.id,
                alert.severity,
                alert.state,
                span(now - alert.started_us),
                alert.rule,
                alert.model,
                alert.endpoint,
                alert.incident,
                alert.summary,
            )
            for alert in found
        ],
        empty="no alerts yet" if everything else "nothing fires",
    )


@command.command()
@click.argument("number", type=int)
@json_option
@click.pass_context
def show(ctx: click.Context, number: int, as_json: bool) -> None:
    """One alert, and what the ledger tells of it."""
    from core.alerts.rows import alert, history
    from core.clock import iso

    desk = desk_from(ctx, read_only=True)
    found = alert(desk.store, number)
    events = history(desk.store, number)
    if as_json:
        emit({**_json(found), "events": [{"at": iso(e.at_us), "kind": e.kind, "data": e.data} for e in events]})
        return
    click.echo(f"alert {found.id}: {found.severity} {found.state}, {found.rule}")
    click.echo(found.summary)
    click.echo(f"model {found.model}, endpoint {found.endpoint}, objective {found.slo_name or '-'}")
    click.echo(f"incident {found.incident or 'none'}, seen {found.repeats} times, last {iso(found.seen_us)}")
    table(
        ("at", "event", "severity", "rule"),
        [(iso(e.at_us), e.kind, e.data["severity"], e.data["rule"]) for e in events],
    )


def _json(alert: Alert) -> dict[str, Any]:
    from core.clock import iso, iso_or_none

    return {
        "id": alert.id,
        "fingerprint": alert.fingerprint,
        "severity": alert.severity,
        "state": alert.state,
        "rule": alert.rule,
        "family": alert.family,
        "objective": alert.slo_name,
        "model": alert.model,
        "endpoint": alert.endpoint,
        "summary": alert.summary,
        "started": iso(alert.started_us),
        "seen": iso(alert.seen_us),
        "resolved": iso_or_none(alert.resolved_us),
        "incident": alert.incident,
        "repeats": alert.repeats,
        "data": alert.data,
    }
