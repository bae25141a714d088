"""`tocsin job`: the work that is queued, runs, or has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from console.cli.opening import Opens
from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, limit_options, table
from console.cli.schedule import arguments
from core.clock import iso, iso_or_none
from core.desk import Desk
from core.errors import BadInput, NotFound


class Jobs(Opens):
    """A bare number opens a job in the console."""

    screen = "job"


@click.group(cls=Jobs)
def command() -> None:
    """The work that is queued, runs, or has ended. `tocsin job 7` opens one in the console."""


@command.command("list")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_context
def list_jobs(ctx: click.Context, limit: int, as_json: bool) -> None:
    """The newest jobs, newest first."""
    from core.work import rows

    desk = desk_from(ctx, read_only=True)
    found = rows.runs(desk.store, limit)
    if as_json:
        emit([job_json(desk, run) for run in found])
        return
    lines = [
        (
            run.id,
            run.kind,
            run.args.get("model") or run.args.get("dataset") or "",
            run.state,
            iso(run.due_us),
            run.error or waits_for(desk, run),
        )
        for run in found
    ]
    table(
        ["job", "kind", "of", "state", "due", "error, or why it waits"],
        lines,
        empty="no jobs yet: `tocsin train --help`",
    )


def waits_for(desk: Desk, run: Any) -> str | None:
    """Why a run has not started; None where nothing keeps it."""
    from core.work.quota import why_waits

    return why_waits(desk.store, desk.now_us(), desk.settings.quota, run) or None


def job_json(desk: Desk, run: Any) -> dict[str, Any]:
    """A run with stable keys and ISO times."""
    return {
        "job": run.id,
        "kind": run.kind,
        "pipeline": run.pipeline,
        "step": run.step,
        "args": run.args,
        "limits": run.limits,
        "state": run.state,
        "waits": waits_for(desk, run),
        "attempt": run.attempt,
        "progress": run.progress,
        "due": iso(run.due_us),
        "started": iso_or_none(run.started_us),
        "ended": iso_or_none(run.ended_us),
        "cpu_ms": run.cpu_ms,
        "cost": None if run.cost_micros is None else run.cost_micros / 1e6,
        "currency": None if run.cost_micros is None else desk.settings.quota.currency,
        "max_rss_kb": run.max_rss_kb,
        "error": run.error,
        "result": run.result,
    }


@command.command("show")
@click.argument("job", type=int)
@json_option
@click.pass_context
def show(ctx: click.Context, job: int, as_json: bool) -> None:
    """One job: its arguments, state, cost and result."""
    from core.work import rows

    desk = desk_from(ctx, read_only=True)
    data = job_json(desk, rows.run(desk.store, job))
    if as_json:
        emit(data)
        return
    facts(data)


@command.command("run")
@click.argument("kind")
@click.option("--arg", "pairs", multiple=True, metavar="KEY=VALUE", help="An argument of the job; may be repeated.")
@click.option("--request", help="An id: the same one asked for twice is one job.")
@limit_options
@change_options
@click.pass_context
def run_job(
    ctx: click.Context,
    kind: str,
    pairs: tuple[str, ...],
    request: str | None,
    memory: int | None,
    cpu: str | None,
    wall: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Queue a job of KIND; a running daemon starts it."""
    import secrets

    from core.work import plan
    from core.work.kinds import require_kind
    from core.work.limits import Limits

    args, limits = arguments(pairs), Limits.of(memory, cpu, wall).to_json()
    require_kind(kind)
    if dry_run:
        click.echo(f"would queue {kind} {args}")
        return
    confirm(f"Queue {kind}?", yes)
    desk = desk_from(ctx)
    with desk.write() as tx:
        asked = request or f"person/{secrets.token_hex(8)}"
        number = plan.request_run(tx, desk.now_us(), kind, args, asked, limits=limits)
    click.echo(f"queued job {number}; `tocsin job show {number}` follows it")


@command.command("pipeline")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--request", help="An id: the same one asked for twice is one pipeline.")
@change_options
@click.pass_context
def pipeline(ctx: click.Context, file: Path, request: str | None, dry_run: bool, yes: bool) -> None:
    """Queue the steps of FILE, a TOML file: each starts when those it needs have succeeded.

    Where a step fails, those that need it wait, and `tocsin job retry` goes on from there.
    """
    import secrets

    from core.work import pipeline
    from core.work.kinds import KINDS

    found = pipeline.read(file, KINDS)
    if dry_run:
        for step in found.step:
            click.echo(f"would queue {step.name}: {step.kind} {step.args}, after {', '.join(step.needs) or 'nothing'}")
        return
    confirm(f"Queue the {len(found.step)} steps of {found.name}?", yes)
    numbers = pipeline.queue(desk_from(ctx), found, f"pipeline/{request or secrets.token_hex(8)}")
    for step, number in zip(found.step, numbers, strict=True):
        click.echo(f"queued job {number}: {step.name}, after {', '.join(step.needs) or 'nothing'}")


@command.command("retry")
@click.argument("job", type=int)
@change_options
@click.pass_context
def retry_job(ctx: click.Context, job: int, dry_run: bool, yes: bool) -> None:
    """Let a job that failed start again; the steps of a pipeline that wait for it go on after it."""
    from core.work import pipeline, rows

    desk = desk_from(ctx)
    found = rows.run(desk.store, job)
    if dry_run:
        click.echo(f"would start job {job} again ({found.kind}, {found.state})")
        return
    confirm(f"Start job {job} again?", yes)
    pipeline.retry(desk, job)
    click.echo(f"job {job} is queued again; `tocsin job show {job}` follows it")


@command.command("cancel")
@click.argument("job", type=int)
@change_options
@click.pass_context
def cancel_job(ctx: click.Context, job: int, dry_run: bool, yes: bool) -> None:
    """Cancel a job: at once where it waits, at its next heartbeat where it runs."""
    from core.work import rows
    from core.work.stop import stop

    desk = desk_from(ctx)
    found = rows.run(desk.store, job)
    if found.ended:
        raise BadInput(f"job {job} has already ended: {found.state}", "only a waiting or running job can be cancelled")
    if dry_run:
        click.echo(f"would cancel job {job} ({found.kind}, {found.state})")
        return
    confirm(f"Cancel job {job}?", yes)
    stop(desk, job)
    click.echo(f"job {job}: {'cancelled' if found.state == 'planned' else 'cancel asked'}")


@command.command("logs")
@click.argument("job", type=int)
@click.option("--tail", default=200, show_default=True, type=click.IntRange(1, 100_000), help="How many last lines.")
@click.option("--grep", default="", metavar="TEXT", help="Only lines that hold TEXT, in any case.")
@click.option("--follow", is_flag=True, help="Go on with what is written until the job has ended.")
@click.pass_context
def logs(ctx: click.Context, job: int, tail: int, grep: str, follow: bool) -> None:
    """The last lines that a job's process wrote."""
    from core.work import logs

    desk = desk_from(ctx, read_only=True)
    try:
        lines = logs.last_lines(desk, job, tail, grep)
    except NotFound:
        if not follow:
            raise
        lines = []
    for line in lines:
        click.echo(line)
    if follow:
        for line in logs.follow(desk, job, grep):
            click.echo(line)
