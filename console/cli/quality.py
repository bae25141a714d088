"""`tocsin quality`: measured quality of what is served, with its interval and label coverage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import desk_from, emit, json_option, table
from core.clock import DAY, MINUTE, iso, parse_span

if TYPE_CHECKING:
    from core.measures.ranking import Decisions
    from core.monitor.estimate import Estimate
    from core.monitor.live import Served
    from core.monitor.quality import Measure

HEADERS = ["auc", "95 % interval", "labelled", "positives", "coverage", "log loss", "brier", "ece"]


@click.group()
def command() -> None:
    """Measured quality of what is served, with its interval and label coverage."""


@command.command()
@click.argument("model")
@click.option("--endpoint", help="Only this endpoint.")
@click.option("--version", type=int, help="Another version than the active one.")
@click.option("--window", default="4d", show_default=True, help="How far back: 6h, 4d, 4w.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Also precision, recall and F1 from this score on.")
@json_option
@click.pass_context
def show(
    ctx: click.Context,
    model: str,
    endpoint: str | None,
    version: int | None,
    window: str,
    threshold: float | None,
    as_json: bool,
) -> None:
    """The measured quality of MODEL where it is served."""
    from core.measures.ranking import at_threshold
    from core.monitor.estimate import estimate
    from core.monitor.live import served
    from core.monitor.quality import measure, score_counts

    desk = desk_from(ctx, read_only=True)
    now = desk.now_us() // MINUTE * MINUTE
    span = (now - parse_span(window), now)
    found = []
    for one in served(desk.store, model, endpoint, version):
        place = (model, one.version, one.endpoint, *span)
        decided = None if threshold is None else at_threshold(*score_counts(desk.store, *place), threshold)
        found.append(Shown(one, measure(desk.store, *place), estimate(desk, *place), decided))
    if as_json:
        emit([{**one.to_json(), "from": iso(span[0]), "to": iso(span[1])} for one in found])
        return
    table(["endpoint", "version", *HEADERS, "expected auc"], [one.line() for one in found])
    click.echo("expected: from the scores alone, if the relation between inputs and label held", err=True)
    for shown in found:
        if shown.decisions:
            plain = asdict(shown.decisions)
            table(list(plain), [[_figure(value) for value in plain.values()]])


@dataclass(frozen=True)
class Shown:
    """One served version with what was measured, what the scores alone lead to expect, and decisions if asked for."""

    served: Served
    measured: Measure
    expected: Estimate
    decisions: Decisions | None

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.served.model,
            "endpoint": self.served.endpoint,
            "version": self.served.version,
            **asdict(self.measured),
            "expected_auc": self.expected.auc,
            "expected_brier": self.expected.brier,
            "decisions": asdict(self.decisions) if self.decisions else None,
        }

    def line(self) -> tuple[object, ...]:
        return (self.served.endpoint, f"v{self.served.version}", *_line(self.measured), _figure(self.expected.auc))


@command.command()
@click.argument("model")
@click.option("--endpoint", help="Only this endpoint.")
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 400))
@json_option
@click.pass_context
def history(ctx: click.Context, model: str, endpoint: str | None, days: int, as_json: bool) -> None:
    """MODEL's quality by day of prediction and version, newest first."""
    from core.monitor.quality import by_day
    from core.registry.versions import version

    desk = desk_from(ctx, read_only=True)
    version(desk.store, model)
    end = -(-desk.now_us() // DAY) * DAY
    found = by_day(desk.store, model, end - days * DAY, end, endpoint)
    if as_json:
        emit([{"day": iso(day)[:10], "endpoint": e, "version": v, **asdict(m)} for day, e, v, m in found])
        return
    lines = [(iso(day)[:10], place, f"v{number}", *_line(measured)) for day, place, number, measured in found]
    table(["day", "endpoint", "version", *HEADERS], lines, empty="no predictions in these days")


def _line(measured: Measure) -> tuple[object, ...]:
    interval = "-" if measured.low is None else f"{measured.low:.3f} to {measured.high:.3f}"
    return (
        _figure(measured.auc),
        interval,
        measured.n,
        measured.positives,
        "-" if measured.coverage is None else f"{100 * measured.coverage:.1f}%",
        _figure(measured.logloss),
        _figure(measured.brier),
        _figure(measured.ece),
    )


def _figure(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "-" if value is None else f"{value:.3f}"
