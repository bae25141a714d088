"""`tocsin label`: the labels that came late."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from core.clock import iso_or_none


@click.group()
def command() -> None:
    """The labels that came late."""


@command.command("import")
@click.argument("model")
@click.argument("file", type=click.Path(path_type=Path))
@change_options
@json_option
@click.pass_context
def import_labels(ctx: click.Context, model: str, file: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Import labels of MODEL's requests from a CSV file with the columns id, label and, if known, at.

    The first label of a request stands; importing a file twice changes nothing.
    """
    from core.monitor import labels
    from core.monitor.label_file import read
    from core.registry.versions import require_model

    desk = desk_from(ctx)
    require_model(desk.store, model)
    rows = read(file, desk.now_us())
    against = labels.contradicted(desk.store, model, rows)
    new = joined = 0
    if not dry_run:
        confirm(f"Import {len(rows):,} labels of {model}?", yes)
        new = labels.record(desk, model, rows)
        while bite := labels.join(desk):
            joined += bite
    if as_json:
        emit({"rows": len(rows), "new": new, "joined": joined, "contradicted": against, "dry_run": dry_run})
        return
    if dry_run:
        click.echo(f"would import up to {len(rows):,} labels of {model}")
    else:
        click.echo(f"{new:,} of {len(rows):,} labels are new, {joined:,} joined to their predictions")
    if against:
        click.echo(f"{against:,} differ from the label already kept, which stands", err=True)


@command.command()
@click.argument("model")
@json_option
@click.pass_context
def stats(ctx: click.Context, model: str, as_json: bool) -> None:
    """How many labels MODEL has, and how many wait for their prediction."""
    from core.monitor.labels import stats as label_stats
    from core.registry.versions import require_model

    desk = desk_from(ctx, read_only=True)
    require_model(desk.store, model)
    found = label_stats(desk.store, model)
    plain = asdict(found)
    first, last = iso_or_none(plain.pop("first_us")), iso_or_none(plain.pop("last_us"))
    if as_json:
        emit({"model": model, **plain, "first": first, "last": last})
        return
    table([*plain, "first", "last"], [(*plain.values(), first or "-", last or "-")])
