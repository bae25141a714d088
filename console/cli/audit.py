"""`tocsin audit`: what happened, and proof that nothing in it was changed."""

from __future__ import annotations

import click

from console.cli.output import desk_from, emit, json_option, table
from core.clock import iso, parse_time
from core.errors import CheckFailed
from core.ledger.chain import Event


@click.group()
def command() -> None:
    """What happened, and proof that nothing in it was changed."""


@command.command("show")
@click.option("--kind", "kinds", multiple=True, help="Only events of this kind; 'deploy.' is all below it.")
@click.option("--model", help="Only events of this model.")
@click.option("--since", help="Only events at or after this time.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@json_option
@click.pass_context
def show(
    ctx: click.Context, kinds: tuple[str, ...], model: str | None, since: str | None, limit: int, as_json: bool
) -> None:
    """The newest events that fit, oldest first."""
    from core import ledger

    found = ledger.timeline(
        desk_from(ctx, read_only=True).store,
        kinds=kinds,
        model=model,
        since_us=parse_time(since) if since else None,
        limit=limit,
    )
    if as_json:
        emit([event_json(event) for event in found])
        return
    lines = [(e.seq, iso(e.at_us), e.actor, e.kind, subject(e), said(e)) for e in found]
    table(["seq", "at", "actor", "kind", "of", "what"], lines, empty="nothing has happened yet")


def event_json(event: Event) -> dict[str, object]:
    """An event with stable keys and ISO times."""
    return {
        "seq": event.seq,
        "at": iso(event.at_us),
        "recorded": iso(event.recorded_us),
        "actor": event.actor,
        "kind": event.kind,
        "model": event.model,
        "version": event.version,
        "endpoint": event.endpoint,
        "incident": event.incident,
        "data": event.data,
        "hash": event.hash,
    }


def subject(event: Event) -> str:
    """What an event is about: `flight-delay v2 @ local`."""
    parts = [
        event.model or "",
        f"v{event.version}" if event.version else "",
        f"@ {event.endpoint}" if event.endpoint else "",
    ]
    return " ".join(part for part in parts if part)


def said(event: Event) -> str:
    """An event's data in one short line."""
    pairs = [f"{name}={value}" for name, value in event.data.items() if isinstance(value, str | int | float)]
    return " ".join(pairs)[:100]


@command.command("verify")
@json_option
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Walk the whole chain; exit code 1 names the first event that was changed, removed or inserted."""
    from core import ledger
    from core.ledger.chain import key_of

    desk = desk_from(ctx, read_only=True)
    found = ledger.verify(desk.store, key_of(desk.home))
    if as_json:
        emit(
            {
                "ok": found.ok,
                "events": found.events,
                "head": found.head,
                "broken": found.broken,
                "reason": found.reason or None,
            }
        )
    elif found.ok:
        click.echo(f"ok: {found.events} events, head {found.head}")
    if not found.ok:
        raise CheckFailed(
            f"the ledger is broken at event {found.broken}: {found.reason}",
            "keep this home as evidence, and restore a backup elsewhere to compare",
        )
