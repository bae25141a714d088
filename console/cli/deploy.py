"""`tocsin deploy`: which version an endpoint is to serve."""

from __future__ import annotations

from typing import Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from console.cli.versioned import chosen
from core.clock import iso, iso_or_none, span
from core.desk import Desk
from core.endpoints.rows import Deployment
from core.errors import BadInput


@click.group("deploy")
def command() -> None:
    """Put a version on an endpoint, see what is where, and go back."""


@command.command("start")
@click.argument("model")
@click.argument("version", required=False)
@click.option("--to", "endpoint", metavar="ENDPOINT", help="The endpoint; may be left out where there is only one.")
@click.option("--reason", default="", help="Why, for the timeline.")
@click.option("--again", is_flag=True, help="Also where the version is already active.")
@json_option
@change_options
@click.pass_context
def start(
    ctx: click.Context,
    model: str,
    version: str | None,
    endpoint: str | None,
    reason: str,
    again: bool,
    as_json: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Ask an endpoint to serve VERSION of MODEL (else the newest), and try to deliver that at once.

    Where the endpoint cannot be reached the deployment stays queued and is delivered when it can be.
    """
    from core.endpoints import deploy
    from core.registry.gate import require_cleared

    desk = desk_from(ctx)
    name = _endpoint(desk, endpoint)
    model, number = chosen(desk, model, version)
    now = deploy.active(desk.store, name, model)
    what = f"{model} v{number} on {name}" + (f" in place of v{now.version}" if now else "")
    if dry_run:
        require_cleared(desk.store, model, number, desk.now_us())
        _would(desk, model, number, what)
        return
    confirm(f"deploy {what}?", yes)
    one = deploy.request(desk, name, model, number, reason=reason, again=again)
    _send_and_tell(desk, one, as_json)


@command.command("rollback")
@click.argument("model")
@click.option("--on", "endpoint", metavar="ENDPOINT", help="The endpoint; may be left out where there is only one.")
@click.option("--to", "version", help="The version, by its number or alias; else the one active before.")
@click.option("--reason", default="", help="Why, for the timeline.")
@click.option("--incident", type=int, help="The incident that this is done for.")
@click.option("--expect-active", type=int, help="Refuse where another version is active by now.")
@json_option
@change_options
@click.pass_context
def rollback(
    ctx: click.Context,
    model: str,
    endpoint: str | None,
    version: str | None,
    reason: str,
    incident: int | None,
    expect_active: int | None,
    as_json: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Go back to the last good version of MODEL, and try to deliver that at once."""
    from core.endpoints import deploy, waiting
    from core.errors import CheckFailed

    desk = desk_from(ctx)
    name = _endpoint(desk, endpoint)
    target = deploy.target(desk.store, name, model)
    to = chosen(desk, model, version)[1] if version else target.version if target else None
    if to is None:
        raise CheckFailed(f"{name} has no earlier good version of {model} to go back to", "name one with --to")
    held = f", which was active for {span(target.healthy_us)}" if target and target.version == to else ""
    what = f"{model} on {name} back to v{to}{held}"
    for line in waiting.overtaken(desk, name, model):
        click.echo(f"note: it {line}", err=True)
    if dry_run:
        _would(desk, model, to, what)
        return
    confirm(f"roll {what}?", yes)
    reason = reason or "asked for by a person"
    one = deploy.rollback(desk, name, model, to=to, reason=reason, incident=incident, expect_active=expect_active)
    _send_and_tell(desk, one, as_json)


@command.command("status")
@click.argument("model", required=False)
@json_option
@click.pass_context
def status(ctx: click.Context, model: str | None, as_json: bool) -> None:
    """What is active where, since when, what it could go back to, and what waits."""
    from core.endpoints import deploy, rows, waiting
    from core.work import outbox

    desk = desk_from(ctx, read_only=True)
    keeps = {one.deployment: waiting.why(desk, one) for one in outbox.waiting(desk.store)}
    found = []
    for endpoint, name in rows.pairs(desk.store):
        if model in (None, name):
            queued = rows.queued(desk.store, endpoint, name)
            standing = deploy.active(desk.store, endpoint, name), deploy.target(desk.store, endpoint, name)
            found.append((endpoint, name, *standing, queued[-1] if queued else None))
    if as_json:
        emit([{**_status(*each), "waits": (each[-1] and keeps.get(each[-1].id)) or None} for each in found])
        return
    lines = [
        (
            endpoint,
            name,
            f"v{now.version}" if now else "-",
            f"{span(desk.now_us() - now.since_us)} ago ({now.kind})" if now else "",
            f"v{back.version}" if back else "-",
            f"v{one.version}: {keeps.get(one.id) or one.error or 'not sent yet'}" if one else "",
        )
        for endpoint, name, now, back, one in found
    ]
    table(["endpoint", "model", "active", "since", "back to", "queued"], lines, empty="nothing was deployed yet")


@command.command("history")
@click.argument("model", required=False)
@click.option("--on", "endpoint", metavar="ENDPOINT", help="One endpoint alone.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_context
def history(ctx: click.Context, model: str | None, endpoint: str | None, limit: int, as_json: bool) -> None:
    """The newest deployments and rollbacks, newest first."""
    from core.endpoints import deploy

    desk = desk_from(ctx, read_only=True)
    found = deploy.history(desk.store, endpoint, model, limit)
    if as_json:
        emit([_plain(each) for each in found])
        return
    lines = [
        (d.id, iso(d.requested_us), d.endpoint, d.model, d.kind, f"v{d.version}", d.state, d.error or d.reason)
        for d in found
    ]
    table(["id", "asked for", "endpoint", "model", "kind", "version", "state", "why"], lines, empty="none yet")


def _endpoint(desk: Desk, name: str | None) -> str:
    """The endpoint named, or the only one there is."""
    from core.endpoints import rows

    if name is not None:
        return rows.endpoint(desk.store, name).name
    found = rows.endpoints(desk.store)
    if len(found) == 1:
        return found[0].name
    raise BadInput(
        "say which endpoint" if found else "there is no endpoint yet",
        "one of " + ", ".join(each.name for each in found) if found else "`tocsin endpoint add` makes one known",
    )


def _would(desk: Desk, model: str, version: int, what: str) -> None:
    from core.registry import versions

    versions.version(desk.store, model, version)
    click.echo(f"would deploy {what}" if " back to " not in what else f"would roll {what}")


def _send_and_tell(desk: Desk, one: Deployment, as_json: bool) -> None:
    from core.endpoints import rows
    from core.endpoints.deliver import deliver
    from core.errors import RemoteRefused

    sent = deliver(desk, endpoint=one.endpoint, early=True)
    now = rows.deployment(desk.store, one.id)
    if as_json:
        emit(_plain(now))
    elif now.state == "applied":
        click.echo(f"{now.model} v{now.version} is active on {now.endpoint}")
    elif now.state == "queued":
        click.echo(f"queued, not applied: {now.model} v{now.version} on {now.endpoint}")
    if now.state == "queued":
        held_up = next((f"{each.model} v{each.version} is before it: {each.error}" for each in sent if each.error), "")
        why = now.error or held_up or "the endpoint is paused, or being sent to by another process"
        click.echo(f"note: {why}", err=True)
        click.echo("hint: it is delivered as soon as the endpoint takes it; see `tocsin deploy status`", err=True)
    if now.state == "failed":
        raise RemoteRefused(
            f"{now.model} v{now.version} was not applied on {now.endpoint}: {now.error}",
            f"nothing has changed there; `tocsin endpoint health {now.endpoint}` says more",
        )


def _plain(one: Deployment) -> dict[str, Any]:
    return {
        "id": one.id,
        "endpoint": one.endpoint,
        "model": one.model,
        "version": one.version,
        "previous": one.previous,
        "kind": one.kind,
        "state": one.state,
        "reason": one.reason,
        "automatic": one.automatic,
        "incident": one.incident,
        "requested": iso(one.requested_us),
        "applied": iso_or_none(one.applied_us),
        "error": one.error,
    }


def _status(endpoint: str, model: str, now: Any, back: Any, waiting: Deployment | None) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "model": model,
        "active": now.version if now else None,
        "since": iso_or_none(now.since_us if now else None),
        "kind": now.kind if now else None,
        "back_to": back.version if back else None,
        "queued": _plain(waiting) if waiting else None,
    }
