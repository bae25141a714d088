"""`tocsin explain`: why one score is what it is, input by input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import desk_from, emit, json_option, table
from core.errors import BadInput

if TYPE_CHECKING:
    from core.desk import Desk


@click.command()
@click.argument("model")
@click.option("--version", type=int, help="The version; else the one that answered the request, or the latest.")
@click.option("--request", metavar="ID", help="A request that was kept as a sample.")
@click.option("--row", metavar="DATASET[/N]:ROW", help="A row of a snapshot, counted from 0.")
@click.option("--inputs", metavar="JSON", help="The inputs themselves, as an object.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    version: int | None,
    request: str | None,
    row: str | None,
    inputs: str | None,
    as_json: bool,
) -> None:
    """Take one score of MODEL apart into what each input adds to it, in log-odds."""
    from core.evaluation.explain import explain

    desk = desk_from(ctx, read_only=True)
    number, values = _asked(desk, model, version, (request, row, inputs))
    found = explain(desk, model, number, values)
    if as_json:
        emit(found.to_json())
        return
    click.echo(f"{model} version {found.version}: score {found.score:.4f}")
    lines = [("base", "", f"{found.base:+.4f}")]
    lines += [
        (one["input"], "missing" if one["value"] is None else one["value"], f"{one['contribution']:+.4f}")
        for one in found.to_json()["contributions"]
    ]
    table(["input", "value", "log-odds"], [*lines, ("sum", "", f"{found.log_odds:+.4f}")])


def _asked(
    desk: Desk, model: str, version: int | None, given: tuple[str | None, str | None, str | None]
) -> tuple[int | None, dict[str, Any]]:
    from core.evaluation.explain import of_row
    from core.monitor.samples import kept_request

    request, row, inputs = given
    if sum(each is not None for each in given) != 1:
        raise BadInput("say which score to explain", "give one of --request ID, --row DATASET/N:ROW, --inputs '{...}'")
    if request is not None:
        by, values = kept_request(desk.store, model, request)
        return (by if version is None else version), values
    return version, of_row(desk, model, version, row) if row is not None else _object(inputs or "")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadInput(f"--inputs is no JSON: {error}", "write --inputs '{\"hour\": 18}'") from None
    if not isinstance(found, dict):
        raise BadInput("--inputs must be an object of inputs", "write --inputs '{\"hour\": 18}'")
    return found
