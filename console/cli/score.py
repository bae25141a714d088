"""`tocsin score`: a snapshot scored in a batch, in a process of its own, that a kill does not set back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.engine import address_option, engine_option
from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, table
from console.cli.score_output import tell, tell_comparison
from console.cli.waiting import ended_well, queued
from core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from core.desk import Desk
    from core.scoring.plan import Plan


class Scoring(click.Group):
    """A group whose command without a verb is `run`: `tocsin score MODEL DATASET`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


@click.group("score", cls=Scoring)
def command() -> None:
    """Score a snapshot: `tocsin score MODEL[@VERSION] DATASET[/NUMBER]`; `score run --help` shows the options."""


@command.command("run")
@click.argument("model", metavar="MODEL[@VERSION]")
@click.argument("dataset", metavar="DATASET[/NUMBER]")
@click.option("--out", type=click.Path(path_type=Path), help="Also copy the output to this Parquet file.")
@click.option("--chunk", type=int, help="Rows in a part, and so in memory; else 100000.")
@click.option("--keep", default="", metavar="COLUMNS", help="Columns to pass on, with commas between.")
@click.option("--threads", type=int, help="Threads of LightGBM; else the settings'.")
@click.option("--compare", type=click.IntRange(1), metavar="VERSION", help="Score by this version too, and compare.")
@engine_option
@address_option
@click.option("--resume", is_flag=True, help="Only go on with what was begun; an error where nothing was.")
@click.option("--here", is_flag=True, help="Run it in this terminal even if a daemon is there to do it.")
@click.option("--json", "as_json", is_flag=True, help="Progress and result as JSON lines.")
@change_options
@click.pass_context
def run(
    ctx: click.Context,
    model: str,
    dataset: str,
    out: Path | None,
    chunk: int | None,
    keep: str,
    threads: int | None,
    compare: int | None,
    engine: str | None,
    address: str | None,
    resume: bool,
    here: bool,
    as_json: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Score every row of a snapshot. The same command goes on with what was killed, to the same bytes."""
    from core.scoring.plan import Plan

    name, version = _numbered(model, "@")
    data, number = _numbered(dataset, "/")
    args: dict[str, Any] = {
        "model": name,
        "version": version,
        "dataset": data,
        "snapshot": number,
        "keep": [each.strip() for each in keep.split(",") if each.strip()],
        "chunk": chunk,
        "threads": threads,
        "compare": compare,
        "engine": engine,
        "address": address,
        "out": str(out.absolute()) if out else None,
        "overwrite": yes,
    }
    desk = desk_from(ctx)
    what = _check(desk, Plan.of(args), args, resume)
    if dry_run:
        click.echo(f"would {what}")
        return
    if out is not None and out.exists():
        confirm(f"{what[0].upper()}{what[1:]}, in place of {out}?", yes)
    _start(desk, args, here=here, as_json=as_json)


def _numbered(text: str, mark: str) -> tuple[str, int | None]:
    name, found, number = text.partition(mark)
    if found and not number.isdigit():
        raise BadInput(f"{text!r} names no number after {mark!r}", "write MODEL@2 and DATASET/3, or leave it out")
    return name, int(number) if found else None


def _check(desk: Desk, plan: Plan, args: dict[str, Any], resume: bool) -> str:
    """Find what can be found before any row is scored, settle the numbers, and say what will be done."""
    from core.registry.versions import load_artefact
    from core.scoring.job import planned, require_free
    from core.scoring.plan import require_scorable
    from core.scoring.rows import open_one

    works = planned(desk, plan)
    for work in works:
        require_scorable(load_artefact(desk, work.version.model, work.version.version), work)
    if plan.out is not None:
        require_free(plan.out, plan.overwrite)
    version, snapshot = works[0].version, works[0].snapshot
    sources = {name: number for work in works for name, number in work.sources.items()}
    args.update(version=version.version, snapshot=snapshot.number, sources=sources)
    begun = [found for found in (open_one(desk.store, work) for work in works) if found]
    if resume and not begun:
        raise NotFound("nothing like that was begun and not ended", "leave out --resume to begin; `tocsin score list`")
    by = " and ".join(f"version {work.version.version}" for work in works)
    what = f"score {snapshot.rows} rows of {snapshot.dataset}/{snapshot.number} by {version.model} {by}"
    return what + (f", {sum(found.in_parts for found in begun)} of them done already" if begun else "")


def _start(desk: Desk, args: dict[str, Any], *, here: bool, as_json: bool) -> None:
    ended = queued(desk, "score", args, here=here, as_json=as_json)
    if ended is None:
        return
    result = ended_well(ended)
    if as_json:
        emit({"job": ended.id, "state": ended.state, **result})
    else:
        tell(result)


@command.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, help="At most so many, the latest.")
@json_option
@click.pass_context
def list_(ctx: click.Context, limit: int, as_json: bool) -> None:
    """The latest scorings, open ones included, newest first."""
    from core.scoring.rows import scores

    desk = desk_from(ctx, read_only=True)
    found = [_plain(desk, each.id) for each in scores(desk.store, limit)]
    if as_json:
        emit(found)
        return
    lines = [
        (
            one["score"],
            f"{one['model']} v{one['version']}",
            one["snapshot"],
            f"{one['scored']} of {one['rows']}",
            one["rows_per_s"] or "",
            (one["output"] or "open")[:12],
        )
        for one in found
    ]
    table(["id", "by", "snapshot", "rows", "rows/s", "output"], lines, empty="nothing was scored yet")


@command.command("show")
@click.argument("number", type=int, metavar="ID")
@json_option
@click.pass_context
def show(ctx: click.Context, number: int, as_json: bool) -> None:
    """One scoring: how far it is, what it took, and where its output is."""
    one = _plain(desk_from(ctx, read_only=True), number)
    if as_json:
        emit(one)
    else:
        facts({**one, "keep": ", ".join(one["keep"])})


def _plain(desk: Desk, number: int) -> dict[str, Any]:
    from core.clock import iso, iso_or_none
    from core.scoring.job import summary
    from core.scoring.rows import score

    one = score(desk.store, number)
    path = str(desk.blobs.path(one.blob)) if one.blob else None
    times = {"created": iso(one.created_us), "ended": iso_or_none(one.ended_us)}
    return {**summary(one, desk.settings.quota), "path": path, **times}


@command.command("compare")
@click.argument("first", type=int, metavar="ID")
@click.argument("second", type=int, metavar="ID")
@json_option
@click.pass_context
def compare(ctx: click.Context, first: int, second: int, as_json: bool) -> None:
    """Two scorings of one snapshot: how far they agree, how good each is, what each costs."""
    from core.scoring.compare import compare as compared

    found = compared(desk_from(ctx, read_only=True), first, second)
    if as_json:
        emit(found)
    else:
        tell_comparison(found)
