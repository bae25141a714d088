"""`tocsin evaluate`: how good a version is on rows it has not seen, with intervals, groups and weak spots."""

from __future__ import annotations

from typing import Any

import click

from console.cli.evaluate_output import tell
from console.cli.output import desk_from, emit, home_from
from console.cli.waiting import ended_well, queued
from core.settings import require_writable


@click.command()
@click.argument("model")
@click.option("--version", type=int, help="The version; else the latest.")
@click.option("--snapshot", metavar="DATASET[/N]", help="The rows of a snapshot; else the version's own hold-out.")
@click.option("--from", "from_", metavar="TIME", help="Rows from this instant on.")
@click.option("--to", metavar="TIME", help="Rows before this instant.")
@click.option(
    "--by", multiple=True, metavar="COLUMNS", help="Compare groups; with commas, of both at once. Repeatable."
)
@click.option("--least", type=click.IntRange(1), default=200, help="Judge no group or slice of fewer rows.")
@click.option("--against", type=int, metavar="VERSION", help="Compare with this version on the same rows.")
@click.option("--dry-run", is_flag=True, help="Check the request and say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Progress and report as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    version: int | None,
    snapshot: str | None,
    from_: str | None,
    to: str | None,
    by: tuple[str, ...],
    least: int,
    against: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Measure MODEL on rows it has not seen, and keep the report."""
    args = {
        "model": model,
        "version": version,
        "snapshot": snapshot,
        "from": from_,
        "to": to,
        "by": list(by),
        "least": least,
        "against": against,
    }
    if not dry_run:
        require_writable(home_from(ctx))
    what = _check(ctx, args)
    if dry_run:
        click.echo(f"would measure {what}")
        return
    _run(ctx, args, as_json)


def _check(ctx: click.Context, args: dict[str, Any]) -> str:
    """Find the faults that can be found without reading data; returns what will be measured."""
    from core.datasets.rows import snapshot
    from core.evaluation.plan import Asked
    from core.training.find import version

    store, asked = desk_from(ctx).store, Asked.of(args)
    found = version(store, asked.model, asked.version)
    if asked.against is not None:
        version(store, asked.model, asked.against)
    where = "its own hold-out"
    if asked.dataset:
        rows = snapshot(store, asked.dataset, asked.number)
        where = f"snapshot {rows.dataset}/{rows.number}"
    args["version"] = found.version
    return f"{found.model} version {found.version} on {where}"


def _run(ctx: click.Context, args: dict[str, Any], as_json: bool) -> None:
    ended = queued(desk_from(ctx), "evaluate", args, here=True, as_json=as_json)
    assert ended is not None, "what runs here ends here"
    result = ended_well(ended)
    if as_json:
        emit({"job": ended.id, "state": ended.state, **result})
    else:
        tell(result)
