"""`tocsin endpoint`: where models are served."""

from __future__ import annotations

from typing import Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from core.clock import iso_or_none, span
from core.desk import Desk
from core.endpoints.rows import Endpoint


@click.group("endpoint")
def command() -> None:
    """Where models are served: make known, look, collect, pause."""


@command.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--token-ref", required=True, metavar="REF", help="Where the token is: env:NAME or file:PATH.")
@click.option("--adapter", default="embedded", show_default=True, help="The kind of server.")
@change_options
@click.pass_context
def add(ctx: click.Context, name: str, url: str, token_ref: str, adapter: str, dry_run: bool, yes: bool) -> None:
    """Make an endpoint known under NAME, or give it another URL or token. Nothing is sent to it yet."""
    from core.endpoints import rows, verbs

    desk = desk_from(ctx)
    known = next((each for each in rows.endpoints(desk.store) if each.name == name), None)
    what = f"endpoint {name} at {url}" if known is None else f"endpoint {name} from {known.url} to {url}"
    if dry_run:
        click.echo(f"would {'add' if known is None else 'change'} {what}")
        return
    if known is not None and known.url != url.rstrip("/"):
        confirm(f"change {what}?", yes)
    verbs.add(desk, name, url, token_ref, adapter)
    click.echo(f"{'added' if known is None else 'changed'} {what}; `tocsin endpoint health {name}` asks it how it is")


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """All endpoints, when each last answered, and what waits for it."""
    from core.endpoints import rows
    from core.work import outbox

    desk = desk_from(ctx, read_only=True)
    found = [(each, len(outbox.waiting(desk.store, each.name))) for each in rows.endpoints(desk.store)]
    if as_json:
        emit([_plain(each, waiting) for each, waiting in found])
        return
    lines = [
        (each.name, each.adapter, each.url, each.state, _seen(desk, each), waiting, each.error or "")
        for each, waiting in found
    ]
    table(["name", "adapter", "url", "state", "answered", "waiting", "error"], lines, empty="no endpoints yet")


@command.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """One endpoint: what it serves as far as we know, and what waits for it."""
    from core.endpoints import deploy, rows
    from core.work import outbox

    desk = desk_from(ctx, read_only=True)
    found = rows.endpoint(desk.store, name)
    waiting = outbox.waiting(desk.store, name)
    models = [model for place, model in rows.pairs(desk.store) if place == name]
    serving = {model: deploy.active(desk.store, name, model) for model in models}
    if as_json:
        versions = {model: each.version if each else None for model, each in serving.items()}
        emit({**_plain(found, len(waiting)), "serving": versions})
        return
    click.echo(f"{found.name}  {found.url}  {found.state}  answered {_seen(desk, found)}  adapter {found.adapter}")
    if found.error:
        click.echo(f"error: {found.error}")
    lines = [(model, f"v{each.version}" if each else "-", _age(desk, each)) for model, each in serving.items()]
    table(["model", "active", "since"], lines, empty="nothing was deployed to it")
    if waiting:
        rows_ = [(m.id, m.body["model"], f"v{m.body['version']}", m.attempts, m.error or "") for m in waiting]
        table(["waiting", "model", "version", "attempts", "error"], rows_)


@command.command("health")
@click.argument("name")
@json_option
@click.pass_context
def health(ctx: click.Context, name: str, as_json: bool) -> None:
    """Ask an endpoint how it is and whether it serves what was deployed (exit 1 where not, 4 where it is gone)."""
    from core.endpoints import verbs
    from core.errors import CheckFailed

    found = verbs.health(desk_from(ctx), name)
    if as_json:
        served = {each.model: {"active": each.active, "expected": each.expected} for each in found.served}
        emit({"endpoint": name, "ok": found.fits, "took_us": found.took_us, "skew_us": found.skew_us, "models": served})
    else:
        click.echo(f"{name} answers in {found.took_us / 1000:.1f} ms; its clock is {span(found.skew_us)} from ours")
        lines = [
            (s.model, _version(s.active), _version(s.expected), "ok" if s.fits else "DIFFERS") for s in found.served
        ]
        table(["model", "active", "deployed", ""], lines, empty="no models there")
    if not found.fits:
        wrong = next(each for each in found.served if not each.fits)
        raise CheckFailed(
            f"{name} serves {wrong.model} {_version(wrong.active)}, {_version(wrong.expected)} was deployed",
            f"`tocsin deploy start {wrong.model} {wrong.expected} --to {name} --again`",
        )


@command.command("sync")
@click.argument("name", required=False)
@json_option
@click.pass_context
def sync(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Send what waits and collect what was counted, now, without waiting for the daemon."""
    from core.endpoints import rows
    from core.endpoints.deliver import deliver
    from core.endpoints.online import Feeder
    from core.endpoints.telemetry import pull
    from core.errors import RemoteUnreachable

    desk = desk_from(ctx)
    if name is not None:
        rows.endpoint(desk.store, name)
    Feeder(desk).turn(name)
    sent = deliver(desk, endpoint=name, early=True)
    pulled = pull(desk, name)
    if as_json:
        told = [{"model": s.model, "version": s.version, "state": s.state, "error": s.error} for s in sent]
        emit({"sent": told, "batches": pulled.batches, "predictions": pulled.predictions, "errors": pulled.errors})
    else:
        for one in sent:
            click.echo(f"{one.model} v{one.version} on {one.endpoint}: {one.state} {one.error}".rstrip())
        click.echo(f"collected {pulled.batches} minutes with {pulled.predictions} predictions")
    if pulled.errors:
        place, why = next(iter(pulled.errors.items()))
        raise RemoteUnreachable(f"{place}: {why}", "what waits for it is kept and tried again")


@command.command("pause")
@click.argument("name")
@change_options
@click.pass_context
def pause(ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Send nothing to an endpoint and collect nothing from it; deployments wait."""
    _switch(ctx, name, dry_run, yes, "pause")


@command.command("resume")
@click.argument("name")
@change_options
@click.pass_context
def resume(ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Go on with a paused endpoint."""
    _switch(ctx, name, dry_run, yes, "resume")


def _switch(ctx: click.Context, name: str, dry_run: bool, yes: bool, verb: str) -> None:
    from core.endpoints import rows, verbs

    desk = desk_from(ctx)
    rows.endpoint(desk.store, name)
    if dry_run:
        click.echo(f"would {verb} {name}")
        return
    confirm(f"{verb} {name}?", yes)
    found = (verbs.pause if verb == "pause" else verbs.resume)(desk, name)
    click.echo(f"{name} is {found.state}")


def _plain(found: Endpoint, waiting: int) -> dict[str, Any]:
    return {
        "name": found.name,
        "adapter": found.adapter,
        "url": found.url,
        "state": found.state,
        "seen": iso_or_none(found.seen_us),
        "skew_us": found.skew_us,
        "waiting": waiting,
        "error": found.error,
    }


def _seen(desk: Desk, found: Endpoint) -> str:
    return "never" if found.seen_us is None else f"{span(desk.now_us() - found.seen_us)} ago"


def _age(desk: Desk, active: Any) -> str:
    return f"{span(desk.now_us() - active.since_us)} ago" if active else ""


def _version(version: int | None) -> str:
    return "-" if version is None else f"v{version}"
