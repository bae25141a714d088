"""`tocsin dataset contract`: show, infer, set."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console.cli.dataset_words import dataset_argument, file_argument, show_contract, snapshot_option
from console.cli.output import change_options, desk_from, json_option
from core.clock import iso
from core.datasets import rows, verbs
from core.datasets.contract import Contract
from core.datasets.examine import require_name
from core.datasets.source import open_source
from core.errors import BadInput


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
@snapshot_option
@change_options
@json_option
@click.pass_context
def infer(ctx: click.Context, dataset: str, number: int | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Infer the contract anew from a snapshot, keeping each column's use; it becomes the next version."""
    desk = desk_from(ctx)
    suggested = verbs.inferred(desk, dataset, number)
    if dry_run:
        show_contract(f"{dataset}: this would be saved", suggested, as_json)
        return
    saved = verbs.set_contract(desk, dataset, suggested)
    show_contract(f"{dataset}: contract version {saved.version} is in force", saved.contract, as_json)


@contract.command(name="set")
@dataset_argument
@file_argument
@change_options
@json_option
@click.pass_context
def set_(ctx: click.Context, dataset: str, path: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the contract in FILE (JSON, as `contract show --json` prints it) in force for later files."""
    desk = desk_from(ctx)
    wanted = _contract_in(path)
    require_name(dataset)
    for finding in verbs.strain(desk, dataset, wanted):
        if finding.severity == "error":
            click.echo(f"warning: the latest snapshot would be refused: {finding}", err=True)
    if dry_run:
        show_contract(f"{dataset}: this would be saved", wanted, as_json)
        return
    saved = verbs.set_contract(desk, dataset, wanted)
    show_contract(f"{dataset}: contract version {saved.version} is in force", saved.contract, as_json)


def _contract_in(path: Path) -> Contract:
    try:
        return Contract.from_json(json.loads(open_source(path).read()))
    except ValueError as error:
        hint = "`tocsin dataset contract show DATASET --json` prints one to start from"
        raise BadInput(f"{path} is not JSON: {error}", hint) from error
