"""What was measured of a version: its evaluation reports, newest first, and the hold-out it was registered with."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.store import Store, Tx
from core.training.record import Version

REPORTS = "SELECT * FROM evaluation WHERE model = ? AND version = ? ORDER BY id DESC"
PLAIN = ("auc", "logloss", "brier", "base_rate")


@dataclass(frozen=True)
class Measured:
    """One report; `source` names it for people: `evaluation 3 (holdout)`, or `the hold-out of its training`."""

    report: Mapping[str, Any]
    source: str
    purpose: str
    snapshot_id: int | None


@dataclass(frozen=True)
class Figure:
    """A measured value with its interval where it has one, and the report it stands in."""

    value: float
    low: float | None
    high: float | None
    source: str

    def bound(self, which: str) -> float | None:
        """The value, or the low or high end of its interval; None where there is no interval."""
        return {"value": self.value, "low": self.low, "high": self.high}[which]


def measured(store: Store | Tx, found: Version, purpose: str = "") -> list[Measured]:
    """A version's reports, the newest first, then what its training measured; of one purpose alone where given."""
    rows = store.read(REPORTS, (found.model, found.version))
    reports = [
        Measured(
            json.loads(row["report"]), f"evaluation {row['id']} ({row['purpose']})", row["purpose"], row["snapshot_id"]
        )
        for row in rows
    ]
    if found.metrics:
        reports.append(_first(found))
    return [each for each in reports if purpose in ("", each.purpose)]


def _first(found: Version) -> Measured:
    """What a version was registered with; of a model made elsewhere nobody knows whether it had seen those rows."""
    made_here = bool(found.code)
    source, purpose = ("the hold-out of its training", "holdout") if made_here else ("its import", "import")
    return Measured({**_of_training(found), "purpose": purpose}, source, purpose, found.snapshot_id)


def section(reports: Sequence[Measured], name: str) -> tuple[Any, str]:
    """A part of the newest report that has it, by its dotted path, with the report's name; (None, "") without."""
    for each in reports:
        part = at_path(each.report, name)
        if part not in (None, [], {}):
            return part, each.source
    return None, ""


def figure(reports: Sequence[Measured], path: str) -> Figure | None:
    """The figure at a dotted path, or among the metrics, of the newest report that has it; None without."""
    for each in reports:
        for full in (path, f"metrics.{path}"):
            found = as_figure(at_path(each.report, full), each.source)
            if found is not None:
                return found
    return None


def at_path(report: Any, path: str) -> Any:
    """What stands at a dotted path; a number steps into a list. None where nothing does."""
    for step in path.split("."):
        if isinstance(report, Mapping):
            report = report.get(step)
        elif isinstance(report, list) and step.isdecimal() and int(step) < len(report):
            report = report[int(step)]
        else:
            return None
    return report


def as_figure(part: Any, source: str) -> Figure | None:
    """A plain number, or an object with `value`, `low` and `high`, as a figure; None for anything else."""
    if _is_number(part):
        return Figure(float(part), None, None, source)
    if isinstance(part, Mapping) and _is_number(part.get("value")):
        low, high = (float(part[end]) if _is_number(part.get(end)) else None for end in ("low", "high"))
        return Figure(float(part["value"]), low, high, source)
    return None


def _is_number(part: Any) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool) and math.isfinite(part)


def _of_training(found: Version) -> dict[str, Any]:
    known = {name: {"value": found.metrics[name]} for name in PLAIN if name in found.metrics}
    if "auc" in known:
        known["auc"].update({end: found.metrics.get(f"auc_{end}") for end in ("low", "high")})
    rest = {name: {"value": value} for name, value in found.metrics.items() if _is_number(value) and name not in known}
    return {"purpose": "holdout", "rows": found.metrics.get("n"), "metrics": {**rest, **known}}
