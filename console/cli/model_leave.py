"""`tocsin model lineage`, `retire` and `orphans`: where a version comes from, and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from console.cli.versioned import named

if TYPE_CHECKING:
    from core.governance.tree import Node

ascii_option = click.option("--ascii", "ascii_only", is_flag=True, help="Draw the tree with plain characters.")


@click.command("lineage")
@click.argument("model")
@click.argument("version", required=False)
@ascii_option
@json_option
@click.pass_context
def lineage(ctx: click.Context, model: str, version: str | None, ascii_only: bool, as_json: bool) -> None:
    """What VERSION of MODEL (the latest) was made of, and what became of it."""
    from core.governance.lineage import of_version

    desk = desk_from(ctx, read_only=True)
    draw(of_version(desk, *named(desk, model, version)), ascii_only, as_json)


def draw(root: Node, ascii_only: bool, as_json: bool) -> None:
    """Print a tree, or one JSON document."""
    from core.governance.tree import lines

    if as_json:
        emit(root.to_json())
        return
    for line in lines(root, ascii_only=ascii_only):
        click.echo(line)


@click.command("retire")
@click.argument("model")
@click.argument("version", required=False)
@click.option("--reason", required=True, help="Why it goes, for the ledger.")
@change_options
@click.pass_context
def retire(ctx: click.Context, model: str, version: str | None, reason: str, dry_run: bool, yes: bool) -> None:
    """Retire VERSION of MODEL, or all of them, for good; refused while an endpoint serves it or waits for it."""
    from core.registry import retire as retiring

    desk = desk_from(ctx)
    model, number = named(desk, model, version)
    going = retiring.leaving(desk.store, model, number)
    what = ", ".join(f"v{found.version}" for found in going)
    if not going:
        click.echo(f"{model} is retired already")
        return
    if dry_run:
        click.echo(f"would retire {model} {what}")
        return
    confirm(f"Retire {model} {what}, for good?", yes)
    retiring.retire(desk, model, number, reason=reason)
    click.echo(f"retired {model} {what}; the model files are kept")


@click.command("orphans")
@json_option
@click.pass_context
def orphans(ctx: click.Context, as_json: bool) -> None:
    """What models have left behind, or what points at one that is gone; exit code 1 where there is any."""
    from core.errors import CheckFailed
    from core.governance.orphans import orphans as find

    found = find(desk_from(ctx, read_only=True))
    if as_json:
        emit([vars(one) for one in found])
    else:
        lines = [(one.kind, one.name, one.reason, one.hint) for one in found]
        table(["kind", "name", "what", "next"], lines, empty="no orphans")
    if found:
        raise CheckFailed(f"{len(found)} orphans", "each line says what to do next")
