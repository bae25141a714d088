"""`tocsin restore`: a home from a backup, checked before anything is replaced."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.backup import contents
from console.cli.output import change_options, confirm, emit, home_from, json_option


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keys-from",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder with the keys of a backup that came without; else those of the home that is replaced.",
)
@change_options
@json_option
@click.pass_context
def command(ctx: click.Context, file: Path, keys_from: Path | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Verify every hash, the store and the ledger of FILE, then put it in the home's place.

    The home that was there is kept beside it. `--dry-run` verifies and replaces nothing.
    """
    from core.access import current_actor
    from core.backup import restore

    home = home_from(ctx)
    source = file.absolute()
    if not dry_run and home.path.exists() and any(home.path.iterdir()):
        confirm(f"Replace {home.path}? It is kept beside the restored one.", yes)
    done = restore(source, home, keys_from=keys_from, actor=current_actor(""), check=dry_run)
    aside = str(done.aside) if done.aside else None
    if as_json:
        emit({"home": str(home.path), "restored": not dry_run, "aside": aside, **contents(done.manifest)})
        return
    found = f"{len(done.manifest.parts)} parts and {done.manifest.events} events verify"
    if dry_run:
        click.echo(f"{source}: {found}; nothing was replaced")
        return
    click.echo(f"{home.path}: {found}" + (f"; the home before is kept at {aside}" if aside else ""))
