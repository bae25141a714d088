"""The contract that a profiled table suggests: what holds of it, with room for an ordinary next month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.datasets.contract import Column, Contract

# A text column with more levels than this is free text: its levels are not part of the contract.
LEVELS_KEPT = 1000
# A label of at most so many whole numbers names classes; one of more is an amount, which has a range.
CLASSES = 10
# In fewer rows than these, a feature that is only ever 0 or 1 may be so by chance.
ROWS_SHOWING_BINARY = 50


def infer(
    profile: Mapping[str, Any], *, time_column: str | None = None, label: str | None = None, leaks: Iterable[str] = ()
) -> Contract:
    """The contract that a profiled table satisfies with room for an ordinary next month.

    Without a time column given, the only column of times is taken for it. Numbers get the range seen, widened by its
    own width on both sides: a season fits, another unit or a sentinel like -9999 does not. A label of few whole
    numbers, and a column of only 0 and 1, get just these as their values; a label then has no tolerance.
    """
    columns: Mapping[str, Mapping[str, Any]] = profile["columns"]
    times = [name for name, facts in columns.items() if facts["type"] == "time"]
    time_column = time_column or (times[0] if len(times) == 1 else None)
    hidden = set(leaks)
    uses = {name: _use(name, facts, time_column, label, hidden) for name, facts in columns.items()}
    return Contract(tuple(_inferred(name, facts, uses[name], profile["rows"]) for name, facts in columns.items()))


def _use(name: str, facts: Mapping[str, Any], time_column: str | None, label: str | None, leaks: set[str]) -> str:
    if name == time_column:
        return "time"
    if name == label:
        return "label"
    if name in leaks:
        return "leak"
    if facts["type"] == "time":
        return "other"
    if facts["unique"] and facts["type"] in ("integer", "text"):
        return "id"
    free_text = facts["type"] == "text" and (facts["distinct"] is None or facts["distinct"] > LEVELS_KEPT)
    return "other" if free_text else "feature"


def _inferred(name: str, facts: Mapping[str, Any], use: str, rows: int) -> Column:
    values = _only_values(facts, use, rows)
    low, high = _widened(facts) if values is None and use not in ("id", "time") else (None, None)
    levels = facts.get("levels") if use == "feature" and facts["type"] == "text" else None
    return Column(
        name,
        facts["type"],
        use,
        nullable=facts["missing"] > 0,
        unique=use == "id",
        min=low,
        max=high,
        levels=tuple(sorted(levels)) if levels else None,
        tolerance=0.0 if values and use == "label" else Column.tolerance,
        values=values,
    )


def _only_values(facts: Mapping[str, Any], use: str, rows: int) -> tuple[int, ...] | None:
    """The whole numbers a column is made of, where they are its classes and not points of a range; else None.

    A profile tells how many there are and the ends: two are the ends, and as many as lie between the ends are all.
    """
    if facts["type"] != "integer" or (facts["distinct"] or 0) < 2:
        return None
    low, high, distinct = int(facts["min"]), int(facts["max"]), int(facts["distinct"])
    if use == "label" and distinct <= CLASSES:
        return (low, high) if distinct == 2 else tuple(range(low, high + 1)) if distinct == high - low + 1 else None
    binary = use != "id" and (low, high) == (0, 1) and rows >= ROWS_SHOWING_BINARY
    return (0, 1) if binary else None


def _widened(facts: Mapping[str, Any]) -> tuple[float | None, float | None]:
    if facts["type"] not in ("integer", "number") or facts["min"] is None or facts["min"] == facts["max"]:
        return None, None
    width = facts["max"] - facts["min"]
    return facts["min"] - width, facts["max"] + width
