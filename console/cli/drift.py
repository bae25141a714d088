"""`tocsin drift`: live inputs against the training reference, or two tables against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.engine import address_option, chosen, engine_option
from console.cli.output import desk_from, emit, json_option, table
from core.clock import MINUTE, iso, parse_span
from core.errors import NotFound

if TYPE_CHECKING:
    from core.desk import Desk
    from core.measures.comparison import FeatureDrift
    from core.measures.tables import Table
    from core.monitor.drift import DriftReport
    from core.monitor.verdict import Verdict

HEADERS = ["input", "psi", "js", "ks", "wasserstein", "n", "p adjusted", "missing", "verdict"]


@click.group()
def command() -> None:
    """Live inputs against the training reference, or two tables against each other."""


@command.command()
@click.argument("model")
@click.option("--endpoint", help="Only this endpoint.")
@click.option("--version", type=int, help="Another version than the active one.")
@click.option("--window", default="7d", show_default=True, help="How far back: 6h, 7d, 4w.")
@click.option("--check", is_flag=True, help="End with 1 where an input drifted.")
@json_option
@click.pass_context
def show(
    ctx: click.Context, model: str, endpoint: str | None, version: int | None, window: str, check: bool, as_json: bool
) -> None:
    """How MODEL's inputs differ from its training reference."""
    from core.monitor.drift import measure
    from core.monitor.live import served

    desk = desk_from(ctx, read_only=True)
    span = parse_span(window)
    now = desk.now_us() // MINUTE * MINUTE
    found = [
        measure(desk, model, one.version, one.endpoint, now - span, now, look_us=span)
        for one in served(desk.store, model, endpoint, version)
    ]
    if as_json:
        emit([report_json(report) for report in found])
    else:
        for report in found:
            _print(report)
    if check and any(report.drifted for report in found):
        ctx.exit(1)


@command.command()
@click.argument("reference")
@click.argument("current")
@click.option("--level", default=0.01, show_default=True, type=click.FloatRange(1e-9, 0.5), help="False-alarm level.")
@engine_option
@address_option
@json_option
@click.pass_context
def compare(
    ctx: click.Context,
    reference: str,
    current: str,
    level: float,
    engine: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Compare two tables column by column: files, or snapshots as DATASET or DATASET/NUMBER. Ends with 1 on drift."""
    from core.measures.compare import compare as compare_tables

    desk = desk_from(ctx, read_only=True)
    left, right = _table(desk, reference), _table(desk, current)
    with chosen(engine, address).open(desk.settings.threads) as working:
        found = compare_tables(left, right, level=level, engine=working)
    if as_json:
        emit(
            {
                "reference_rows": found.reference_rows,
                "current_rows": found.current_rows,
                "level": level,
                "drifted": found.drifted,
                "columns": [feature_json(column) for column in found.columns],
                "skipped": found.skipped,
            }
        )
    else:
        table(HEADERS, [_line(column) for column in found.columns], empty="no column to compare")
        for name, why in found.skipped.items():
            click.echo(f"{name}: not compared, {why}", err=True)
        click.echo(f"{found.reference_rows:,} and {found.current_rows:,} rows, {len(found.drifted)} drifted", err=True)
    if found.drifted:
        ctx.exit(1)


@command.command()
@click.argument("model")
@click.option("--endpoint", help="Only this endpoint.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_context
def history(ctx: click.Context, model: str, endpoint: str | None, limit: int, as_json: bool) -> None:
    """The daily verdicts on MODEL, newest first."""
    from core.monitor.verdict import history as verdicts
    from core.registry.versions import version

    desk = desk_from(ctx, read_only=True)
    version(desk.store, model)
    found = verdicts(desk.store, model, endpoint, limit)
    if as_json:
        emit([_verdict_json(one) for one in found])
        return
    lines = [
        (iso(one.day_us)[:10], one.endpoint, f"v{one.version}", one.verdict, one.data["rows"], _auc(one), _worst(one))
        for one in found
    ]
    table(["day", "endpoint", "version", "verdict", "rows", "auc", "inputs"], lines, empty="no finished day yet")


def report_json(report: DriftReport) -> dict[str, Any]:
    """A drift report with stable keys and ISO times."""
    return {
        "model": report.model,
        "version": report.version,
        "endpoint": report.endpoint,
        "from": iso(report.from_us),
        "to": iso(report.to_us),
        "n": report.n,
        "level": report.level,
        "impact": round(report.impact, 6),
        "drifted": report.drifted,
        "missing_jumped": report.missing_jumped,
        "features": [feature_json(feature) for feature in report.features],
    }


def feature_json(feature: FeatureDrift) -> dict[str, Any]:
    """One input or column with every distance."""
    from dataclasses import asdict

    return {**asdict(feature), "verdict": _says(feature)}


def _verdict_json(found: Verdict) -> dict[str, Any]:
    return {
        "day": iso(found.day_us)[:10],
        "endpoint": found.endpoint,
        "version": found.version,
        "verdict": found.verdict,
        **found.data,
    }


def _print(report: DriftReport) -> None:
    click.echo(
        f"{report.model} v{report.version} on {report.endpoint}, {iso(report.from_us)} to {iso(report.to_us)}, "
        f"{report.n:,} rows; one false alarm a month in all"
    )
    table(HEADERS, [_line(feature) for feature in report.features], empty="no inputs")


def _line(feature: FeatureDrift) -> tuple[object, ...]:
    return (
        feature.name,
        f"{feature.psi:.3f}",
        f"{feature.js:.3f}",
        _figure(feature.ks),
        _figure(feature.wasserstein),
        feature.n,
        f"{feature.adjusted:.2g}",
        "-" if feature.missing_rate is None else f"{100 * feature.missing_rate:.1f}%",
        _says(feature),
    )


def _says(feature: FeatureDrift) -> str:
    if not feature.enough:
        return "not enough data" + (", missing jumped" if feature.missing_jumped else "")
    word = "drifted" if feature.drifted else "small shift" if feature.significant else "stable"
    return f"{word}, missing jumped" if feature.missing_jumped else word


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _auc(found: Verdict) -> str:
    value = found.data["auc"]
    return "-" if value is None else f"{value:.3f}"


def _worst(found: Verdict) -> str:
    named: list[str] = found.data["drifted"]
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _table(desk: Desk, name: str) -> Table:
    from core.datasets.tables import open_table
    from core.measures.tables import ParquetTable

    path = Path(name).expanduser()
    if path.exists():
        return open_table(path)
    from core.datasets import rows

    dataset, _, number = name.partition("/")
    if (number and not number.isdigit()) or path.suffix:
        raise NotFound(f"there is no file {name}", "check the path; a snapshot is written as DATASET/NUMBER")
    snapshot = rows.snapshot(desk.store, dataset, int(number) if number else None)
    return ParquetTable(desk.blobs.path(snapshot.blob))
