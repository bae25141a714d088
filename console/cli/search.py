"""`tocsin search`: look for a model's parameters within limits, and train the version of the best."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, table
from console.cli.train import arguments, check, tell_version, training_options
from console.cli.waiting import ended_well, queued, run_queued
from core.clock import SECOND, span

if TYPE_CHECKING:
    from core.briefing.searches import SearchPage
    from core.work.rows import Run


class Searches(click.Group):
    """A group whose first argument may be a model, which is searched; `--resume JOB` goes on with a job."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first == "--resume":
            args = ["resume", *args[1:]]
        elif first and first not in self.commands and first not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Searches, subcommand_metavar="MODEL --dataset D [OPTIONS] | --resume JOB | list | show JOB")
def command() -> None:
    """Search for the parameters of MODEL within limits, and register a version trained by the best.

    `tocsin search run --help` shows its options.
    """


@command.command("run")
@click.argument("model")
@click.option("--trials", type=int, metavar="N", help="At most so many trials; else 50.")
@click.option("--time", "wall", metavar="SPAN", help="At most so long, as 30m.")
@click.option("--cpu", metavar="SPAN", help="At most so much CPU time, as 1h.")
@click.option("--money", type=float, metavar="AMOUNT", help="At most so much, at `quota.price_per_cpu_hour`.")
@click.option("--space", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file that changes the space.")
@click.option("--metric", default="", metavar="METRIC", help="What to search by: auc, logloss, rmse, ...")
@click.option("--register", default="best", type=click.Choice(["best", "none"]), show_default=True)
@training_options
@click.option("--here", is_flag=True, help="Run it in this terminal even if a daemon is there to do it.")
@click.option("--json", "as_json", is_flag=True, help="Progress and result as JSON lines.")
@click.option("--dry-run", is_flag=True, help="Check the request and say what would be done, and do nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_context
def run_search(
    ctx: click.Context,
    /,
    model: str,
    space: Path | None,
    here: bool,
    as_json: bool,
    dry_run: bool,
    yes: bool,
    **given: Any,
) -> None:
    """Search for the parameters of MODEL."""
    from core.datasets.rows import snapshot
    from core.tuning.job import Asked
    from core.tuning.space import read

    args = arguments(model, given)
    if space is not None:
        args["space"] = read(space)
    desk = desk_from(ctx)
    rows, columns = check(desk, args)
    # The snapshot it is now: trials are compared with each other, so all see the same rows.
    args["snapshot"] = snapshot(desk.store, args["dataset"], args["snapshot"]).number
    asked = Asked.of(desk, args)
    what = f"search {len(asked.space)} parameters of {model} on {args['dataset']} ({rows} rows, {columns} columns)"
    if dry_run:
        click.echo(f"would {what}: {', '.join(asked.space)}")
        return
    if sys.stdin.isatty():
        confirm(f"{what[0].upper()}{what[1:]}?", yes)
    _tell(queued(desk, "search", args, here=here, as_json=as_json), as_json)


@command.command("resume")
@click.argument("job", type=int)
@click.option("--here", is_flag=True, help="Run it in this terminal even if a daemon is there to do it.")
@click.option("--json", "as_json", is_flag=True, help="Progress and result as JSON lines.")
@change_options
@click.pass_context
def resume_search(ctx: click.Context, job: int, here: bool, as_json: bool, dry_run: bool, yes: bool) -> None:
    """Go on with a search that was cancelled, failed or was killed, with the trials it has kept."""
    from core.tuning.resume import require_search, resume
    from core.tuning.rows import trials
    from core.work.here import daemon_lives
    from core.work.plan import ATTEMPTS

    desk = desk_from(ctx)
    found = require_search(desk, job)
    kept = len(trials(desk.store, job))
    if dry_run:
        click.echo(f"would go on with job {job} ({found.state}) after {kept} trials")
        return
    if sys.stdin.isatty():
        confirm(f"Go on with job {job} after {kept} trials?", yes)
    resume(desk, job, ATTEMPTS if daemon_lives(desk) and not here else 1)
    _tell(run_queued(desk, job, here=here, as_json=as_json), as_json)


@command.command("list")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_context
def list_searches(ctx: click.Context, limit: int, as_json: bool) -> None:
    """The newest searches, newest first."""
    from core.briefing.searches import searches

    found = searches(desk_from(ctx, read_only=True), limit)
    if as_json:
        emit([row._asdict() for row in found])
        return
    lines = [
        (row.job, row.model, row.dataset, row.state, f"{row.trials}/{row.most}", row.metric, _value(row.value))
        for row in found
    ]
    table(["job", "model", "data", "state", "trials", "metric", "best"], lines, empty="no searches yet")


@command.command("show")
@click.argument("job", type=int)
@json_option
@click.pass_context
def show(ctx: click.Context, job: int, as_json: bool) -> None:
    """One search: its trials, the best so far, and which parameters matter."""
    from core.briefing.searches import search

    page = search(desk_from(ctx, read_only=True), job)
    if as_json:
        emit(_json(page))
        return
    left = "" if page.left_us is None else span(page.left_us)
    best = "" if page.row.value is None else f"{_value(page.row.value)} in trial {page.row.best}"
    named = {"best": best, "stopped_by": page.row.stopped, "left": left, "snapshot": page.snapshot}
    facts({"model": page.row.model, "state": page.row.state, "metric": page.row.metric, **named})
    names = list(page.space)
    lines = [
        (one.number, one.state, _value(one.value), f"{one.cpu_ms / 1000:.1f}", *(_value(one.params[n]) for n in names))
        for one in page.trials
    ]
    table(["trial", "state", page.row.metric, "cpu s", *names], lines, empty="no trial has ended yet")
    if page.importance:
        click.echo("importance: " + ", ".join(f"{name} {share:.2f}" for name, share in page.importance.items()))


def _json(page: SearchPage) -> dict[str, Any]:
    return {
        **page.row._asdict(),
        "more_is_better": page.more,
        "snapshot": page.snapshot,
        "left_s": None if page.left_us is None else round(page.left_us / SECOND, 1),
        "params": page.params,
        "importance": page.importance,
        "space": page.space,
        "curve": page.curve,
        "tried": [vars(trial) for trial in page.trials],
    }


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _tell(ended: Run | None, as_json: bool) -> None:
    if ended is None:
        return
    result = ended_well(ended)
    if as_json:
        emit({"job": ended.id, "state": ended.state, **result})
        return
    found = result["search"]
    best = found["best"]
    cut = f", {found['pruned']} of them cut short" if found["pruned"] else ""
    click.echo(f"{found['trials']} trials{cut}; stopped by {found['stopped']}")
    click.echo(f"best {found['metric']} {best['value']:.5g} in trial {best['trial']}: {_recipe(best['params'])}")
    if result["version"] is not None:
        tell_version(result)


def _recipe(params: dict[str, Any]) -> str:
    return " ".join(f"--param {name}={value:.6g}" for name, value in params.items())
