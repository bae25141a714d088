"""What a type check cannot see: jumps against the snapshot before, and columns that give the answer away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.datasets.columns import Columns, columns_of
from core.datasets.contract import Contract
from core.datasets.finding import Finding

if TYPE_CHECKING:
    import pyarrow

# A feature this close to the label is more often a leak than a discovery.
GIVES_AWAY = 0.8
ROWS_JUMP = 3.0
MISSING_JUMP = 0.05
MEAN_JUMP = 1.0
ENOUGH = 30
SAMPLE = 200_000


def compare(before: Mapping[str, Any], after: Mapping[str, Any], columns: Sequence[str]) -> list[Finding]:
    """Warnings about jumps between two profiles: in rows, and for the columns named in missing values and in the mean.

    A jump of the mean is measured in the deviations of `before`; under 30 rows on either side there is none.
    """
    found = _rows(before["rows"], after["rows"])
    for name in columns:
        then, now = before["columns"].get(name), after["columns"].get(name)
        if then is not None and now is not None:
            found += _missing(name, then["missing"] / before["rows"], now["missing"] / after["rows"])
            found += _mean(name, then, now, min(before["rows"], after["rows"]))
    return found


def _rows(before: int, after: int) -> list[Finding]:
    if before < ROWS_JUMP * after and after < ROWS_JUMP * before:
        return []
    return [Finding(None, "warning", f"it has {after:,} rows where the snapshot before had {before:,}")]


def _missing(name: str, before: float, after: float) -> list[Finding]:
    if after - before < MISSING_JUMP:
        return []
    return [Finding(name, "warning", f"is missing in {after:.1%} of rows; before it was {before:.1%}")]


def _mean(name: str, before: Mapping[str, Any], after: Mapping[str, Any], rows: int) -> list[Finding]:
    if rows < ENOUGH or not before.get("std") or after.get("mean") is None:
        return []
    apart = abs(after["mean"] - before["mean"]) / before["std"]
    if apart < MEAN_JUMP:
        return []
    return [
        Finding(
            name,
            "warning",
            f"its mean went from {before['mean']:.4g} to {after['mean']:.4g}, {apart:.1f} standard deviations: "
            "has its unit changed?",
        )
    ]


def blanks(profile: Mapping[str, Any]) -> list[Finding]:
    """Warnings about columns that say nothing: no value in any row, or infinities among the values."""
    found = []
    for name, facts in profile["columns"].items():
        if facts["missing"] == profile["rows"]:
            found.append(Finding(name, "warning", "has no value in any row"))
        if facts.get("infinite"):
            found.append(Finding(name, "warning", f"is infinite in {facts['infinite']:,} rows"))
    return found


def giveaways(contract: Contract, table: pyarrow.Table | Columns) -> list[Finding]:
    """Warnings about numeric features that follow a numeric label closer than a correlation of 0.8.

    Judged on at most the first 200,000 rows; a label of text has none.
    """
    import numpy as np

    label = contract.column(contract.label or "")
    if label is None or label.type not in ("integer", "number", "boolean"):
        return []
    held = columns_of(table)
    target = _floats(held, label.name)
    found = []
    for column in contract.columns:
        if column.use != "feature" or column.type not in ("integer", "number", "boolean"):
            continue
        values = _floats(held, column.name)
        both = np.isfinite(values) & np.isfinite(target)
        if both.sum() < ENOUGH or not values[both].std() or not target[both].std():
            continue
        strength = float(np.corrcoef(values[both], target[both])[0, 1])
        if abs(strength) >= GIVES_AWAY:
            text = f"follows the label {label.name!r} (correlation {strength:.2f}): a leak, if known only afterwards"
            found.append(Finding(column.name, "warning", text))
    return found


def _floats(table: Columns, name: str) -> Any:
    return table.head(name, SAMPLE).cast("double").to_numpy()
