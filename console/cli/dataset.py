"""`tocsin dataset`: snapshots, contracts, and the files that were refused."""

from __future__ import annotations

import click

from console.cli.dataset_contract import contract
from console.cli.dataset_diff import diff, overlap
from console.cli.dataset_lineage import lineage
from console.cli.dataset_quarantine import quarantine
from console.cli.dataset_watch import watch
from console.cli.dataset_words import (
    dataset_argument,
    findings_json,
    profile_json,
    profile_row,
    query_option,
    say_findings,
    snapshot_json,
    snapshot_option,
    source_argument,
    tell,
)
from console.cli.engine import address_option, chosen, engine_option
from console.cli.opening import Opens
from console.cli.output import change_options, desk_from, emit, json_option, table
from core.clock import iso_or_none
from core.datasets import ingest, rows, verbs
from core.datasets.examine import Declared, examine, require_name
from core.datasets.finding import require_kept
from core.datasets.given import given
from core.datasets.source import Source
from core.desk import Desk
from core.errors import BadInput

strict_option = click.option("--strict", is_flag=True, help="Refuse for warnings too.")
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
@source_argument
@query_option
@click.option("--time", "time_column", metavar="COLUMN", help="The column that says when each row happened.")
@click.option("--label", metavar="COLUMN", help="The column to be predicted.")
@click.option("--leak", "leaks", metavar="COLUMN", multiple=True, help="Known only after the event: never a feature.")
@delimiter_option
@strict_option
@change_options
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    dataset: str,
    path: str,
    query: str | None,
    time_column: str | None,
    label: str | None,
    leaks: tuple[str, ...],
    delimiter: str | None,
    strict: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a snapshot of SOURCE.

    SOURCE is a file (CSV, TSV, JSON Lines, all of them gzipped or not, Parquet), a folder of Parquet parts, the .dvc
    file of any of these, or a database with --query: sqlite:///FILE, duckdb:///FILE,
    postgresql://USER:env:NAME@HOST/DATABASE.

    The first file makes the contract of DATASET; later ones must keep it, or they go to quarantine (exit code 1).
    """
    desk = desk_from(ctx)
    declared = Declared(time_column, label, leaks, _one_character(delimiter), strict)
    require_name(dataset)
    with given(desk, path, query) as source:
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


def _try(desk: Desk, dataset: str, source: Source, declared: Declared, as_json: bool) -> None:
    examined = examine(desk, source, dataset, declared)
    tell(examined.findings)
    examined.require_kept(dataset)
    if as_json:
        found = findings_json(examined.findings)
        emit({"dataset": dataset, "rows": examined.table.rows, "findings": found, "dry_run": True})
        return
    click.echo(f"would add {examined.table.rows:,} rows to {dataset}; nothing was written")


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
@click.argument("dataset", metavar="DATASET[/N]")
@snapshot_option
@engine_option
@address_option
@json_option
@click.pass_context
def profile(
    ctx: click.Context, dataset: str, number: int | None, engine: str | None, address: str | None, as_json: bool
) -> None:
    """What is in each column of a snapshot, as it was found when it was added; with --engine, as it is found now."""
    desk = desk_from(ctx, read_only=True)
    dataset, _, named = dataset.partition("/")
    snapshot = rows.snapshot(desk.store, dataset, int(named) if named.isdigit() else number)
    facts = snapshot.profile if engine is None else verbs.profiled(desk, snapshot, chosen(engine, address))
    columns = profile_json(facts["columns"])
    if as_json:
        emit({**snapshot_json(snapshot), "profile": {"rows": snapshot.rows, "columns": columns}})
        return
    click.echo(f"{dataset} snapshot {snapshot.number}: {snapshot.rows:,} rows")
    headers = ("column", "type", "missing", "distinct", "min", "median", "max", "commonest")
    table(headers, [profile_row(name, facts, snapshot.rows) for name, facts in columns.items()])


@command.command()
@dataset_argument
@click.argument("path", metavar="[SOURCE]", required=False)
@query_option
@delimiter_option
@snapshot_option
@strict_option
@json_option
@click.pass_context
def validate(
    ctx: click.Context,
    dataset: str,
    path: str | None,
    query: str | None,
    delimiter: str | None,
    number: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Hold SOURCE (as for `add`), or without it a snapshot, against the contract of DATASET, and write nothing.

    Exit code 1 where it breaks it. Offending rows are counted and the first ten are named.
    """
    desk = desk_from(ctx, read_only=True)
    if path is None:
        found = verbs.validated(desk, dataset, number, strict=strict)
    else:
        declared = Declared(delimiter=_one_character(delimiter), strict=strict)
        found = verbs.validate(desk, path, dataset, declared, query=query).findings
    ok = not any(finding.severity == "error" for finding in found)
    if as_json:
        emit({"dataset": dataset, "ok": ok, "findings": findings_json(found)})
    else:
        say_findings(found, empty="it keeps the contract")
    require_kept(found, path or "the snapshot", dataset)


command.add_command(contract)
command.add_command(diff)
command.add_command(overlap)
command.add_command(lineage)
command.add_command(watch)
command.add_command(quarantine)
