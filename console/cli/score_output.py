"""Scorings and their comparison as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from console.cli.output import table
from core.measures.tasks import HEADLINES, told


def tell(result: Mapping[str, Any]) -> None:
    """What a finished scoring did and took."""
    speed = f"{result['rows_per_s']:,.0f} rows/s, " if result["rows_per_s"] else ""
    cost = f", {_money(result)} for 1,000 rows" if result["cost_per_1000_rows"] is not None else ""
    click.echo(
        f"scoring {result['score']}: {result['rows']:,} rows of {result['snapshot']} by {result['model']} version "
        f"{result['version']}; {speed}{result['cpu_seconds']:.1f} CPU seconds{cost}"
    )
    click.echo(f"output {result['output'][:12]}, " + (result["out"] or f"see `tocsin score show {result['score']}`"))
    if "comparison" in result:
        tell_comparison(result["comparison"])


def tell_comparison(found: Mapping[str, Any]) -> None:
    """One line a version, and how far their scores agree."""
    headline = HEADLINES[found["task"]]
    titles = [headline.first[1], "interval", headline.second[1]]
    headers = ["score", "version", *titles, "rows/s", "CPU s/1,000", "cost/1,000"]
    table(headers, [_line(side, found["task"]) for side in found["versions"]])
    agreement = found["agreement"]
    if agreement["mean_distance"] is not None:
        click.echo(
            f"scores differ by {agreement['mean_distance']:.4f} on average, {agreement['p99_distance']:.4f} at the "
            f"99th percentile, {agreement['max_distance']:.4f} at most"
        )
    if "flips_to_positive" in agreement:
        up, down = agreement["flips_to_positive"], agreement["flips_to_negative"]
        share = (up + down) / found["rows"] if found["rows"] else 0.0
        click.echo(f"{up + down} of {found['rows']} decisions change ({share:.2%}): {up} to yes, {down} to no")

    if "class_changes" in agreement:
        share = agreement["class_changes"] / found["rows"] if found["rows"] else 0.0
        click.echo(f"{agreement['class_changes']} of {found['rows']} rows get another class ({share:.2%})")


def _line(side: Mapping[str, Any], task: str) -> list[object]:
    measured = told(task, side["quality"]) if side["quality"] is not None else ("-", "-", "-")
    speed = f"{side['rows_per_s']:.0f}" if side["rows_per_s"] else "-"
    cost = _money(side) if side["cost_per_1000_rows"] is not None else "-"
    named = f"{side['model']} v{side['version']}"
    return [side["score"], named, *measured, speed, f"{side['cpu_seconds_per_1000_rows'] or 0:.6f}", cost]


def _money(told: Mapping[str, Any]) -> str:
    return f"{told['cost_per_1000_rows']:.8f} {told['currency']}"
