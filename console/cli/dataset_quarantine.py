"""`tocsin dataset quarantine`: the files that were refused, and what becomes of them."""

from __future__ import annotations

import click

from console.cli.dataset_words import findings_json, quarantined_json, say_findings, snapshot_json
from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, table
from core.clock import iso, iso_or_none
from core.datasets import quarantine as verbs
from core.datasets import rows

entry_argument = click.argument("entry", metavar="ID", type=int)
reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why; the ledger keeps it.")


@click.group()
def quarantine() -> None:
    """The files that broke their contract."""


@quarantine.command(name="list")
@click.option("--all", "released", is_flag=True, help="Those that were taken later, or dropped, as well.")
@json_option
@click.pass_context
def list_(ctx: click.Context, released: bool, as_json: bool) -> None:
    """The refused files with their reasons; a file that keeps a changed contract is released by adding it again."""
    held = rows.quarantine(desk_from(ctx, read_only=True).store, released=released)
    if as_json:
        emit([quarantined_json(entry) for entry in held])
        return
    cells = [(q.id, q.dataset, iso(q.created_us), _end(q), q.source, q.reason) for q in held]
    table(("id", "dataset", "refused", "ended", "source", "reason"), cells, empty="nothing is in quarantine")


def _end(entry: rows.Quarantined) -> str:
    return f"{entry.ended.get('how', 'added')} {iso_or_none(entry.released_us)}" if entry.released_us else ""


@quarantine.command()
@entry_argument
@json_option
@click.pass_context
def show(ctx: click.Context, entry: int, as_json: bool) -> None:
    """One refused file: every rule it breaks, how many rows do, and the first ten of them."""
    found = rows.quarantined(desk_from(ctx, read_only=True).store, entry)
    if as_json:
        emit({**quarantined_json(found), "findings": findings_json(found.report)})
        return
    by = " ".join(f"{name}: {value}." for name, value in found.ended.items())
    facts({"dataset": found.dataset, "source": found.source, "sha256": found.sha256, "refused": iso(found.created_us)})
    facts({"ended": by, "reason": "" if found.report else found.reason})
    say_findings(found.report)


@quarantine.command()
@entry_argument
@reason_option
@change_options
@json_option
@click.pass_context
def release(ctx: click.Context, entry: int, reason: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make a snapshot of the bytes that are kept, although they break the contract; an approver does it, once."""
    desk = desk_from(ctx)
    if dry_run:
        seen = verbs.planned(desk, entry, reason)
        said = {"rows": seen.table.rows, "findings": findings_json(seen.findings), "dry_run": True}
        emit(said) if as_json else click.echo(f"would take in {seen.table.rows:,} rows; nothing was written")
        return
    confirm(f"Take in entry {entry} although it breaks its contract?", yes)
    snapshot = verbs.release(desk, entry, reason).snapshot
    if as_json:
        emit({**snapshot_json(snapshot), "waived": snapshot.waived})
        return
    click.echo(f"released as {snapshot.dataset} snapshot {snapshot.number}, {snapshot.rows:,} rows")


@quarantine.command()
@entry_argument
@reason_option
@change_options
@json_option
@click.pass_context
def drop(ctx: click.Context, entry: int, reason: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Say that a refused file will not be taken; its bytes and its report are kept."""
    desk = desk_from(ctx)
    if not dry_run:
        confirm(f"Drop entry {entry}?", yes)
    found = verbs.drop(desk, entry, reason, dry_run=dry_run)
    if as_json:
        emit({**quarantined_json(found), "dry_run": dry_run})
        return
    click.echo(f"entry {entry} of {found.dataset} {'would be' if dry_run else 'is'} dropped")
