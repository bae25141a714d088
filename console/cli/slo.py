"""`tocsin slo`: objectives, how they stand, and what they would have said about the past."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from console.cli.slo_output import backtest_json, described, rule_json, said, status_json

if TYPE_CHECKING:
    from core.slo.backtest import Backtest
    from core.slo.rules import Objective


@click.group()
def command() -> None:
    """Objectives, their error budgets, and the rules that watch them."""


@command.command("list")
@json_option
@click.pass_context
def list_slos(ctx: click.Context, as_json: bool) -> None:
    """How every objective stands."""
    from core.slo import verbs
    from core.slo.budget import percent

    desk = desk_from(ctx, read_only=True)
    statuses = [verbs.status(desk, slo) for slo in verbs.slos(desk.store)]
    if as_json:
        emit([status_json(status) for status in statuses])
        return
    table(
        ("objective", "model", "endpoint", "measure", "target", "window", "sli", "left", "state", "says"),
        [
            (
                status.slo.name,
                status.slo.model,
                status.slo.endpoint,
                status.slo.measure,
                percent(status.slo.target),
                status.slo.window.text,
                percent(status.sli),
                percent(status.left),
                status.state.value,
                status.text,
            )
            for status in statuses
        ],
        empty="no objectives yet; `tocsin slo add --help` shows how to save one",
    )


@command.command()
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """One objective: its budget, and what each of its rules says."""
    from core.slo import verbs
    from core.slo.budget import percent, short

    desk = desk_from(ctx, read_only=True)
    status = verbs.status(desk, verbs.slo(desk.store, name))
    if as_json:
        emit({**status_json(status), "rules": [rule_json(v) for v in status.rules], "told": list(status.slo.told)})
        return
    click.echo(f"{name}: {status.state.value}, {status.text}")
    click.echo(
        f"{percent(status.slo.target)} over {status.slo.window.text}, sli {percent(status.sli)} "
        f"({status.total - status.good} of {status.total} {status.slo.bad_events}), "
        f"burn {short(status.burn)}, {percent(status.left)} of the budget left"
    )
    rows = [
        (
            v.rule.name,
            v.rule.severity,
            said(v),
            short(v.burn),
            short(v.short_burn),
            f"{v.long.bad}/{v.long.total}",
            v.text,
        )
        for v in status.rules
    ]
    table(("rule", "severity", "says", "burn", "short", "bad", "at this burn"), rows)


@command.command()
@click.argument("name")
@click.option("--model", required=True, help="The model it is about.")
@click.option("--endpoint", required=True, help="Where that model is served.")
@click.option(
    "--measure", required=True, metavar="MEASURE", help="availability, latency, quality or missing (features)."
)
@click.option("--target", required=True, help="The share of good events: 99.9% or 0.999.")
@click.option("--window", default="30d", show_default=True, help="30d; or day, week, month, quarter, year.")
@click.option("--calendar", metavar="ZONE", help="The IANA time zone of a calendar window: Europe/Berlin.")
@click.option("--critical", is_flag=True, help="Page when it is breached.")
@click.option("--threshold-ms", type=float, help="Latency: the slowest good request.")
@click.option("--at-least", type=float, help="Quality: the least AUC of a good hour.")
@click.option("--trailing", default="96h", show_default=True, help="Quality: the labels an hour is judged by.")
@click.option("--min-labels", default=200, show_default=True, help="Quality: the fewest that can judge.")
@change_options
@click.pass_context
def add(ctx: click.Context, /, name: str, dry_run: bool, yes: bool, **given: Any) -> None:
    """Save an objective; what has to be clamped in its rules is told."""
    from core.slo import verbs

    desk = desk_from(ctx)
    drafted = verbs.draft(desk, name, **given)
    for line in drafted.told:
        click.echo(f"note: {line}", err=True)
    if dry_run:
        click.echo(f"would save {described(drafted.slo)}")
        return
    confirm(f"save {described(drafted.slo)}?", yes)
    click.echo(f"saved {described(verbs.save(desk, drafted).slo)}")


@command.command()
@click.argument("name")
@change_options
@click.pass_context
def retire(ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Stop watching an objective; its firing alerts resolve at the next tick."""
    from core.slo import verbs

    desk = desk_from(ctx)
    found = verbs.slo(desk.store, name)
    if dry_run:
        click.echo(f"would retire {described(found)}")
        return
    confirm(f"retire {described(found)}?", yes)
    verbs.retire(desk, name)
    click.echo(f"retired {name}")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--slo", "name", help="A saved objective to try.")
@click.option("--target", help="Or a target, 99.9% or 0.999,")
@click.option("--window", default="30d", show_default=True, help="with a window")
@click.option("--calendar", metavar="ZONE", help="and, for a calendar window, its time zone.")
@click.option("--critical", is_flag=True, help="Try it as a critical objective.")
@json_option
@click.pass_context
def backtest(ctx: click.Context, /, file: Path, as_json: bool, **given: Any) -> None:
    """Which alerts would have fired on FILE, a CSV with the columns ts,good,total."""
    from core.slo.backtest import read, run

    result = run(_objective(ctx, **given), read(file))
    if as_json:
        emit(backtest_json(result))
        return
    _print_backtest(result)


def _objective(
    ctx: click.Context, name: str | None, target: str | None, window: str, calendar: str | None, critical: bool
) -> Objective:
    from core.errors import BadInput
    from core.slo import verbs
    from core.slo.budget import parse_target
    from core.slo.rules import Objective
    from core.slo.windows import parse_window

    if (name is None) == (target is None):
        raise BadInput("say which objective to try", "give either --slo NAME, or --target 99.9% with --window 30d")
    if name is not None:
        return verbs.slo(desk_from(ctx, read_only=True).store, name).objective
    return Objective(parse_target(target or ""), parse_window(window, calendar), critical)


def _print_backtest(result: Backtest) -> None:
    from core.clock import iso, span

    for line in result.told:
        click.echo(f"note: {line}", err=True)
    rows = [
        (
            iso(e.fired_us),
            e.severity,
            e.rule,
            "" if e.escalated_us is None else iso(e.escalated_us),
            "still firing" if e.resolved_us is None else f"after {span(e.resolved_us - e.fired_us)}",
            e.summary,
        )
        for e in result.episodes
    ]
    table(("fired", "severity", "rule", "escalated", "resolved", "said"), rows, empty="no alert would have fired")
    click.echo(f"{result.rows} rows of {span(result.step_us)}, {iso(result.from_us)} to {iso(result.to_us)}", err=True)
