"""`tocsin dataset`: snapshots, contracts, and the files that were refused."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.dataset_contract import contract
from console.cli.dataset_lineage import lineage
from console.cli.dataset_watch import watch
from console.cli.dataset_words import (
    dataset_argument,
    file_argument,
    findings_json,
    profile_json,
    profile_row,
    quarantined_json,
    snapshot_json,
    snapshot_option,
    tell,
)
from console.cli.opening import Opens
from console.cli.output import change_options, desk_from, emit, json_option, table
from core.clock import iso, iso_or_none
from core.datasets import ingest, rows, verbs
from core.datasets.source import Source, open_source
from core.desk import Desk
from core.errors import BadInput

delimiter_option = click.option("--delimiter", metavar="CHAR", help="What separates a CSV file's values (a comma).")


class DataSets(Opens):
    """The name of a data set opens it in the console."""

    screen = "dataset"

    @staticmethod
    def exists(ctx: click.Context, word: str) -> bool:
        """Whether there is such a data set."""
        from core.datasets import rows

        return any(one.dataset == word for one in rows.snapshots(desk_from(ctx, read_only=True).store))


@click.group(cls=DataSets, name="dataset")
def command() -> None:
    """Data sets: files become immutable snapshots, held against a contract. `tocsin dataset orders` opens one."""


@command.command()
@dataset_argument
@file_argument
@click.option("--time", "time_column", metavar="COLUMN", help="The column that says when each row happened.")
@click.option("--label", metavar="COLUMN", help="The column to be predicted.")
@click.option("--leak", "leaks", metavar="COLUMN", multiple=True, help="Known only after the event: never a feature.")
@delimiter_option
@change_options
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    dataset: str,
    path: Path,
    time_column: str | None,
    label: str | None,
    leaks: tuple[str, ...],
    delimiter: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a snapshot of FILE (CSV, TSV, Parquet, JSON Lines; the first may be gzipped).

    The first file makes the contract of DATASET; later ones must keep it, or they go to quarantine (exit code 1).
    """
    desk = desk_from(ctx)
    declared = ingest.Declared(time_column, label, leaks, _one_character(delimiter))
    ingest.require_name(dataset)
    source = open_source(path)
    if dry_run:
        _try(desk, dataset, source, declared, as_json)
        return
    added = ingest.take(desk, source, dataset, declared)
    tell(added.findings)
    if as_json:
        emit({**snapshot_json(added.snapshot), "new": added.new, "findings": findings_json(added.findings)})
        return
    what = "added" if added.new else "nothing new, this content is already"
    click.echo(f"{what} {dataset} snapshot {added.snapshot.number}, {added.snapshot.rows:,} rows")


def _try(desk: Desk, dataset: str, source: Source, declared: ingest.Declared, as_json: bool) -> None:
    examined = ingest.examine(desk, source, dataset, declared)
    tell(examined.findings)
    examined.require_kept(dataset)
    if as_json:
        found = findings_json(examined.findings)
        emit({"dataset": dataset, "rows": examined.table.num_rows, "findings": found, "dry_run": True})
        return
    click.echo(f"would add {examined.table.num_rows:,} rows to {dataset}; nothing was written")


def _one_character(delimiter: str | None) -> str | None:
    character = "\t" if delimiter == "\\t" else delimiter
    if character is not None and (len(character) != 1 or not character.isascii() or character in '\r\n"'):
        raise BadInput(f"{delimiter!r} cannot separate values", "give one character, such as ';' or '\\t'")
    return character


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Every data set with its latest snapshot."""
    desk = desk_from(ctx, read_only=True)
    latest = {snapshot.dataset: snapshot for snapshot in rows.snapshots(desk.store)}
    if as_json:
        emit([snapshot_json(snapshot) for snapshot in latest.values()])
        return
    cells = [
        (s.dataset, s.number, f"{s.rows:,}", len(s.columns), iso_or_none(s.time_from_us), iso_or_none(s.time_to_us))
        for s in latest.values()
    ]
    table(("dataset", "snapshot", "rows", "columns", "from", "to"), cells, empty="no data sets: `tocsin dataset add`")


@command.command()
@dataset_argument
@json_option
@click.pass_context
def show(ctx: click.Context, dataset: str, as_json: bool) -> None:
    """The snapshots of one data set, and its contract's version."""
    desk = desk_from(ctx, read_only=True)
    rows.snapshot(desk.store, dataset)
    held = rows.snapshots(desk.store, dataset)
    version = rows.contract(desk.store, dataset).version
    if as_json:
        emit({"dataset": dataset, "contract": version, "snapshots": [snapshot_json(snapshot) for snapshot in held]})
        return
    click.echo(f"{dataset}: contract version {version}")
    cells = [
        (s.number, f"{s.rows:,}", s.sha256[:12], iso_or_none(s.time_from_us), iso_or_none(s.time_to_us), s.source)
        for s in held
    ]
    table(("snapshot", "rows", "sha256", "from", "to", "source"), cells)


@command.command()
@dataset_argument
@snapshot_option
@json_option
@click.pass_context
def profile(ctx: click.Context, dataset: str, number: int | None, as_json: bool) -> None:
    """What is in each column of a snapshot."""
    snapshot = rows.snapshot(desk_from(ctx, read_only=True).store, dataset, number)
    columns = profile_json(snapshot.profile["columns"])
    if as_json:
        emit({**snapshot_json(snapshot), "profile": {"rows": snapshot.rows, "columns": columns}})
        return
    click.echo(f"{dataset} snapshot {snapshot.number}: {snapshot.rows:,} rows")
    headers = ("column", "type", "missing", "distinct", "min", "median", "max", "commonest")
    table(headers, [profile_row(name, facts, snapshot.rows) for name, facts in columns.items()])


@command.command()
@dataset_argument
@file_argument
@delimiter_option
@json_option
@click.pass_context
def validate(ctx: click.Context, dataset: str, path: Path, delimiter: str | None, as_json: bool) -> None:
    """Hold FILE against the contract of DATASET and write nothing; exit code 1 where it breaks it."""
    desk = desk_from(ctx, read_only=True)
    examined = verbs.validate(desk, path, dataset, delimiter=_one_character(delimiter))
    if as_json:
        emit({"dataset": dataset, "ok": not examined.errors, "findings": findings_json(examined.findings)})
    else:
        cells = [(finding.severity, finding.column or "", finding.text) for finding in examined.findings]
        table(("severity", "column", "finding"), cells, empty="it keeps the contract")
    examined.require_kept(dataset)


command.add_command(contract)
command.add_command(lineage)
command.add_command(watch)


@command.group()
def quarantine() -> None:
    """The files that broke their contract."""


@quarantine.command(name="list")
@click.option("--all", "released", is_flag=True, help="Those that were taken later as well.")
@json_option
@click.pass_context
def quarantine_list(ctx: click.Context, released: bool, as_json: bool) -> None:
    """The refused files with their reasons; a file that keeps a changed contract is released by adding it again."""
    held = rows.quarantine(desk_from(ctx, read_only=True).store, released=released)
    if as_json:
        emit([quarantined_json(entry) for entry in held])
        return
    cells = [(q.id, q.dataset, iso(q.created_us), iso_or_none(q.released_us), q.source, q.reason) for q in held]
    table(("id", "dataset", "refused", "released", "source", "reason"), cells, empty="nothing is in quarantine")
