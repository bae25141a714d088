"""`tocsin feature`: declared feature views, and whether serving computes them as training does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, table

if TYPE_CHECKING:
    from core.features.saved import SavedView


@click.group()
def command() -> None:
    """Declared feature views: the columns made of raw inputs, in versions."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@change_options
@click.pass_context
def add(ctx: click.Context, file: Path, dry_run: bool, yes: bool) -> None:
    """Save the view of FILE (TOML) as its next version; the same content again is the same version."""
    from core.features import declared, saved

    view = declared.read(file)
    desk = desk_from(ctx)
    before = saved.find(desk.store, view)
    if before is not None:
        click.echo(f"{before.text} is this view already")
        return
    what = f"feature view {view.name} with {len(view.column)} columns and {len(view.aggregate)} aggregates"
    if dry_run:
        click.echo(f"would save {what}")
        return
    confirm(f"save {what}?", yes)
    found, _ = saved.add(desk, view)
    click.echo(f"saved {found.text}, {found.sha256[:12]}")


@command.command("list")
@json_option
@click.pass_context
def list_views(ctx: click.Context, as_json: bool) -> None:
    """Every version of every view."""
    from core.clock import iso
    from core.features import saved

    found = saved.views(desk_from(ctx, read_only=True).store)
    if as_json:
        emit([_plain(view) for view in found])
        return
    rows = [
        (one.text, len(one.view.column), len(one.view.aggregate), one.sha256[:12], iso(one.created_us)) for one in found
    ]
    table(("view", "columns", "aggregates", "sha256", "saved"), rows, empty="no feature view yet")


@command.command()
@click.argument("view")
@json_option
@click.pass_context
def show(ctx: click.Context, view: str, as_json: bool) -> None:
    """The columns of VIEW, written NAME or NAME@VERSION."""
    from core.clock import iso
    from core.features.saved import saved_view

    found = saved_view(desk_from(ctx, read_only=True).store, view)
    if as_json:
        emit(_plain(found))
        return
    facts({"view": found.text, "sha256": found.sha256, "saved": iso(found.created_us)})
    columns = [(one.name, one.expression or f"{one.function}({', '.join(one.inputs)})") for one in found.view.column]
    for one in found.view.aggregate:
        known = f", known after {one.delay}" if one.delay else ""
        said = f"{one.how} of {one.value} over {one.over} by {', '.join(one.key)} from {one.source}{known}"
        columns.append((one.name, said))
    table(("column", "is"), columns)


def _plain(found: SavedView) -> dict[str, Any]:
    import msgspec

    from core.clock import iso

    return {
        "name": found.name,
        "version": found.version,
        "sha256": found.sha256,
        "created": iso(found.created_us),
        "columns": [msgspec.to_builtins(column) for column in found.view.column],
        "aggregates": [msgspec.to_builtins(aggregate) for aggregate in found.view.aggregate],
        "functions": found.pinned.functions,
    }
