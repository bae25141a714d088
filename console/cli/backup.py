"""`tocsin backup`: the home in one file, with a hash of every part."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from console.cli.output import desk_from, emit, json_option
from core.clock import SECOND, iso
from core.errors import CheckFailed


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--keys/--no-keys", default=False, help="Take the keys along; without, keep them elsewhere yourself.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@click.pass_context
def command(ctx: click.Context, file: Path | None, keys: bool, dry_run: bool, as_json: bool) -> None:
    """Write the store, its blobs, the settings and the runbooks to FILE while everything goes on.

    Without FILE a name with the time is chosen in the home's folder `backups`. Exit code 1: the backup was made, and
    lacks blobs that the home itself has lost.
    """
    from core.backup import make

    desk = desk_from(ctx, read_only=True)
    name = time.strftime("tocsin-%Y%m%d-%H%M%S.tar", time.gmtime(desk.now_us() // SECOND))
    target = (file or desk.home.backups_path / name).absolute()
    if dry_run:
        click.echo(f"would back up {desk.home.path} to {target}, {'with' if keys else 'without'} its keys")
        return
    made = make(desk, target, keys=keys)
    if as_json:
        emit({"file": str(target), **contents(made)})
    else:
        kept = "keys included: guard it" if keys else "without keys: keep the home's folder `keys` elsewhere"
        click.echo(f"{target}: {len(made.parts)} parts, {made.bytes / 1e6:.1f} MB, {made.events} events; {kept}")
    if made.damaged:
        raise CheckFailed(
            f"the backup lacks {len(made.damaged)} blobs, first {made.damaged[0][:17]}", "`tocsin doctor` names them"
        )


def contents(made: Any) -> dict[str, object]:
    """A manifest's figures with stable keys."""
    return {
        "made": iso(made.made_us),
        "tocsin": made.tocsin,
        "schema": made.schema,
        "parts": len(made.parts),
        "bytes": made.bytes,
        "events": made.events,
        "head": made.head,
        "keys": made.keys,
        "damaged": made.damaged,
    }
