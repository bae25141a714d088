"""`tocsin model promote | approve | critical`: what a person decides of a version."""

from __future__ import annotations

import click

from console.cli.output import change_options, confirm, desk_from
from console.cli.versioned import chosen


@click.command("promote")
@click.argument("model")
@click.argument("version")
@click.argument("stage", type=click.Choice(["candidate", "staging", "production", "archived"]))
@change_options
@click.pass_context
def promote(ctx: click.Context, model: str, version: str, stage: str, dry_run: bool, yes: bool) -> None:
    """Move VERSION of MODEL to STAGE; into production past its gate, and what was there is archived once unserved."""
    from core.registry import versions
    from core.registry.gate import require_passed

    desk = desk_from(ctx)
    model, number = chosen(desk, model, version)
    found = versions.version(desk.store, model, number)
    what = f"{model} version {number} from {found.stage} to {stage}"
    if dry_run:
        if stage == "production":
            require_passed(desk.store, model, number, desk.now_us())
        click.echo(f"would move {what}")
        return
    confirm(f"Move {what}?", yes)
    versions.promote(desk, model, number, stage)
    click.echo(f"moved {what}")


@click.command("approve")
@click.argument("model")
@click.argument("version")
@click.option("--reason", default="", help="Why, for the ledger.")
@change_options
@click.pass_context
def approve(ctx: click.Context, model: str, version: str, reason: str, dry_run: bool, yes: bool) -> None:
    """Approve VERSION of MODEL, as somebody else than who trained it: a critical model is not deployed without."""
    from core.registry import approval

    desk = desk_from(ctx)
    model, number = chosen(desk, model, version)
    by = approval.trainer(desk.store, model, number)
    what = f"{model} version {number}, trained by {by or 'nobody the ledger knows'}, as {desk.actor}"
    if dry_run:
        click.echo(f"would approve {what}")
        return
    confirm(f"Approve {what}?", yes)
    done = approval.approve(desk, model, number, reason=reason)
    click.echo(f"{model} version {number} is approved by {done.actor}")


@click.command("critical")
@click.argument("model")
@click.option("--on/--off", "on", required=True, help="Whether its versions need an approval before a deploy.")
@change_options
@click.pass_context
def critical(ctx: click.Context, model: str, on: bool, dry_run: bool, yes: bool) -> None:
    """Mark MODEL as critical: none of its versions is deployed before a second person has approved it."""
    from core.registry import approval

    desk = desk_from(ctx)
    what = f"{model} {'critical' if on else 'no longer critical'}"
    if dry_run:
        changes = approval.is_critical(desk.store, model) != on
        click.echo(f"would make {what}" if changes else f"{model} is so already")
        return
    confirm(f"Make {what}?", yes)
    changed = approval.mark_critical(desk, model, on=on)
    click.echo(f"{model} is {'critical' if on else 'not critical'}{'' if changed else ' already'}")
