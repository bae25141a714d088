"""`tocsin dataset contract`: show, infer, set, edit, history, diff."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import click

from console.cli.dataset_words import dataset_argument, file_argument, show_contract
from console.cli.output import change_options, desk_from, emit, json_option, table
from core.clock import iso
from core.datasets import edit, rows, verbs
from core.datasets.contract import Contract
from core.datasets.examine import require_name
from core.desk import Desk
from core.errors import BadInput

reason_option = click.option("--reason", default="", metavar="TEXT", help="Why; the history and the ledger keep it.")
WIDEST = 60


@click.group()
def contract() -> None:
    """What every file of a data set must look like."""


@contract.command()
@dataset_argument
@click.option("--version", type=int, metavar="N", help="An earlier version.")
@json_option
@click.pass_context
def show(ctx: click.Context, dataset: str, version: int | None, as_json: bool) -> None:
    """The contract in force. With --json: what `contract set` takes back."""
    saved = rows.contract(desk_from(ctx, read_only=True).store, dataset, version)
    show_contract(f"{dataset}: contract version {saved.version}, {iso(saved.created_us)}", saved.contract, as_json)


@contract.command()
@dataset_argument
@click.option("--from", "--snapshot", "number", type=int, metavar="N", help="A snapshot's number; the latest.")
@reason_option
@change_options
@json_option
@click.pass_context
def infer(
    ctx: click.Context, dataset: str, number: int | None, reason: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Infer the contract anew from a snapshot, keeping each column's use; it becomes the next version."""
    desk = desk_from(ctx)
    suggested = verbs.inferred(desk, dataset, number)
    if dry_run:
        show_contract(f"{dataset}: this would be saved", suggested, as_json)
        return
    saved = verbs.set_contract(desk, dataset, suggested, reason)
    show_contract(f"{dataset}: contract version {saved.version} is in force", saved.contract, as_json)


@contract.command(name="set")
@dataset_argument
@file_argument
@reason_option
@change_options
@json_option
@click.pass_context
def set_(ctx: click.Context, dataset: str, path: Path, reason: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the contract in FILE (JSON, as `contract show --json` prints it, or TOML) in force for later files."""
    _save(desk_from(ctx), dataset, edit.read_file(path), reason, dry_run, as_json)


@contract.command(name="edit")
@dataset_argument
@click.option("--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="Take the edit from FILE.")
@reason_option
@change_options
@json_option
@click.pass_context
def edit_(
    ctx: click.Context, dataset: str, path: Path | None, reason: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Edit the contract in force in $EDITOR; it is opened again, with what is wrong, until it can be read."""
    desk = desk_from(ctx)
    text = edit.as_text(rows.contract(desk.store, dataset).contract)
    wanted = edit.read_file(path) if path else _edited(text)
    if wanted is None:
        click.echo("nothing was changed")
        return
    _save(desk, dataset, wanted, reason, dry_run, as_json)


def _edited(text: str) -> Contract | None:
    """What a person makes of a contract; None where they close the editor without a change."""
    wrong = ""
    while True:
        note = f"// {wrong}\n// Close without saving to give up.\n" if wrong else ""
        found = click.edit(note + text, extension=".json")
        if found is None:
            return None
        text = "\n".join(line for line in found.splitlines() if not line.startswith("//")) + "\n"
        try:
            return edit.read(text)
        except BadInput as error:
            wrong = error.message
            click.echo(f"error: {wrong}", err=True)


@contract.command()
@dataset_argument
@json_option
@click.pass_context
def history(ctx: click.Context, dataset: str, as_json: bool) -> None:
    """Every version of a contract: when, by whom, why, and how much it changed."""
    saved = rows.contracts(desk_from(ctx, read_only=True).store, dataset)
    changed = [0, *(len(edit.changes(old.contract, new.contract)) for old, new in pairwise(saved))]
    if as_json:
        emit(
            [
                {"version": s.version, "saved": iso(s.created_us), "by": s.saved_by, "reason": s.reason, "changes": n}
                for s, n in zip(saved, changed, strict=True)
            ]
        )
        return
    cells = [(s.version, iso(s.created_us), s.saved_by, n, s.reason) for s, n in zip(saved, changed, strict=True)]
    table(("version", "saved", "by", "changes", "reason"), cells)


@contract.command()
@dataset_argument
@click.argument("old", metavar="V1", type=int)
@click.argument("new", metavar="V2", type=int)
@json_option
@click.pass_context
def diff(ctx: click.Context, dataset: str, old: int, new: int, as_json: bool) -> None:
    """What version V2 of a contract says otherwise than V1."""
    store = desk_from(ctx, read_only=True).store
    left, right = (rows.contract(store, dataset, version).contract for version in (old, new))
    found = edit.changes(left, right)
    if as_json:
        emit(found)
        return
    cells = [(c["column"] or "", c["field"], _cell(c["old"]), _cell(c["new"])) for c in found]
    table(("column", "field", f"v{old}", f"v{new}"), cells, empty="they say the same")


def _cell(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _save(desk: Desk, dataset: str, wanted: Contract, reason: str, dry_run: bool, as_json: bool) -> None:
    require_name(dataset)
    for finding in verbs.strain(desk, dataset, wanted):
        if finding.severity == "error":
            click.echo(f"warning: the latest snapshot would be refused: {finding}", err=True)
    if dry_run:
        show_contract(f"{dataset}: this would be saved", wanted, as_json)
        return
    saved = verbs.set_contract(desk, dataset, wanted, reason)
    show_contract(f"{dataset}: contract version {saved.version} is in force", saved.contract, as_json)
