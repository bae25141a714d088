"""Two tables compared column by column, in memory that does not grow with their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.engines.engine import Engine, Make
from core.engines.local import LocalEngine
from core.errors import BadInput
from core.measures.bins import TOP_LEVELS, number_bins
from core.measures.cells import Cells, points
from core.measures.comparison import FeatureDrift, compared, judge
from core.measures.grid import Grid
from core.measures.significance import INDEPENDENT
from core.measures.tables import Table
from core.measures.tallies import Levels, Places, Sample
from core.measures.values import NUMBER

# The reference rows that the bins are made of, taken evenly over the table; every row is counted in them.
SAMPLED_ROWS = 131_072
# A text column with more values than this is a key or free text, and has no distribution to compare.
MOST_LEVELS = 50_000
# Columns that are compared at a time: their samples are in memory together.
AT_ONCE = 32
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


def compare(
    reference: Table, current: Table, *, threads: int = 1, level: float = LEVEL, engine: Engine | None = None
) -> Comparison:
    """Compare every column that is a number or a category in both.

    The counts are the same for every engine; without one it is this process, of which each thread reads one column
    at a time. Rows are taken as independent. Number bins are quantiles of the reference, so the current table cannot
    move them.
    """
    names, skipped = _comparable(reference, current)
    working, found = engine or LocalEngine("", threads), []
    for first in range(0, len(names), AT_ONCE):
        for name, result in _columns(working, names[first : first + AT_ONCE], reference, current).items():
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


def _columns(engine: Engine, names: Sequence[str], reference: Table, current: Table) -> dict[str, FeatureDrift | str]:
    """The distances of each column, or why there are none: one pass for the bins and levels, one for each side."""
    step = max(1, reference.rows // SAMPLED_ROWS)
    learn: dict[str, Make] = {
        name: partial(Sample, step) if reference.kinds[name] == NUMBER else partial(Levels, MOST_LEVELS)
        for name in names
    }
    known = engine.fold(reference, learn)
    grids = {name: _grid(known[name].values()) for name in names if reference.kinds[name] == NUMBER}
    places: dict[str, Make] = {name: partial(Places, grid) for name, grid in grids.items() if grid is not None}
    left = engine.fold(reference, places)
    levels = [name for name in names if name not in grids and known[name].totals]
    right = engine.fold(current, {**places, **{name: learn[name] for name in levels}})
    return {
        name: _numbers(name, grids[name], left.get(name), right.get(name))
        if name in grids
        else _levels(name, known[name], right.get(name))
        for name in names
    }


def _grid(sample: Any) -> Grid | None:
    """The bins of a number and where values lie in them; None without any number."""
    import numpy as np

    try:
        return Grid(number_bins(sample).edges, sample[np.isfinite(sample)])
    except BadInput:
        return None


def _numbers(name: str, grid: Grid | None, left: Places | None, right: Places | None) -> FeatureDrift | str:
    if grid is None or left is None or right is None:
        return "no numbers in the reference"
    return compared(name, NUMBER, left.cells, right.cells, points(grid.edges), INDEPENDENT)


def _levels(name: str, left: Levels, right: Levels | None) -> FeatureDrift | str:
    if left.totals is None:
        return f"more than {MOST_LEVELS:,} values"
    if right is None:
        return "nothing but missing values in the reference"
    if right.totals is None:
        return f"more than {MOST_LEVELS:,} values in the current table"
    levels = left.totals
    known = sorted(levels.keys() - {None}, key=lambda level: (-levels[level], level))[:TOP_LEVELS]
    return compared(name, "category", _level_cells(levels, known), _level_cells(right.totals, known), None, INDEPENDENT)


def _level_cells(totals: dict[str | None, int], known: list[str | None]) -> Cells:
    values = [totals.get(level, 0) for level in known]
    missing = totals.get(None, 0)
    return Cells(missing, sum(totals.values()) - sum(values) - missing, values)
