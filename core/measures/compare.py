"""Two tables compared column by column, in memory that does not grow with their rows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.measures.bins import TOP_LEVELS, number_bins
from core.measures.cells import Cells, points
from core.measures.comparison import FeatureDrift, compared, judge
from core.measures.grid import Grid
from core.measures.significance import INDEPENDENT
from core.measures.tables import Table, as_kind
from core.measures.values import NUMBER

# The reference rows that the bins are made of, taken evenly over the table; every row is counted in them.
SAMPLED_ROWS = 131_072
# A text column with more values than this is a key or free text, and has no distribution to compare.
MOST_LEVELS = 50_000
# The family-wise level of one comparison.
LEVEL = 0.01


@dataclass(frozen=True)
class Comparison:
    """The columns both tables have, the largest PSI first; `skipped` says of every other column why not."""

    reference_rows: int
    current_rows: int
    columns: list[FeatureDrift]
    skipped: dict[str, str]

    @property
    def drifted(self) -> list[str]:
        """The columns that drifted, largest first."""
        return [column.name for column in self.columns if column.drifted]


def compare(reference: Table, current: Table, *, threads: int = 1, level: float = LEVEL) -> Comparison:
    """Compare every column that is a number or a category in both; each thread reads one column at a time.

    Rows are taken as independent. Number bins are quantiles of the reference, so the current table cannot move them.
    """
    names, skipped = _comparable(reference, current)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        results = pool.map(lambda name: _column(name, reference, current), names)
        found: list[FeatureDrift] = []
        for name, result in zip(names, results, strict=True):
            if isinstance(result, str):
                skipped[name] = result
            else:
                found.append(result)
    return Comparison(reference.rows, current.rows, judge(found, level), dict(sorted(skipped.items())))


def _comparable(reference: Table, current: Table) -> tuple[list[str], dict[str, str]]:
    names: list[str] = []
    skipped: dict[str, str] = {}
    for name in [*reference.kinds, *(name for name in current.kinds if name not in reference.kinds)]:
        if name not in reference.kinds or name not in current.kinds:
            skipped[name] = f"only in the {'reference' if name in reference.kinds else 'current table'}"
        elif reference.kinds[name] is None or current.kinds[name] is None:
            skipped[name] = "neither a number nor a category"
        elif reference.kinds[name] != current.kinds[name]:
            skipped[name] = f"a {reference.kinds[name]} in the reference, a {current.kinds[name]} in the current table"
        else:
            names.append(name)
    return names, skipped


def _column(name: str, reference: Table, current: Table) -> FeatureDrift | str:
    """The distances of one column, or why there are none."""
    if reference.kinds[name] == NUMBER:
        return _numbers(name, reference, current)
    levels = _level_counts(reference, name)
    if levels is None or not levels:
        return f"more than {MOST_LEVELS:,} values" if levels is None else "nothing but missing values in the reference"
    others = _level_counts(current, name)
    if others is None:
        return f"more than {MOST_LEVELS:,} values in the current table"
    known = sorted(levels.keys() - {None}, key=lambda level: (-levels[level], level))[:TOP_LEVELS]
    left, right = _level_cells(levels, known), _level_cells(others, known)
    return compared(name, "category", left, right, None, INDEPENDENT)


def _numbers(name: str, reference: Table, current: Table) -> FeatureDrift | str:
    import numpy as np

    sample = _sampled(reference, name)
    try:
        edges = number_bins(sample).edges
    except BadInput:
        return "no numbers in the reference"
    grid = Grid(edges, sample[np.isfinite(sample)])
    left, right = _number_cells(reference, name, grid), _number_cells(current, name, grid)
    return compared(name, NUMBER, left, right, points(edges), INDEPENDENT)


def _batches(table: Table, name: str) -> Iterator[Any]:
    return (as_kind(batch, table.kinds[name]) for batch in table.batches(name))


def _sampled(table: Table, name: str) -> Any:
    """Every k-th value of a column, so that at most about 131,072 are held."""
    import numpy as np

    step = max(1, table.rows // SAMPLED_ROWS)
    parts = []
    first = 0
    for batch in _batches(table, name):
        parts.append(np.asarray(batch[first:].to_numpy(zero_copy_only=False), dtype=float)[::step])
        first = (first - len(batch)) % step
    return np.concatenate(parts) if parts else np.empty(0)


def _number_cells(table: Table, name: str, grid: Grid) -> Cells:
    """Counts of [below, bins..., above]; not-a-numbers are missing, as nulls are."""
    import numpy as np

    counts = np.zeros(grid.size, dtype=np.int64)
    missing = 0
    for batch in _batches(table, name):
        values = np.asarray(batch.to_numpy(zero_copy_only=False), dtype=float)
        absent = np.isnan(values)
        if absent.any():
            values = values[~absent]
        missing += len(absent) - len(values)
        counts += grid.count(values)
    return Cells(missing, 0, counts.tolist())


def _level_counts(table: Table, name: str) -> dict[str | None, int] | None:
    """Rows of each level, missing ones under None; None where there are too many levels to hold."""
    import numpy as np

    totals: dict[str | None, int] = {}
    for batch in _batches(table, name):
        if batch.null_count:
            totals[None] = totals.get(None, 0) + batch.null_count
        places = batch.indices.drop_null().to_numpy(zero_copy_only=False)
        rows = np.bincount(places, minlength=len(batch.dictionary)).tolist()
        for level, count in zip(batch.dictionary.to_pylist(), rows, strict=True):
            if count:
                totals[level] = totals.get(level, 0) + count
        if len(totals) > MOST_LEVELS:
            return None
    return totals


def _level_cells(totals: dict[str | None, int], known: list[str | None]) -> Cells:
    values = [totals.get(level, 0) for level in known]
    missing = totals.get(None, 0)
    return Cells(missing, sum(totals.values()) - sum(values) - missing, values)
