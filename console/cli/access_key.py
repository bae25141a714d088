"""`tocsin access key`: named keys, which make a process an actor."""

from __future__ import annotations

from typing import Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from core.access.keys import Key
from core.clock import iso, iso_or_none, parse_span


@click.group("key")
def key() -> None:
    """Named keys: TOCSIN_KEY (or TOCSIN_KEY_REF, as file:PATH) makes a process the key's actor."""


@key.command("list")
@json_option
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Every key there ever was; never the secret. `used` is when one last changed something."""
    from core.actors import keys

    desk = desk_from(ctx, read_only=True)
    found, now = keys.every(desk), desk.now_us()
    if as_json:
        emit([key_json(one, now) for one in found])
        return
    lines = [tuple(value or "-" for value in key_json(one, now).values()) for one in found]
    table(["key", "actor", "state", "made by", "made", "expires", "used", "revoked"], lines, empty="no keys were made")


def key_json(one: Key, now_us: int) -> dict[str, Any]:
    """A key without its secret, with stable keys and ISO times."""
    return {
        "key": one.name,
        "actor": one.actor,
        "state": one.state(now_us),
        "made_by": one.made_by,
        "made": iso(one.made_us),
        "expires": iso_or_none(one.expires_us),
        "used": iso_or_none(one.used_us),
        "revoked": iso_or_none(one.revoked_us),
    }


@key.command("add")
@click.argument("name")
@click.option("--actor", default="", help="Whose key it is; else of who asks.")
@click.option("--expires", metavar="SPAN", help="Holds for so long, as 30d; else until it is revoked.")
@change_options
@click.pass_context
def add(ctx: click.Context, name: str, actor: str, expires: str | None, dry_run: bool, yes: bool) -> None:
    """Make the key NAME and print it, once: it is kept nowhere and cannot be shown again."""
    from core.actors import keys

    desk = desk_from(ctx)
    span = parse_span(expires) if expires else None
    keys.check(desk, name, actor, span)
    what = f"the key {name} for {actor or desk.actor}, which {f'holds for {expires}' if expires else 'does not expire'}"
    if dry_run:
        click.echo(f"would make {what}")
        return
    confirm(f"Make {what}?", yes)
    _, text = keys.add(desk, name, actor=actor, expires_us=span)
    click.echo(text)
    click.echo("it is not shown again: keep it in a file with mode 600 or a keyring (TOCSIN_KEY_REF)", err=True)


@key.command("revoke")
@click.argument("name")
@change_options
@click.pass_context
def revoke(ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Refuse the key NAME from now on, in processes that run as well."""
    from core.actors import keys

    desk = desk_from(ctx)
    if dry_run:
        click.echo(f"would revoke the key {name}")
        return
    confirm(f"Revoke the key {name}?", yes)
    found = keys.revoke(desk, name)
    click.echo(f"the key {name} of {found.actor} is revoked")


@click.command("require-key")
@click.argument("state", type=click.Choice(["on", "off"]))
@change_options
@click.pass_context
def require_key(ctx: click.Context, state: str, dry_run: bool, yes: bool) -> None:
    """Have who shows no key be at most a viewer, whatever name they give. An admin needs a lasting key first."""
    from core.actors import keys

    desk = desk_from(ctx)
    told = "who shows no key reads only" if state == "on" else "a name is taken at its word"
    if dry_run:
        click.echo(f"would have it so that {told}")
        return
    confirm(f"From now on {told}?", yes)
    changed = keys.require_key(desk, on=state == "on")
    click.echo(f"{'from now on' if changed else 'as before,'} {told}")
