"""How an evaluation report is told in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from console.cli.output import table
from core.measures.tasks import HEADLINES

PURPOSE = {
    "holdout": "hold-out: scored by the model fitted on nothing later than its beginning",
    "later": "all later than every row the model was fitted on",
    "seen": "NOT a hold-out: the model was fitted on {seen} of these {rows} rows, which flatters it",
}
WIDTH = 40
# The most harmful disturbances of each kind are told; the report has all.
TOLD = 3


def tell(result: Mapping[str, Any]) -> None:
    """Print a report: what was measured, the measures, the reliability plot, and every part that was asked for."""
    report = result["report"]
    click.echo(f"{result['model']} version {result['version']} on {report['snapshot']}, report {result['evaluation']}")
    positive = f", {report['positives']} positive" if "positives" in report else ""
    click.echo(f"{report['rows']} rows from {report['from']} to {report['to']}{positive}")
    click.echo(PURPOSE[report["purpose"]].format(**report))
    table(["measure", "value", "95 % interval"], [_measure(name, one) for name, one in report["metrics"].items()])
    drawn = report["intervals"]
    click.echo(f"intervals: {drawn['blocks']} {drawn['drawn']}s drawn again {drawn['resamples']} times")
    if "threshold" in report:
        _threshold(report["threshold"])
    if "calibration" in report:
        _reliability(report["calibration"])
    if "residuals" in report:
        _residuals(report["residuals"])
    for one in report["fairness"]:
        _fairness(one)
    if "against" in report:
        _against(report["against"])
    name = HEADLINES[report["task"]].first[0]
    _weakest(report["weakest"], name)
    _robustness(report["robustness"], name)
    _explanations(report["explanations"]["global"])


def _fairness(found: Mapping[str, Any]) -> None:
    click.echo(f"groups of {' and '.join(found['by'])}")
    rates = tuple(found["gaps"])
    lines = [
        (_key(one["group"]), one["n"], *(f"{number(one[rate]['value'])} ({interval(one[rate])})" for rate in rates))
        for one in found["groups"]
    ]
    table(["group", "rows", *(rate.replace("_", " ") for rate in rates)], lines, empty="no group is large enough")
    gaps = [f"{name.replace('_', ' ')} {number(one['value'])} ({interval(one)})" for name, one in found["gaps"].items()]
    click.echo(f"greatest gaps: {', '.join(gaps)}")
    if found["unjudged"]:
        named = ", ".join(f"{_key(one['group'])} ({one['n']})" for one in found["unjudged"])
        click.echo(f"fewer than {found['least']} rows, not judged: {named}")


def _key(group: Mapping[str, str | None]) -> str:
    return " ".join("missing" if value is None else value for value in group.values())


def _against(found: Mapping[str, Any]) -> None:
    click.echo(f"against version {found['version']}, on the same rows")
    table(["difference of", "value", "95 % interval"], [_measure(*one) for one in found["difference"].items()])
    click.echo(found["means"])


def _weakest(found: list[dict[str, Any]], name: str) -> None:
    if not found:
        click.echo("no slice is worse than the rest beyond chance")
        return
    click.echo("weakest slices, found on half of the days and confirmed on the other")
    lines = [(one["where"], one["n"], number(one[name]), interval(one)) for one in found]
    table(["where", "rows", name, "95 % interval"], lines)


def _robustness(found: Mapping[str, Any], name: str) -> None:
    lines = [
        (
            f"{one['feature']} {kind.replace('_', ' ')}{_noise(one)}",
            number(one[name]),
            number(one["drop"]),
            interval(one),
        )
        for kind in ("missing", "noise", "out_of_range")
        for one in found[kind][:TOLD]
    ]
    table(["disturbed", name, "drop", "95 % interval"], lines)
    for one in found["shifted"]:
        click.echo(
            f"inputs differ most (PSI {one['psi']:.3f}): {one['from']} to {one['to']}, {name} {number(one[name])}"
        )


def _noise(one: Mapping[str, Any]) -> str:
    return f" {one['noise']:g}" if "noise" in one else ""


def _explanations(found: list[dict[str, Any]]) -> None:
    shares = ", ".join(f"{one['feature']} {one['share']:.0%}" for one in found[: 2 * TOLD])
    click.echo(f"what moves the scores: {shares}")


def number(value: float | None) -> str:
    """Four decimals, or a dash for what is not defined."""
    return "-" if value is None else f"{value:.4f}"


def interval(one: Mapping[str, Any]) -> str:
    """`low to high`."""
    return f"{number(one['low'])} to {number(one['high'])}"


def _measure(name: str, one: Mapping[str, Any]) -> tuple[str, str, str]:
    return name.replace("_", " "), number(one["value"]), interval(one)


def _threshold(found: Mapping[str, Any]) -> None:
    click.echo(f"threshold {found['value']:.4f}")
    if "cost" in found:
        per = found["cost"]["per_1000"]
        click.echo(f"cost per 1,000 decisions {per['value']:.1f} ({per['low']:.1f} to {per['high']:.1f})")


def _residuals(found: Mapping[str, Any]) -> None:
    """The quantiles of the error, and what came of each tenth of the predictions."""
    told = ", ".join(f"{name} {value:+.4g}" for name, value in found["quantiles"].items())
    click.echo(f"error (predicted less true): {told}")
    lines = [
        (
            f"{one['from']:.4g} to {one['to']:.4g}",
            one["n"],
            *(f"{one[n]:.4g}" for n in ("mean_score", "mean_label", "mae")),
        )
        for one in found["bins"]
    ]
    table(["predicted", "rows", "said", "came", "mean error size"], lines)


def _reliability(found: Mapping[str, Any]) -> None:
    """A bar for what came of each group of scores, its interval in dashes, and a mark for what was said."""
    bins = found["bins"]
    click.echo(
        f"reliability{' of ' * ('of' in found)}{found.get('of', '')}: # came true, - 95 % interval, | what was said"
    )
    for one in bins:
        click.echo(f"{one['from']:.3f}-{one['to']:.3f} {bar(one)} {one['rate']:.3f} of {one['n']}")


def bar(one: Mapping[str, Any]) -> str:
    """One line of the reliability plot, forty columns for the whole of 0 to 1."""
    cells = [" "] * (WIDTH + 1)
    low, rate, high, said = (round(one[name] * WIDTH) for name in ("low", "rate", "high", "mean_score"))
    cells[:rate] = "#" * rate
    for place in range(low, high + 1):
        cells[place] = "-"
    cells[said] = "|"
    return "".join(cells)
