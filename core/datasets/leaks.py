"""Single columns that tell the label, whatever the shape of the relation: out-of-sample, from counts in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.datasets.contract import Column, Contract
from core.datasets.finding import Finding
from core.errors import BadInput
from core.measures.bins import level_bins, number_bins, top_levels
from core.measures.evaluate import delong
from core.measures.tables import Table, table_of

if TYPE_CHECKING:
    import pyarrow

# A feature that alone ranks the rows so well is more often a leak than a discovery.
AUC = 0.95
# The share of the label's variance that a feature alone explains: the square of a correlation of 0.8.
EXPLAINED = 0.64
ENOUGH = 30
# Judged on at most so many first rows.
SAMPLE = 200_000
CLASSES = 10
ROWS_A_BIN = 10


def giveaways(contract: Contract, table: pyarrow.Table | Table) -> list[Finding]:
    """Warnings about features of which one alone tells the label.

    Rows are halved by turns; the mean label of each bin (at most 64 quantiles, or the 254 commonest levels) is
    learnt in one half and asked in the other. Two classes are judged by the AUC, numbers by the variance explained, and
    a label of more classes by its commonest class.
    """
    label, held = contract.column(contract.label or ""), table_of(table)
    if label is None or label.name not in held.types:
        return []
    target, classes = _target(held, label)
    found = []
    for column in contract.columns:
        if column.use == "feature" and held.types.get(column.name) in ("integer", "number", "boolean", "text"):
            found += _finding(column, label, _strength(_places(held, column.name), target, classes), classes)
    return found


def _finding(column: Column, label: Column, strength: float | None, classes: bool) -> list[Finding]:
    if strength is None or strength < (AUC if classes else EXPLAINED):
        return []
    how = f"one-column AUC {strength:.2f}" if classes else f"it explains {strength:.0%} of the variance"
    text = f"follows the label {label.name!r} ({how}): a leak, if known only afterwards"
    return [Finding(column.name, "warning", text, "leak")]


def _target(table: Table, label: Column) -> tuple[Any, bool]:
    """The label as numbers, not-a-number where it is missing; whether it is one of two classes."""
    import numpy as np

    held = table.head(label.name, SAMPLE)
    if table.types[label.name] == "text":
        top = top_levels(held, 1)
        codes = [float("nan") if value is None else float(value in top) for value in held.to_pylist()]
        return np.array(codes), True
    values = held.cast("double").to_numpy()
    different = np.unique(values[np.isfinite(values)])
    if len(different) <= CLASSES and table.types[label.name] != "number":
        commonest = max(different[1:], key=lambda value: int((values == value).sum()), default=1.0)
        return np.where(np.isnan(values), np.nan, (values == commonest).astype(float)), True
    return values, False


def _places(table: Table, name: str) -> Any:
    held = table.head(name, SAMPLE)
    if table.types[name] == "text":
        return level_bins(top_levels(held) or ("",)).indices(held)
    numbers = held.cast("double")
    try:
        return number_bins(numbers, max(2, min(64, len(numbers) // ROWS_A_BIN))).indices(numbers)
    except BadInput:
        return None


def _strength(places: Any, target: Any, classes: bool) -> float | None:
    """The AUC or the explained variance on rows that were not learnt from; None where there is nothing to judge."""
    import numpy as np

    if places is None:
        return None
    there = np.isfinite(target)
    places, target = places[there], target[there]
    if len(target) < ENOUGH or target.std() == 0:
        return None
    # Two rows a turn: a column that takes turns itself is still learnt.
    half = np.arange(len(target)) // 2 % 2 == 0
    guessed = np.empty(len(target))
    for learnt, asked in ((half, ~half), (~half, half)):
        rows = np.bincount(places[learnt], minlength=int(places.max()) + 1)
        sums = np.bincount(places[learnt], weights=target[learnt], minlength=len(rows))
        # Bins of few rows lean to the mean: a key of single rows tells nothing.
        means = (sums + target[learnt].mean()) / (rows + 1)
        guessed[asked] = means[places[asked]]
    if classes:
        return delong(guessed[target == 1], guessed[target == 0])[0]
    return float(1 - ((target - guessed) ** 2).mean() / target.var())
