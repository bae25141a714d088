"""`tocsin dataset diff` and `overlap`: two snapshots beside each other."""

from __future__ import annotations

import click

from console.cli.output import desk_from, emit, json_option, table
from core.datasets import rows
from core.datasets.diff import Difference
from core.datasets.rows import Snapshot
from core.desk import Desk
from core.errors import BadInput
from core.measures.comparison import FeatureDrift

first_argument = click.argument("first", metavar="A/1")
second_argument = click.argument("second", metavar="A/2")


@click.command()
@first_argument
@second_argument
@json_option
@click.pass_context
def diff(ctx: click.Context, first: str, second: str, as_json: bool) -> None:
    """What differs between two snapshots: schema, rows, missing values, levels, distributions."""
    from core.datasets import diff as verbs

    desk = desk_from(ctx, read_only=True)
    found = verbs.diff(desk, _snapshot(desk, first), _snapshot(desk, second))
    if as_json:
        emit({"from": first, "to": second, **found.to_json()})
        return
    for line in _schema(found):
        click.echo(line)
    cells = [_cells(found, column) for column in found.comparison.columns]
    headers = ("column", "kind", "psi", "ks", "wasserstein", "p", "missing")
    table(headers, cells, empty="no column can be compared")
    for name, levels in found.levels.items():
        said = [f"{word} {', '.join(which)}" for word, which in levels.items() if which]
        click.echo(f"levels of {name}: {'; '.join(said)}")


@click.command()
@first_argument
@second_argument
@click.option("--by", "by", multiple=True, metavar="COLUMN", help="A column of the key; else whole rows are compared.")
@json_option
@click.pass_context
def overlap(ctx: click.Context, first: str, second: str, by: tuple[str, ...], as_json: bool) -> None:
    """How many rows of the second snapshot are in the first: a test set that was trained on."""
    from core.datasets import diff as verbs

    desk = desk_from(ctx, read_only=True)
    found = verbs.overlap(desk, _snapshot(desk, first), _snapshot(desk, second), by)
    if as_json:
        counts = {"rows": found.rows, "shared": found.shared, "share": found.share}
        emit({"first": first, "second": second, "columns": list(found.columns), **counts})
        return
    what = ", ".join(found.columns) if by else "every column"
    click.echo(f"{found.shared:,} of {found.rows:,} rows of {second} ({found.share:.1%}) are in {first}, by {what}")


def _snapshot(desk: Desk, named: str) -> Snapshot:
    dataset, _, number = named.rpartition("/")
    if not number.isdigit():
        raise BadInput(f"{named!r} names no snapshot", "write it as DATASET/NUMBER, as in orders/3")
    return rows.snapshot(desk.store, dataset, int(number))


def _schema(found: Difference) -> list[str]:
    old, new = found.rows
    lines = [f"rows: {old:,} to {new:,} ({(new - old) / old:+.1%})"]
    lines += [f"added: {name}" for name in found.added]
    lines += [f"removed: {name}" for name in found.removed]
    lines += [f"retyped: {name}, {before} to {after}" for name, (before, after) in found.retyped.items()]
    return lines + [f"perhaps renamed: {before} to {after}" for before, after in found.renamed.items()]


def _cells(found: Difference, c: FeatureDrift) -> tuple[object, ...]:
    return c.name, c.kind, f"{c.psi:.3f}", _short(c.ks), _short(c.wasserstein), f"{c.adjusted:.2g}", _missing(found, c)


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _missing(found: Difference, column: FeatureDrift) -> str:
    pair = found.missing.get(column.name)
    return "" if pair is None else f"{pair[0]:.1%} to {pair[1]:.1%}"
