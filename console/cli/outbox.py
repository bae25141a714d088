"""`tocsin outbox`: what waits to be applied on an endpoint, and what never will be by itself."""

from __future__ import annotations

from typing import Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, table
from core.clock import iso, iso_or_none, span
from core.desk import Desk
from core.work.outbox import Message


@click.group("outbox")
def command() -> None:
    """Changes that wait for an endpoint, dead letters, and what was sent: queued is not applied."""


@command.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--all", "settled", is_flag=True, help="Settled messages as well.")
@json_option
@click.pass_context
def list_(ctx: click.Context, limit: int, settled: bool, as_json: bool) -> None:
    """What waits and what was given up; those that ask again wait for `outbox confirm`."""
    from core.endpoints import waiting
    from core.work import outbox

    desk = desk_from(ctx, read_only=True)
    found = [one for one in outbox.newest(desk.store, limit) if settled or one.state != "done"]
    if as_json:
        emit([_plain(desk, one) for one in found])
        return
    behind = waiting.held(desk)
    lines = [
        (
            one.id,
            _state(desk, one),
            waiting.words(one),
            f"{span(desk.now_us() - one.created_us)} ago",
            one.attempts,
            " - ".join(filter(None, [waiting.held_words(behind[one.id]) if one.id in behind else "", one.error])),
        )
        for one in found
    ]
    table(["message", "state", "what", "asked for", "attempts", "why"], lines, empty="nothing waits")


@command.command("show")
@click.argument("message", type=int)
@json_option
@click.pass_context
def show(ctx: click.Context, message: int, as_json: bool) -> None:
    """One message: what it says to whom, its key, and what came of it."""
    from core.work import outbox

    desk = desk_from(ctx, read_only=True)
    data = _plain(desk, outbox.message(desk.store, message))
    if as_json:
        emit(data)
        return
    facts(data)


@command.command("confirm")
@click.argument("message", type=int)
@change_options
@click.pass_context
def confirm_message(ctx: click.Context, message: int, dry_run: bool, yes: bool) -> None:
    """Say that a change which asks again is still meant, and try to deliver it at once."""
    _send(ctx, "confirm", message, dry_run, yes)


@command.command("retry")
@click.argument("message", type=int)
@change_options
@click.pass_context
def retry(ctx: click.Context, message: int, dry_run: bool, yes: bool) -> None:
    """Send a dead letter once more, or a waiting message now; the same key as before, so never twice."""
    _send(ctx, "retry", message, dry_run, yes)


@command.command("drop")
@click.argument("message", type=int)
@click.option("--reason", default="", help="Why, for the timeline.")
@change_options
@click.pass_context
def drop(ctx: click.Context, message: int, reason: str, dry_run: bool, yes: bool) -> None:
    """Take a message out for good: it is never sent."""
    from core.endpoints import waiting

    desk = desk_from(ctx)
    if _asked(desk, "drop", message, dry_run, yes):
        waiting.drop(desk, message, reason)
        click.echo(f"dropped message {message}")


def _asked(desk: Desk, verb: str, number: int, dry_run: bool, yes: bool) -> bool:
    """Whether it is to be done: said by the person, or by --yes."""
    from core.endpoints import waiting

    intent = waiting.intend(desk, verb, number)
    what = f"{verb} message {number}, {waiting.words(intent.message)}: {intent.effect}"
    if dry_run:
        click.echo(f"would {what}")
        return False
    confirm(f"{what}?", yes)
    return True


def _send(ctx: click.Context, verb: str, number: int, dry_run: bool, yes: bool) -> None:
    from core.endpoints import waiting
    from core.endpoints.deliver import deliver
    from core.errors import RemoteRefused
    from core.tracking import deliver as tracking
    from core.work import outbox

    desk = desk_from(ctx)
    if not _asked(desk, verb, number, dry_run, yes):
        return
    meant = (waiting.confirm if verb == "confirm" else waiting.retry)(desk, number)
    deliver(desk, endpoint=meant.endpoint, early=True)
    tracking.deliver(desk, line=meant.endpoint, early=True)
    now = outbox.message(desk.store, number)
    if now.state == "dead":
        raise RemoteRefused(
            f"message {number} was refused: {now.error}", f"mend that, then `tocsin outbox retry {number}`"
        )
    click.echo(f"message {number}, {waiting.words(now)}: {'applied' if now.state == 'done' else 'queued, not applied'}")
    if now.open:
        click.echo(f"note: {now.error or 'the endpoint is paused, or others wait before it'}", err=True)


def _state(desk: Desk, one: Message) -> str:
    from core.endpoints import waiting

    if one.asks(waiting.asks_before_us(desk)):
        return "asks again"
    return {"claimed": "on its way", "done": one.error or "applied"}.get(one.state, one.state)


def _plain(desk: Desk, one: Message) -> dict[str, Any]:
    from core.endpoints import waiting

    return {
        "message": one.id,
        "state": _state(desk, one),
        "endpoint": one.endpoint,
        "action": one.action,
        "body": one.body,
        "deployment": one.deployment,
        "key": one.key,
        "attempts": one.attempts,
        "created": iso(one.created_us),
        "next": iso(one.next_us) if one.open else None,
        "confirmed": iso_or_none(one.confirmed_us),
        "settled": iso_or_none(one.done_us),
        "waits": waiting.why(desk, one) or None,
        "behind": waiting.held(desk, one.endpoint).get(one.id),
        "error": one.error,
    }
