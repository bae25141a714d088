"""`tocsin schedule`: what is run again and again, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, limit_options, table
from core.clock import iso, iso_or_none
from core.errors import BadInput

if TYPE_CHECKING:
    from core.work.rows import Schedule


@click.group()
def command() -> None:
    """What is run again and again, and when."""


@command.command("list")
@json_option
@click.pass_context
def list_schedules(ctx: click.Context, as_json: bool) -> None:
    """All schedules with their next due time."""
    from core.work import rows

    found = rows.schedules(desk_from(ctx, read_only=True).store)
    if as_json:
        emit([_plain(each) for each in found])
        return
    lines = [(each.name, each.kind, each.trigger, _standing(each)) for each in found]
    table(["name", "kind", "trigger", "next"], lines, empty="no schedules yet: `tocsin schedule add --help`")


@command.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """One schedule: its job, its policies, when it is next due, and why planning has set it aside where it has."""
    from core.work import rows

    data = _plain(rows.schedule(desk_from(ctx, read_only=True).store, name))
    if as_json:
        emit(data)
    else:
        facts(data)


def _plain(each: Schedule) -> dict[str, Any]:
    """A schedule with stable keys and ISO times."""
    return {
        "name": each.name,
        "kind": each.kind,
        "args": each.args,
        "trigger": each.trigger,
        "catch_up": each.catch_up,
        "overlap": each.overlap,
        "skipped": each.skipped,
        "limits": each.limits,
        "paused": each.paused,
        "trouble": each.trouble,
        "next": iso_or_none(each.next_us),
    }


def _standing(each: Schedule) -> str:
    if each.trouble is not None:
        return f"set aside: {each.trouble}"
    return "paused" if each.paused else _when(each.trigger, each.next_us)


@command.command("add")
@click.argument("name")
@click.argument("kind")
@click.argument("trigger")
@click.option("--arg", "pairs", multiple=True, metavar="KEY=VALUE", help="An argument of the job; may be repeated.")
@click.option(
    "--catch-up",
    type=click.Choice(["all", "latest", "skip"]),
    default="latest",
    show_default=True,
    help="What of the times missed while nothing ran.",
)
@click.option(
    "--overlap",
    type=click.Choice(["queue", "skip", "cancel"]),
    default="queue",
    show_default=True,
    help="Due again before the last run has ended: wait, leave it out, or end the last run.",
)
@limit_options
@change_options
@click.pass_context
def add_schedule(
    ctx: click.Context,
    name: str,
    kind: str,
    trigger: str,
    pairs: tuple[str, ...],
    catch_up: str,
    overlap: str,
    memory: int | None,
    cpu: str | None,
    wall: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Run a job of KIND by TRIGGER.

    A TRIGGER is 'every 15m', a cron line in UTC ('0 3 * * *') or by a place's clock ('0 3 * * * Europe/Berlin'),
    'once 2026-01-31T03:00Z', or 'after NAME' of another schedule: whenever that one has succeeded. On the days a clock
    is set, a time of day is due once: the first time it is shown, or right after the gap it falls into.

    A schedule of the same name is changed.
    """
    from core.work import plan
    from core.work.kinds import require_kind
    from core.work.limits import Limits
    from core.work.trigger import next_due

    args = arguments(pairs)
    require_kind(kind)
    desk = desk_from(ctx)
    limits = Limits.of(memory, cpu, wall).to_json()
    if dry_run:
        click.echo(f"would run {kind} {args} by {trigger!r}; next {_when(trigger, next_due(trigger, desk.now_us()))}")
        return
    confirm(f"Save schedule {name}?", yes)
    with desk.write() as tx:
        due = plan.add_schedule(tx, desk.now_us(), name, kind, args, trigger, catch_up, overlap=overlap, limits=limits)
        desk.record(tx, "schedule.saved", data={"name": name, "kind": kind, "trigger": trigger})
    click.echo(f"saved {name}; next {_when(trigger, due)}")


def _when(trigger: str, due: int | None) -> str:
    from core.work.trigger import follows

    before = follows(trigger)
    return f"when {before} has succeeded" if before else iso_or_none(due) or "never: its time has passed"


def arguments(pairs: tuple[str, ...]) -> dict[str, object]:
    """`KEY=VALUE` pairs as a job's arguments; whole numbers become integers. Raises BadInput."""
    args: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise BadInput(f"{pair!r} is not KEY=VALUE", "for example --arg model=churn")
        args[key] = int(value) if value.lstrip("-").isdigit() else value
    return args


@command.command("pause")
@click.argument("name")
@click.option("--resume", is_flag=True, help="Go on instead of pausing.")
@change_options
@click.pass_context
def pause(ctx: click.Context, name: str, resume: bool, dry_run: bool, yes: bool) -> None:
    """Stop planning a schedule, or go on from now; times in between are not made up for."""
    from core.work import plan, rows

    desk = desk_from(ctx)
    found = rows.schedule(desk.store, name)
    word = "resume" if resume else "pause"
    if dry_run:
        click.echo(f"would {word} {found.name}")
        return
    confirm(f"{word.capitalize()} {name}?", yes)
    with desk.write() as tx:
        plan.pause_schedule(tx, desk.now_us(), name, paused=not resume)
        desk.record(tx, f"schedule.{word}d", data={"name": name})
    click.echo(f"{name} {word}d")


@command.command("resume-all")
@change_options
@click.pass_context
def resume(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Go on planning after a jump of the clock; times in between are not made up for, one-offs keep theirs."""
    from core.work.planner import require_planning, resume_all

    desk = desk_from(ctx)
    if dry_run:
        require_planning(desk.store)
        click.echo("planning is not paused")
        return
    confirm("Is the clock right, and shall schedules go on from now?", yes)
    click.echo(f"schedules go on: {resume_all(desk)} from now")


@command.command("next")
@click.argument("trigger")
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
@click.pass_context
def next_times(ctx: click.Context, trigger: str, count: int, as_json: bool) -> None:
    """The next times a TRIGGER is due, to try one out."""
    from core.work.trigger import next_due

    due: int | None = desk_from(ctx, read_only=True).now_us()
    times: list[str] = []
    while len(times) < count and due is not None and (due := next_due(trigger, due)) is not None:
        times.append(iso(due))
    if as_json:
        emit(times)
    else:
        click.echo("\n".join(times) or _when(trigger, None))
