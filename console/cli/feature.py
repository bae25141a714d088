"""`tocsin feature`: declared feature views, and whether serving computes them as training does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, facts, json_option, table

if TYPE_CHECKING:
    from core.desk import Desk
    from core.features.declared import Aggregate
    from core.features.materialise import Freshness
    from core.features.saved import SavedView
    from core.monitor.parity import Parity

# Differences printed; the JSON has them all.
SHOWN = 20


@click.group()
def command() -> None:
    """Declared feature views: the columns made of raw inputs, in versions."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@change_options
@click.pass_context
def add(ctx: click.Context, file: Path, dry_run: bool, yes: bool) -> None:
    """Save the view of FILE (TOML) as its next version; the same content again is the same version."""
    from core.features import declared, saved

    view = declared.read(file)
    desk = desk_from(ctx)
    before = saved.find(desk.store, view)
    if before is not None:
        click.echo(f"{before.text} is this view already")
        return
    what = f"feature view {view.name} with {len(view.column)} columns and {len(view.aggregate)} aggregates"
    if dry_run:
        click.echo(f"would save {what}")
        return
    confirm(f"save {what}?", yes)
    found, _ = saved.add(desk, view)
    click.echo(f"saved {found.text}, {found.sha256[:12]}")


@command.command("list")
@json_option
@click.pass_context
def list_views(ctx: click.Context, as_json: bool) -> None:
    """Every version of every view."""
    from core.clock import iso
    from core.features import saved

    desk = desk_from(ctx, read_only=True)
    found = saved.views(desk.store)
    if as_json:
        emit([{**_plain(view), "stale": _stale(desk, view)} for view in found])
        return
    rows = [
        (one.text, len(one.view.column), len(one.view.aggregate), one.sha256[:12], iso(one.created_us), stale)
        for one, stale in ((view, "stale" if _stale(desk, view) else "") for view in found)
    ]
    table(("view", "columns", "aggregates", "sha256", "saved", ""), rows, empty="no feature view yet")


def _stale(desk: Desk, view: SavedView) -> bool:
    from core.features.materialise import freshness

    return any(one.stale for one in freshness(desk.store, view, desk.now_us()))


@command.command()
@click.argument("view")
@json_option
@click.pass_context
def show(ctx: click.Context, view: str, as_json: bool) -> None:
    """The columns of VIEW, written NAME or NAME@VERSION, and how fresh its aggregates are."""
    from core.clock import iso
    from core.features.materialise import freshness
    from core.features.saved import saved_view

    desk = desk_from(ctx, read_only=True)
    found, now = saved_view(desk.store, view), desk.now_us()
    fresh = freshness(desk.store, found, now)
    if as_json:
        emit({**_plain(found), "freshness": [_fresh_json(one) for one in fresh]})
        return
    facts({"view": found.text, "sha256": found.sha256, "saved": iso(found.created_us)})
    columns = [(one.name, one.expression or f"{one.function}({', '.join(one.inputs)})") for one in found.view.column]
    columns += [(one.name, _aggregate(one)) for one in found.view.aggregate]
    table(("column", "is"), columns)
    if fresh:
        table(("aggregate", "newest row", "rows", "late", ""), [_fresh_line(one, now) for one in fresh])


def _aggregate(one: Aggregate) -> str:
    known = f", known at {one.known}" if one.known else f", known after {one.delay}" if one.delay else ""
    by = f" by {', '.join(one.key)}" if one.key else ""
    return f"{one.how} of {one.value} over {one.over}{by} from {one.source}{known}"


def _fresh_line(one: Freshness, now: int) -> tuple[object, ...]:
    from core.clock import span

    age = "never materialised" if one.to_us is None else f"{span(now - one.to_us)} ago"
    return one.aggregate, age, one.rows, one.late, "stale" if one.stale else ""


def _fresh_json(one: Freshness) -> dict[str, Any]:
    from core.clock import iso_or_none

    return {
        "aggregate": one.aggregate,
        "to": iso_or_none(one.to_us),
        "newest": iso_or_none(one.newest_us),
        "rows": one.rows,
        "late": one.late,
        "stale": one.stale,
    }


