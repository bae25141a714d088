"""`tocsin dataset watch`: the folders whose files are taken in as they are dropped there."""

from __future__ import annotations

from typing import Any

import click

from console.cli.output import confirm, desk_from, dry_run_options, emit, json_option, table
from core.clock import SECOND, parse_span, span
from core.datasets import folders
from core.datasets.folders import Folder
from core.desk import Desk


@click.command()
@click.argument("dataset", metavar="[DATASET", required=False)
@click.argument("folder", metavar="FOLDER]", required=False)
@click.option(
    "--quiet", default="5s", show_default=True, metavar="SPAN", help="A file is taken when unchanged so long."
)
@click.option("--list", "listing", is_flag=True, help="Show the folders that are watched.")
@click.option("--remove", is_flag=True, help="Leave FOLDER alone from now on.")
@dry_run_options
@json_option
@click.pass_context
def watch(
    ctx: click.Context,
    dataset: str | None,
    folder: str | None,
    quiet: str,
    listing: bool,
    remove: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take every file that is dropped into FOLDER into DATASET, once each; the daemon does it.

    A file that keeps the contract becomes a snapshot and is moved to done/ in the folder; one that does not goes to
    quarantine/. Write under a name that begins with a dot or ends in .part, and rename, to be wholly safe.
    """
    if listing:
        _list(desk_from(ctx, read_only=True), as_json)
        return
    if dataset is None or folder is None:
        raise click.UsageError("give DATASET and FOLDER, or --list")
    desk = desk_from(ctx)
    if remove:
        found = folders.watched(desk, dataset, folder)
        if not dry_run:
            confirm(f"Leave {found.path} alone from now on?", yes)
            folders.unwatch(desk, dataset, folder)
        _say(found, "would no longer be watched" if dry_run else "is no longer watched", as_json)
        return
    verb = folders.planned if dry_run else folders.watch
    found = verb(desk, dataset, folder, parse_span(quiet))
    _say(found, f"would be watched for {dataset}" if dry_run else f"is watched for {dataset}", as_json)


def _say(found: Folder, what: str, as_json: bool) -> None:
    if as_json:
        emit(_json(found))
    else:
        click.echo(f"{found.path} {what}")


def _list(desk: Desk, as_json: bool) -> None:
    found = folders.folders(desk.store)
    if as_json:
        emit([_json(folder) for folder in found])
        return
    cells = [
        (folder.dataset, folder.path, span(folder.quiet_us), "unreadable" if (n := folder.waiting) is None else n)
        for folder in found
    ]
    table(("dataset", "folder", "quiet", "waiting"), cells, empty="no folder is watched: `tocsin dataset watch`")


def _json(folder: Folder) -> dict[str, Any]:
    return {
        "dataset": folder.dataset,
        "folder": str(folder.path),
        "quiet_seconds": folder.quiet_us / SECOND,
        "waiting": folder.waiting,
    }
