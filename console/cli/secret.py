"""`tocsin secret`: the keys of sensitive values."""

from __future__ import annotations

import click

from console.cli.output import change_options, confirm, desk_from


@click.group()
def command() -> None:
    """The keys of sensitive values, kept in the home's folder `keys`, outside the store."""


@command.command("rotate")
@change_options
@click.pass_context
def rotate(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Seal sensitive values with a new key, those already kept as well, and delete the older keys.

    A backup of the store made before needs the keys of its time.
    """
    from core.access.sensitive import Vault
    from core.endpoints import sensitive

    desk = desk_from(ctx)
    older = ", ".join(map(str, Vault(desk.home).numbers())) or "none"
    if dry_run:
        click.echo(f"would make a new key and delete the older ones ({older})")
        return
    confirm(f"Make a new key and delete the older ones ({older})? Backups made before need those.", yes)
    done = sensitive.rotate(desk)
    click.echo(f"key {done.key} seals from now on; {done.samples} samples sealed again, older keys deleted: {older}")
