"""`tocsin store`: encrypt the store's file, and turn it back."""

from __future__ import annotations

import click

from console.cli.output import change_options, confirm, desk_from


@click.group()
def command() -> None:
    """The store's file: encrypt, decrypt."""


@command.command("encrypt")
@click.option("--key-ref", required=True, help="env:NAME, file:PATH or keyring:SERVICE/NAME; a missing file is made.")
@change_options
@click.pass_context
def encrypt(ctx: click.Context, key_ref: str, dry_run: bool, yes: bool) -> None:
    """Encrypt the store with a key that is kept elsewhere; without the key nobody can open it again.

    Blobs, logs, settings and copies made before are not encrypted. No daemon may run meanwhile.
    """
    from core.access.secrets import checked

    recoded(ctx, checked(key_ref), dry_run, yes)


@command.command("decrypt")
@change_options
@click.pass_context
def decrypt(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Turn an encrypted store back into a plain one."""
    recoded(ctx, "", dry_run, yes)


def recoded(ctx: click.Context, key_ref: str, dry_run: bool, yes: bool) -> None:
    """Ask, convert, and say what was done."""
    from core.backup.encrypt import recode

    desk = desk_from(ctx)
    what = f"encrypt {desk.home.store_path} with {key_ref}" if key_ref else f"decrypt {desk.home.store_path}"
    if dry_run:
        click.echo(f"would {what}")
        return
    confirm(f"{what}?", yes)
    done = recode(desk, key_ref)
    click.echo(f"{desk.home.store_path} is {'encrypted' if key_ref else 'plain'}: {done.rows} rows compared")
    if done.copies:
        click.echo(f"copies made before are as they were: {', '.join(done.copies)}", err=True)
