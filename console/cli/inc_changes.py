"""The commands of `tocsin inc` that change something: acknowledge, note, move, correct, write the postmortem."""

from __future__ import annotations

from typing import Any

import click

from console.cli.output import change_options, confirm, desk_from, dry_run_options, home_from
from core.settings import require_writable


@click.command()
@click.argument("number", type=int)
@click.option("--undo", is_flag=True, help="Give it back: nobody has it any more.")
@change_options
@click.pass_context
def ack(ctx: click.Context, number: int, undo: bool, dry_run: bool, yes: bool) -> None:
    """Take an incident. Done at once: --undo takes it back."""
    from core.incidents import states
    from core.incidents.rows import incident

    desk = desk_from(ctx)
    if dry_run:
        click.echo(f"would {'give back' if undo else 'acknowledge'} INC-{incident(desk.store, number).id}")
        return
    found = states.unack(desk, number) if undo else states.ack(desk, number)
    click.echo(f"INC-{number} is {found.state}, acknowledged by {found.acked_by or 'nobody'}", err=True)


@click.command()
@click.argument("number", type=int)
@click.argument("text")
@change_options
@click.pass_context
def note(ctx: click.Context, number: int, text: str, dry_run: bool, yes: bool) -> None:
    """Write a note on the timeline."""
    from core.incidents import states
    from core.incidents.rows import incident

    desk = desk_from(ctx)
    if dry_run:
        click.echo(f"would note on INC-{incident(desk.store, number).id}: {text}")
        return
    states.note(desk, number, text)
    click.echo(f"noted on INC-{number}", err=True)


@click.command()
@click.argument("number", type=int)
@click.argument("state")
@click.option("--reason", default="", help="Why, for the timeline.")
@click.option("--into", type=int, help="With `merged`: the incident it goes into.")
@change_options
@click.pass_context
def move(ctx: click.Context, number: int, state: str, reason: str, into: int | None, dry_run: bool, yes: bool) -> None:
    """Move an incident to another state; only valid moves."""
    from core.incidents import states
    from core.incidents.rows import incident

    desk = desk_from(ctx)
    found = incident(desk.store, number)
    if dry_run:
        click.echo(f"would move INC-{number} from {found.state} to {state}")
        return
    confirm(f"move INC-{number} from {found.state} to {state}?", yes)
    click.echo(f"INC-{number} is {states.move(desk, number, state, reason=reason, into=into).state}", err=True)


@click.command()
@click.argument("number", type=int)
@click.argument("time")
@click.option("--origin", required=True, help="How that is known.")
@change_options
@click.pass_context
def impact(ctx: click.Context, number: int, time: str, origin: str, dry_run: bool, yes: bool) -> None:
    """Correct when users began to feel it, and look for suspects again."""
    from core.clock import iso, parse_time
    from core.incidents import states
    from core.incidents.investigate import investigate
    from core.incidents.rows import incident

    desk = desk_from(ctx)
    found, at_us = incident(desk.store, number), parse_time(time)
    if dry_run:
        click.echo(f"would set the impact start of INC-{number} from {iso(found.impact_us)} to {iso(at_us)}")
        return
    confirm(f"set the impact start of INC-{number} to {iso(at_us)}?", yes)
    states.set_impact(desk, number, at_us, origin)
    investigate(desk, number)
    click.echo(f"INC-{number} is felt since {iso(at_us)}: {origin}", err=True)


@click.command()
@click.argument("number", type=int)
@click.option("--keep", is_flag=True, help="Keep it in the store, its blocks made anew.")
@click.option("--from", "source", type=click.File("r", "utf-8"), help="Keep this edited text (- for standard input).")
@dry_run_options
@click.pass_context
def postmortem(ctx: click.Context, number: int, keep: bool, source: Any, dry_run: bool, yes: bool) -> None:
    """Print the postmortem; what people wrote stays when its blocks are made anew."""
    from core.incidents import postmortem as writing

    if (keep or source) and not dry_run:
        require_writable(home_from(ctx))
    desk = desk_from(ctx, read_only=not (keep or source))
    text = source.read() if source else None
    if text is not None and not dry_run:
        click.echo(writing.edit(desk, number, text), nl=False)
    elif keep and not dry_run:
        click.echo(writing.generate(desk, number), nl=False)
    else:
        click.echo(writing.render(desk, number, text), nl=False)
