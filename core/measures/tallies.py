"""What a comparison gathers of a column: a sample, the counts of its levels, the counts of a number's bins."""

from __future__ import annotations

from typing import Any

from core.engines.engine import Before
from core.measures.cells import Cells
from core.measures.grid import Grid
from core.measures.tables import as_kind
from core.measures.values import CATEGORY, NUMBER


class Sample:
    """Every n-th row of a number, not-a-number where it is missing."""

    def __init__(self, step: int, before: Before) -> None:
        self._step, self._row = step, before.rows
        self._parts: list[Any] = []

    def add(self, batch: Any) -> None:
        """Take in the next rows."""
        import numpy as np

        values = as_kind(batch[-self._row % self._step :], NUMBER).to_numpy(zero_copy_only=False)
        self._parts.append(np.asarray(values, dtype=float)[:: self._step])
        self._row += len(batch)

    def merge(self, later: Sample) -> None:
        """Take in the rows right after these."""
        self._parts += later._parts
        self._row = later._row

    def values(self) -> Any:
        """The sample as NumPy floats, in order."""
        import numpy as np

        return np.concatenate(self._parts) if self._parts else np.empty(0)


class Levels:
    """Rows of each level, missing ones under None; `totals` is None where there are more levels than are held."""

    def __init__(self, most: int, before: Before) -> None:
        self._most = most
        self.totals: dict[str | None, int] | None = {}

    def add(self, batch: Any) -> None:
        """Take in the next rows."""
        import numpy as np

        if self.totals is None:
            return
        batch = as_kind(batch, CATEGORY)
        places = batch.indices.drop_null().to_numpy(zero_copy_only=False)
        rows = np.bincount(places, minlength=len(batch.dictionary)).tolist()
        self._more({None: batch.null_count})
        self._more(dict(zip(batch.dictionary.to_pylist(), rows, strict=True)))

    def merge(self, later: Levels) -> None:
        """Take in other rows."""
        self._more(later.totals)

    def _more(self, counts: dict[str | None, int] | None) -> None:
        if self.totals is None or counts is None:
            self.totals = None
            return
        for level, count in counts.items():
            if count:
                self.totals[level] = self.totals.get(level, 0) + count
        if len(self.totals) > self._most:
            self.totals = None


class Places:
    """Counts of [below, bins..., above] of a number; not-a-numbers are missing, as nulls are."""

    def __init__(self, grid: Grid, before: Before) -> None:
        import numpy as np

        self._grid, self._missing = grid, 0
        self._counts = np.zeros(grid.size, dtype=np.int64)

    def add(self, batch: Any) -> None:
        """Take in the next rows."""
        import numpy as np

        values = np.asarray(as_kind(batch, NUMBER).to_numpy(zero_copy_only=False), dtype=float)
        absent = np.isnan(values)
        if absent.any():
            values = values[~absent]
        self._missing += len(absent) - len(values)
        self._counts += self._grid.count(values)

    def merge(self, later: Places) -> None:
        """Take in other rows."""
        self._missing += later._missing
        self._counts += later._counts

    @property
    def cells(self) -> Cells:
        """What was counted."""
        return Cells(self._missing, 0, self._counts.tolist())