@command.command("materialise")
@click.argument("view")
@click.option("--to", metavar="TIME", help="Up to this instant; else all that is known now.")
@change_options
@click.pass_context
def materialise(ctx: click.Context, view: str, to: str | None, dry_run: bool, yes: bool) -> None:
    """Keep what became known of VIEW's aggregates since the last time, for training, parity and serving."""
    from core.clock import iso, parse_time
    from core.features.materialise import materialise as take
    from core.features.saved import saved_view

    desk = desk_from(ctx)
    found, to_us = saved_view(desk.store, view), parse_time(to) if to else None
    if dry_run:
        click.echo(f"would materialise {found.text} to {iso(to_us or desk.now_us())}")
        return
    confirm(f"materialise {found.text}?", yes)
    done = take(desk, view, to_us)
    if not done.parts:
        click.echo(f"{found.text}: nothing new is known")
        return
    late = sum(part.late for part in done.parts)
    rows, edge = sum(part.rows for part in done.parts), max(part.to_us for part in done.parts)
    click.echo(f"{found.text}: {rows} values became known up to {iso(edge)}")
    if late:
        click.echo(f"{late} came too late: they were known before the last time, and are not taken any more", err=True)


@command.command()
@click.argument("model")
@click.option("--endpoint", help="Only this endpoint.")
@click.option("--last", default="24h", show_default=True, help="How far back: 6h, 7d, 4w.")
@json_option
@click.pass_context
def parity(ctx: click.Context, model: str, endpoint: str | None, last: str, as_json: bool) -> None:
    """Whether serving computed MODEL's columns and scores as training does; ends with 1 where anything differs.

    What was found of each version is kept for gates and checklists, but where the home may only be read.
    """
    from core.clock import parse_span
    from core.monitor.parity import parity as replay

    desk = desk_from(ctx)
    now = desk.now_us()
    found = replay(desk, model, endpoint, now - parse_span(last), now + 1)
    _keep_parity(desk, found, endpoint)
    if as_json:
        emit(_parity_json(found))
    else:
        _print_parity(found)
    if found.differences:
        ctx.exit(1)


def _keep_parity(desk: Desk, found: Parity, endpoint: str | None) -> None:
    """Keep each version's result; who may only read has the answer all the same."""
    from core.errors import NotAllowed
    from core.evaluation.record import keep_parity

    try:
        for version in sorted(found.replayed):
            keep_parity(desk, found.model, version, {**found.of(version), "endpoint": endpoint})
    except NotAllowed:
        click.echo("not kept for gates: this home may only be read", err=True)


def _print_parity(found: Parity) -> None:
    from core.clock import iso

    click.echo(f"{found.requests} requests replayed, {found.scores} with their score")
    if found.not_comparable:
        click.echo(f"not comparable, as they are sensitive: {', '.join(found.not_comparable)}")
    if not found.differences:
        click.echo("serving and training agree to the last bit in all that was compared")
        return
    columns = Counter(one.column for one in found.differences)
    click.echo(f"differing: {', '.join(f'{name} in {count} requests' for name, count in columns.most_common())}")
    rows = [
        (one.request_id, iso(one.at_us), f"{one.endpoint} v{one.version}", one.column, one.served, one.offline)
        for one in found.differences[:SHOWN]
    ]
    table(("request", "at", "by", "column", "served", "offline"), rows)
    if len(found.differences) > SHOWN:
        click.echo(f"and {len(found.differences) - SHOWN} more: --json has them all")


def _parity_json(found: Parity) -> dict[str, Any]:
    from core.clock import iso

    return {
        "model": found.model,
        "requests": found.requests,
        "scores": found.scores,
        "not_comparable": list(found.not_comparable),
        "equal": not found.differences,
        "differences": [
            {
                "request": one.request_id,
                "at": iso(one.at_us),
                "endpoint": one.endpoint,
                "version": one.version,
                "column": one.column,
                "served": one.served,
                "offline": one.offline,
            }
            for one in found.differences
        ],
    }


def _plain(found: SavedView) -> dict[str, Any]:
    import msgspec

    from core.clock import iso

    return {
        "name": found.name,
        "version": found.version,
        "sha256": found.sha256,
        "created": iso(found.created_us),
        "columns": [msgspec.to_builtins(column) for column in found.view.column],
        "aggregates": [msgspec.to_builtins(aggregate) for aggregate in found.view.aggregate],
        "functions": found.pinned.functions,
    }
