"""`tocsin dataset`: snapshots, contracts, and the files that were refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from console.cli.output import change_options, desk_from, emit, json_option, table
from core.clock import iso, iso_or_none
from core.datasets import ingest, rows, verbs
from core.datasets.check import Finding
from core.datasets.contract import Column, Contract
from core.datasets.source import open_source
from core.errors import BadInput, CheckFailed

file_argument = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
dataset_argument = click.argument("dataset", metavar="DATASET")
delimiter_option = click.option("--delimiter", metavar="CHAR", help="What separates a CSV file's values (a comma).")
snapshot_option = click.option("--snapshot", "number", type=int, metavar="N", help="A snapshot's number; the latest.")


@click.group(name="dataset")
def command() -> None:
    """Data sets: files become immutable snapshots, held against a contract."""


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
    said = {"time_column": time_column, "label": label, "leaks": leaks, "delimiter": _one_character(delimiter)}
    if dry_run:
        ingest.require_name(dataset)
        examined = ingest.examine(desk, open_source(path), dataset=dataset, **said)  # type: ignore[arg-type]
        _tell(examined.findings)
        examined.require_kept(dataset)
        rows_read = examined.table.num_rows
        if as_json:
            emit({"dataset": dataset, "rows": rows_read, "new": None, "findings": _findings(examined.findings)})
        else:
            click.echo(f"would add {rows_read:,} rows to {dataset}; nothing was written")
        return
    added = ingest.add(desk, path, dataset=dataset, **said)  # type: ignore[arg-type]
    _tell(added.findings)
    if as_json:
        emit({**_brief(added.snapshot), "new": added.new, "findings": _findings(added.findings)})
        return
    what = "added" if added.new else "already there: same content as"
    click.echo(f"{what} {dataset} snapshot {added.snapshot.number}, {added.snapshot.rows:,} rows")


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Every data set with its latest snapshot."""
    desk = desk_from(ctx, read_only=True)
    latest = {snapshot.dataset: snapshot for snapshot in rows.snapshots(desk.store)}
    if as_json:
        emit([_brief(snapshot) for snapshot in latest.values()])
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
        emit({"dataset": dataset, "contract": version, "snapshots": [_brief(snapshot) for snapshot in held]})
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
    columns = {name: _spoken(facts) for name, facts in snapshot.profile["columns"].items()}
    if as_json:
        emit({**_brief(snapshot), "profile": {"rows": snapshot.rows, "columns": columns}})
        return
    click.echo(f"{dataset} snapshot {snapshot.number}: {snapshot.rows:,} rows")
    headers = ("column", "type", "missing", "distinct", "min", "median", "max", "commonest")
    table(headers, [_profile_row(name, facts, snapshot.rows) for name, facts in columns.items()])


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
        emit({"dataset": dataset, "ok": not examined.errors, "findings": _findings(examined.findings)})
    else:
        cells = [(finding.severity, finding.column or "", finding.text) for finding in examined.findings]
        table(("severity", "column", "finding"), cells, empty="it keeps the contract")
    examined.require_kept(dataset)


@command.group(name="contract")
def contract_group() -> None:
    """What every file of a data set must look like."""


@contract_group.command(name="show")
@dataset_argument
@click.option("--version", type=int, metavar="N", help="An earlier version.")
@json_option
@click.pass_context
def contract_show(ctx: click.Context, dataset: str, version: int | None, as_json: bool) -> None:
    """The contract in force. With --json: what `contract set` takes back."""
    saved = rows.contract(desk_from(ctx, read_only=True).store, dataset, version)
    _show_contract(f"{dataset}: contract version {saved.version}, {iso(saved.created_us)}", saved.contract, as_json)


@contract_group.command(name="infer")
@dataset_argument
@snapshot_option
@change_options
@json_option
@click.pass_context
def contract_infer(
    ctx: click.Context, dataset: str, number: int | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Infer the contract anew from a snapshot, keeping each column's use; it becomes the next version."""
    desk = desk_from(ctx)
    suggested = verbs.inferred(desk, dataset, number)
    if dry_run:
        _show_contract(f"{dataset}: this would be saved", suggested, as_json)
        return
    saved = verbs.set_contract(desk, dataset, suggested)
    _show_contract(f"{dataset}: contract version {saved.version} is in force", saved.contract, as_json)


@contract_group.command(name="set")
@dataset_argument
@file_argument
@change_options
@json_option
@click.pass_context
def contract_set(ctx: click.Context, dataset: str, path: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the contract in FILE (JSON, as `contract show --json` prints it) in force for later files."""
    desk = desk_from(ctx)
    wanted = _contract_in(path)
    ingest.require_name(dataset)
    _tell(verbs.strain(desk, dataset, wanted))
    if dry_run:
        _show_contract(f"{dataset}: this would be saved", wanted, as_json)
        return
    saved = verbs.set_contract(desk, dataset, wanted)
    _show_contract(f"{dataset}: contract version {saved.version} is in force", saved.contract, as_json)


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
        emit([_quarantined(entry) for entry in held])
        return
    cells = [(q.id, q.dataset, iso(q.created_us), iso_or_none(q.released_us), q.source, q.reason) for q in held]
    table(("id", "dataset", "refused", "released", "source", "reason"), cells, empty="nothing is in quarantine")
