"""`tocsin tracking`: servers that are told of every registered version."""

from __future__ import annotations

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from core.clock import iso_or_none


@click.group("tracking")
def command() -> None:
    """Servers that are told of every registered version: MLflow."""


@command.command("add")
@click.argument("name")
@click.argument("kind")
@click.argument("url")
@click.option("--token-ref", default="", metavar="REF", help="Where its token is (env:NAME, file:PATH), if it asks.")
@click.option("--experiment", default="tocsin", show_default=True, help="The experiment that runs are logged to.")
@change_options
@click.pass_context
def add(
    ctx: click.Context, name: str, kind: str, url: str, token_ref: str, experiment: str, dry_run: bool, yes: bool
) -> None:
    """Make a server of KIND (mlflow) at URL known under NAME; it is told of versions registered from now on."""
    from core.tracking import rows, verbs

    desk = desk_from(ctx)
    known = next((each for each in rows.trackers(desk.store) if each.name == name), None)
    what = f"tracker {name}, {kind} at {url}" if known is None else f"tracker {name} from {known.url} to {url}"
    verbs.check(name, kind, url, token_ref, experiment)
    if dry_run:
        click.echo(f"would {'add' if known is None else 'change'} {what}")
        return
    if known is not None:
        confirm(f"change {what}?", yes)
    verbs.add(desk, name, kind, url, token_ref=token_ref, experiment=experiment)
    click.echo(f"{'added' if known is None else 'changed'} {what}; `tocsin tracking sync` tells it of what there is")


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """All trackers, when each last took something, what waits for it and what it refused."""
    from core.tracking import rows
    from core.work import outbox

    desk = desk_from(ctx, read_only=True)
    dead = [each.endpoint for each in outbox.dead_letters(desk.store, 10_000)]
    found = [
        {
            "name": each.name,
            "kind": each.kind,
            "url": each.url,
            "experiment": each.experiment,
            "seen": iso_or_none(each.seen_us),
            "waiting": len(outbox.waiting(desk.store, each.line)),
            "refused": dead.count(each.line),
            "error": each.error,
        }
        for each in rows.trackers(desk.store)
    ]
    if as_json:
        emit(found)
        return
    headers = ["name", "kind", "url", "experiment", "seen", "waiting", "refused", "error"]
    table(headers, [[*each.values()] for each in found], empty="no trackers: `tocsin tracking add NAME mlflow URL`")


@command.command("remove")
@click.argument("name")
@change_options
@click.pass_context
def remove(ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Forget a tracker; what waits for it is never sent, what it keeps stays there."""
    from core.tracking import rows, verbs

    desk = desk_from(ctx)
    rows.tracker(desk.store, name)
    if dry_run:
        click.echo(f"would remove {name}")
        return
    confirm(f"remove {name}?", yes)
    dropped = verbs.remove(desk, name)
    click.echo(f"removed {name}; {dropped} messages that waited for it are not sent")


@command.command("sync")
@click.option("--model", help="Only the versions of one model.")
@json_option
@click.pass_context
def sync(ctx: click.Context, model: str | None, as_json: bool) -> None:
    """Tell every tracker of all versions it does not know, and send what waits (exit 4 where one did not take it)."""
    from core.errors import RemoteRefused, RemoteUnreachable
    from core.tracking import deliver

    desk = desk_from(ctx)
    queued = deliver.queue(desk, model=model, every=True)
    told = deliver.deliver(desk, early=True)
    if as_json:
        emit({"queued": queued, "told": [vars(each) for each in told]})
    else:
        for each in told:
            click.echo(f"{each.model} v{each.version} on {each.tracker}: {each.state} {each.error}".rstrip())
        click.echo(f"queued {queued}, logged {sum(each.state == 'logged' for each in told)}")
    for each in told:
        if each.state == "refused":
            hint = "`tocsin outbox list` shows it; `outbox retry` sends it again"
            raise RemoteRefused(f"{each.tracker} refused {each.model} v{each.version}: {each.error}", hint)
        if each.state == "waiting":
            raise RemoteUnreachable(f"{each.tracker}: {each.error}", "what waits for it is kept and tried again")
