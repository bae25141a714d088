"""`tocsin dataset lineage`: which versions and endpoints stand on a data set."""

from __future__ import annotations

import click

from console.cli.model_leave import ascii_option, draw
from console.cli.output import desk_from, json_option
from core.errors import BadInput


@click.command("lineage")
@click.argument("dataset", metavar="NAME[/N]")
@ascii_option
@json_option
@click.pass_context
def lineage(ctx: click.Context, dataset: str, ascii_only: bool, as_json: bool) -> None:
    """Which versions learned from a data set, or from its snapshot N, and where they are served now."""
    from core.governance.lineage import of_dataset

    name, slash, number = dataset.partition("/")
    if slash and not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise BadInput(f"{number!r} is no number of a snapshot", f"`tocsin dataset show {name}` lists them")
    draw(of_dataset(desk_from(ctx, read_only=True), name, int(number) if slash else None), ascii_only, as_json)
