"""Data sets, contracts and findings as JSON and as text: what the `tocsin dataset` commands share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from console.cli.output import emit, table
from core.clock import iso, iso_or_none
from core.datasets.check import Finding
from core.datasets.contract import Column, Contract
from core.datasets.rows import Quarantined, Snapshot

file_argument = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
dataset_argument = click.argument("dataset", metavar="DATASET")
snapshot_option = click.option("--snapshot", "number", type=int, metavar="N", help="A snapshot's number; the latest.")


def tell(findings: Sequence[Finding]) -> None:
    """Say the warnings, one line each, beside the result."""
    for finding in findings:
        if finding.severity == "warning":
            click.echo(f"warning: {finding}", err=True)


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as plain data."""
    return [dataclasses.asdict(finding) for finding in findings]


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot without its profile; times are ISO-8601."""
    return {
        "dataset": snapshot.dataset,
        "snapshot": snapshot.number,
        "rows": snapshot.rows,
        "columns": snapshot.columns,
        "sha256": snapshot.sha256,
        "source": snapshot.source,
        "time_column": snapshot.time_column,
        "from": iso_or_none(snapshot.time_from_us),
        "to": iso_or_none(snapshot.time_to_us),
        "created": iso(snapshot.created_us),
    }


def quarantined_json(entry: Quarantined) -> dict[str, Any]:
    """A refused file; times are ISO-8601."""
    return {
        "id": entry.id,
        "dataset": entry.dataset,
        "source": entry.source,
        "sha256": entry.sha256,
        "reason": entry.reason,
        "refused": iso(entry.created_us),
        "released": iso_or_none(entry.released_us),
    }


def profile_json(columns: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A profile's columns with times in ISO-8601."""
    return {name: _with_iso(facts) for name, facts in columns.items()}


def _with_iso(facts: Mapping[str, Any]) -> dict[str, Any]:
    if facts["type"] != "time":
        return dict(facts)
    return {**facts, "min": iso_or_none(facts["min"]), "max": iso_or_none(facts["max"])}


def profile_row(name: str, facts: Mapping[str, Any], rows: int) -> tuple[object, ...]:
    """One line of a profile: name, type, missing, distinct, least, median, greatest, commonest."""
    missing = f"{facts['missing'] / rows:.1%}" if facts["missing"] < rows else "all"
    distinct = "many" if facts.get("distinct") is None else facts["distinct"]
    ends = [_short(facts.get(end)) for end in ("min", "p50", "max")]
    return (name, facts["type"], missing, distinct, *ends, _commonest(facts.get("levels")))


def _commonest(levels: Mapping[str, int] | None) -> str:
    return ", ".join(list(levels or {})[:3])


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)


def show_contract(heading: str, contract: Contract, as_json: bool) -> None:
    """Print a contract: JSON that `contract set` takes, or a table under a heading."""
    if as_json:
        emit(contract.to_json())
        return
    click.echo(heading)
    table(("column", "type", "use", "may be", "values"), [_contract_row(column) for column in contract.columns])


def _contract_row(column: Column) -> tuple[str, ...]:
    may_be = [word for word, on in (("empty", column.nullable), ("repeated", not column.unique)) if on]
    return column.name, column.type, column.use, ", ".join(may_be), _allowed(column)


def _allowed(column: Column) -> str:
    if column.values is not None:
        return ", ".join(str(value) for value in column.values)
    if column.levels is not None:
        some = ", ".join(column.levels[:4])
        return some if len(column.levels) <= 4 else f"{some} and {len(column.levels) - 4} more"
    if column.min is None and column.max is None:
        return "any"
    ends = [_short(end) if end is None else f"{end:.6g}" for end in (column.min, column.max)]
    return f"{ends[0] or '-inf'} to {ends[1] or 'inf'}"
