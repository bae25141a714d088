"""`tocsin access`: who may do what."""

from __future__ import annotations

from typing import Any

import click

from console.cli.access_key import key, require_key
from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from core.access.roles import LEAST, MEANING, ROLES, Actor
from core.clock import iso


@click.group()
def command() -> None:
    """Who may do what. A home in which nobody was granted a role keeps none: everyone is admin."""


@command.command("list")
@json_option
@click.pass_context
def list_actors(ctx: click.Context, as_json: bool) -> None:
    """Everybody with a role."""
    from core.actors import verbs

    found = verbs.everyone(desk_from(ctx, read_only=True))
    if as_json:
        emit([actor_json(one) for one in found])
        return
    lines = [(one.name, one.role, one.granted_by, iso(one.granted_us)) for one in found]
    empty = "no roles are kept here, everyone is admin: `tocsin access grant NAME admin` begins"
    table(["actor", "role", "granted by", "since"], lines, empty=empty)


def actor_json(one: Actor) -> dict[str, Any]:
    """An actor with stable keys and ISO times."""
    return {"actor": one.name, "role": one.role, "granted_by": one.granted_by, "granted": iso(one.granted_us)}


@command.command("show")
@click.argument("actor", required=False)
@json_option
@click.pass_context
def show(ctx: click.Context, actor: str | None, as_json: bool) -> None:
    """The role of ACTOR (else of who asks), and what each role may do."""
    from core.actors import keys, verbs

    desk = desk_from(ctx, read_only=True)
    name = actor or desk.actor
    role = verbs.held(desk, name)
    if as_json:
        kept, keyed = bool(verbs.everyone(desk)), keys.required(desk)
        emit({"actor": name, "role": role, "kept": kept, "require_key": keyed, "needs": LEAST})
        return
    click.echo(f"{name}: {role or 'no role: reads, changes nothing'}")
    if keys.required(desk):
        click.echo("a key is required here: who shows none changes nothing")
    table(["role", "may"], [*MEANING.items()])


@command.command("grant")
@click.argument("actor")
@click.argument("role", type=click.Choice(ROLES))
@change_options
@click.pass_context
def grant(ctx: click.Context, actor: str, role: str, dry_run: bool, yes: bool) -> None:
    """Give ACTOR a ROLE in place of the one they had. The first one granted is an admin's."""
    from core.actors import verbs

    desk = desk_from(ctx)
    first = "" if verbs.everyone(desk) else "; from then on whoever has no role changes nothing"
    if dry_run:
        click.echo(f"would make {actor} {role}{first}")
        return
    confirm(f"Make {actor} {role}{first}?", yes)
    verbs.grant(desk, actor, role)
    click.echo(f"{actor} is {role}")


@command.command("revoke")
@click.argument("actor")
@change_options
@click.pass_context
def revoke(ctx: click.Context, actor: str, dry_run: bool, yes: bool) -> None:
    """Take the role of ACTOR, who from then on changes nothing."""
    from core.actors import verbs

    desk = desk_from(ctx)
    if dry_run:
        click.echo(f"would take the role of {actor} ({verbs.held(desk, actor) or 'none'})")
        return
    confirm(f"Take the role of {actor}?", yes)
    verbs.revoke(desk, actor)
    click.echo(f"{actor} has no role")


command.add_command(key)
command.add_command(require_key)
