"""`tocsin explain`: why one score is what it is, input by input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import desk_from, emit, json_option, table
from core.errors import BadInput

if TYPE_CHECKING:
    from core.desk import Desk
    from core.evaluation.explain import Explanation, Part


@click.command()
@click.argument("model")
@click.option("--version", type=int, help="The version; else the one that answered the request, or the latest.")
@click.option("--request", metavar="ID", help="A request that was kept as a sample.")
@click.option("--row", metavar="DATASET[/N]:ROW", help="A row of a snapshot, counted from 0.")
@click.option("--inputs", metavar="JSON", help="The inputs themselves, as an object.")
@click.option("--class", "class_", metavar="NAME", help="Of several classes, explain this one; else the likeliest.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    version: int | None,
    request: str | None,
    row: str | None,
    inputs: str | None,
    class_: str | None,
    as_json: bool,
) -> None:
    """Take one score of MODEL apart into what each input adds to it, before calibration."""
    from core.evaluation.explain import explain

    desk = desk_from(ctx, read_only=True)
    number, values = _asked(desk, model, version, (request, row, inputs))
    found = explain(desk, model, number, values)
    if as_json:
        emit(found.to_json())
        return
    part = found.parts[0] if class_ is None else _of_class(found, class_)
    of = f"class {part.of}, " if part.of else ""
    click.echo(f"{model} version {found.version}: {of}score {part.score:.4f}")
    made_of = {term.name: term.inputs for term in found.terms}
    lines = [("base", "", f"{part.base:+.4f}")]
    lines += [(name, _value(found.value(made_of[name])), f"{each:+.4f}") for name, each in part.contributions.items()]
    table(["input", "value", found.unit.replace("_", " ")], [*lines, ("sum", "", f"{part.total:+.4f}")])


def _of_class(found: Explanation, name: str) -> Part:
    for part in found.parts:
        if part.of == name:
            return part
    known = ", ".join(part.of for part in found.parts if part.of)
    raise BadInput(f"{found.model} has no class {name!r}", f"it has {known}" if known else "leave --class out")


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(str(_value(each)) for each in value.values())
    return "missing" if value is None else value


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
