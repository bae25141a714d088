"""`tocsin model alias`: names that stand for versions."""

from __future__ import annotations

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from console.cli.versioned import chosen
from core.errors import BadInput


@click.command("alias")
@click.argument("model")
@click.argument("name", required=False)
@click.argument("version", required=False)
@click.option("--remove", is_flag=True, help="Take NAME away.")
@json_option
@change_options
@click.pass_context
def alias(
    ctx: click.Context,
    model: str,
    name: str | None,
    version: str | None,
    remove: bool,
    as_json: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Let NAME stand for VERSION of MODEL, as in `MODEL@NAME`; without NAME, the aliases there are."""
    from core.registry import aliases, versions

    desk = desk_from(ctx, read_only=name is None)
    versions.require_model(desk.store, model)
    if name is None:
        found = aliases.aliases(desk.store, model)
        if as_json:
            emit([{"model": model, "alias": each, "version": number} for each, number in found.items()])
        else:
            table(["alias", "version"], [*found.items()], empty="no aliases yet")
        return
    if remove == (version is not None):
        raise BadInput(
            "an alias is set to a version, or removed", f"`tocsin model alias {model} {name} 3`, or --remove"
        )
    if remove:
        _remove(ctx, model, name, dry_run, yes)
        return
    _, number = chosen(desk, model, version)
    if dry_run:
        click.echo(f"would let {model}@{name} stand for v{number}")
        return
    confirm(f"Let {model}@{name} stand for v{number}?", yes)
    changed = aliases.point(desk, model, name, number)
    click.echo(f"{model}@{name} stands for v{number}{'' if changed else ' already'}")


def _remove(ctx: click.Context, model: str, name: str, dry_run: bool, yes: bool) -> None:
    from core.registry import aliases

    if dry_run:
        click.echo(f"would remove {model}@{name}")
        return
    confirm(f"Remove {model}@{name}?", yes)
    before = aliases.remove(desk_from(ctx), model, name)
    click.echo(f"removed {model}@{name}, which stood for v{before}")
