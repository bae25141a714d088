"""What a type check cannot see, from profiles alone: jumps against the last snapshot, and columns that say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.datasets.finding import Finding

ROWS_JUMP = 3.0
MISSING_JUMP = 0.05


def compare(before: Mapping[str, Any], after: Mapping[str, Any], columns: Sequence[str]) -> list[Finding]:
    """Warnings about jumps between two profiles: in rows, and for the columns named in missing values."""
    found = _rows(before["rows"], after["rows"])
    for name in columns:
        then, now = before["columns"].get(name), after["columns"].get(name)
        if then is not None and now is not None:
            found += _missing(name, then["missing"] / before["rows"], now["missing"] / after["rows"])
    return found


def _rows(before: int, after: int) -> list[Finding]:
    if before < ROWS_JUMP * after and after < ROWS_JUMP * before:
        return []
    return [Finding(None, "warning", f"it has {after:,} rows where the snapshot before had {before:,}", "rows_jump")]


def _missing(name: str, before: float, after: float) -> list[Finding]:
    if after - before < MISSING_JUMP:
        return []
    return [Finding(name, "warning", f"is missing in {after:.1%} of rows; before it was {before:.1%}", "missing_jump")]


def blanks(profile: Mapping[str, Any]) -> list[Finding]:
    """Warnings about columns that say nothing: no value in any row, or infinities among the values."""
    found = []
    for name, facts in profile["columns"].items():
        if facts["missing"] == profile["rows"]:
            found.append(Finding(name, "warning", "has no value in any row", "missing"))
        if facts.get("infinite"):
            found.append(Finding(name, "warning", f"is infinite in {facts['infinite']:,} rows", "infinite"))
    return found
