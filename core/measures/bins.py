"""Reference bins: where a value falls, one by one in serving and by whole columns in training, with equal answers.

A vector of counts is laid out as [missing, unseen, below, above, bin 0, bin 1, ...]. Missing is None or not-a-number;
unseen is a level that the reference does not know, or text where a number belongs; below and above lie outside the
reference's range. Number bins are half-open [edge, next edge), so a value repeated often has a bin of its own from
itself to the next float.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from core.errors import BadInput
from core.measures.reading import by_rule, encoded, floats, quick_floats
from core.measures.values import CATEGORY, NUMBER, as_number, is_missing

MISSING, UNSEEN, BELOW, ABOVE, FIRST = 0, 1, 2, 3, 4
QUANTILE_BINS = 64
TOP_LEVELS = 254
# A finite edge must follow the greatest value, and JSON has no infinity: beyond this a number counts as infinite.
FINITE = 1e300


class Bins(ABC):
    """The bins of one feature; `size` is the length of its count vector."""

    kind: str
    size: int

    @abstractmethod
    def index(self, value: Any) -> int:
        """The place of one raw value in the count vector; any value at all has one."""

    @abstractmethod
    def indices(self, column: Any) -> Any:
        """The places of a whole column (pyarrow, NumPy or a sequence) as a NumPy vector of integers."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The part of an artefact's reference entry that `from_json` reads back."""

    def count(self, column: Any) -> list[int]:
        """The count vector of a whole column; all zeros for an empty one."""
        import numpy as np

        counts: list[int] = np.bincount(self.indices(column), minlength=self.size).tolist()
        return counts


class NumberBins(Bins):
    """Bins between increasing edges. Raises BadInput for fewer than two edges, or edges out of order."""

    kind = NUMBER

    def __init__(self, edges: Iterable[float]) -> None:
        self.edges = [float(edge) for edge in edges]
        if len(self.edges) < 2 or not all(left < right for left, right in pairwise(self.edges)):
            raise BadInput("the edges of a number's bins must increase", "train the model again")
        self.size = FIRST + len(self.edges) - 1
        self._slots: list[int] = [BELOW, *range(FIRST, self.size), ABOVE]

    def index(self, value: Any) -> int:
        number = as_number(value)
        if number != number:
            return MISSING if value is None or isinstance(value, float) or is_missing(value) else UNSEEN
        return self._slots[bisect_right(self.edges, number)]

    def indices(self, column: Any) -> Any:
        import numpy as np

        numbers = quick_floats(column)
        if numbers is None:
            return by_rule(column, self.index, np.int64)
        places = np.asarray(self._slots)[np.searchsorted(self.edges, numbers, side="right")]
        places[np.isnan(numbers)] = MISSING
        return places

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "edges": self.edges}


class LevelBins(Bins):
    """One bin for each known level, in order; without any, texts are only there or missing. A level given twice raises
    BadInput."""

    kind = CATEGORY

    def __init__(self, levels: Iterable[str]) -> None:
        self.levels = list(levels)
        self._places = {level: FIRST + place for place, level in enumerate(self.levels)}
        if len(self._places) < len(self.levels):
            raise BadInput("a category needs levels that differ", "train the model again")
        self.size = FIRST + len(self.levels)

    def index(self, value: Any) -> int:
        if value.__class__ is str:
            return self._places.get(value, UNSEEN)
        return MISSING if is_missing(value) else UNSEEN

    def indices(self, column: Any) -> Any:
        import numpy as np

        return by_rule(column, self.index, np.int64)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "levels": self.levels}


def from_json(entry: Mapping[str, Any]) -> Bins:
    """The bins of a reference entry: `{kind: number, edges}` or `{kind: category, levels}`."""
    return NumberBins(entry["edges"]) if entry["kind"] == NUMBER else LevelBins(entry["levels"])


def level_bins(levels: Iterable[str]) -> LevelBins:
    """One bin for each level, in the order given."""
    return LevelBins(levels)


def number_bins(values: Any, bins: int = QUANTILE_BINS) -> NumberBins:
    """At most `bins` quantile bins of the reference's values.

    A column of few distinct values has one bin for each; a value that fills a whole quantile has one of its own.
    Missing and infinite values are left aside. Raises BadInput where nothing remains.
    """
    import numpy as np

    numbers = floats(values)
    ordered = np.sort(numbers[np.abs(numbers) < FINITE])
    if not len(ordered):
        raise BadInput("there are no numbers to make bins of", "leave the column out")
    starts = _distinct(ordered, bins)
    edges = starts if starts is not None else _quantile_edges(ordered, bins)
    return NumberBins([*edges, float(np.nextafter(ordered[-1], np.inf))])


def _distinct(ordered: Any, most: int) -> list[float] | None:
    """The distinct values, or None where there are more than `most`."""
    import numpy as np

    fresh = ordered[np.r_[True, ordered[1:] != ordered[:-1]]]
    return [float(value) for value in fresh] if len(fresh) <= most else None


def _quantile_edges(ordered: Any, bins: int) -> list[float]:
    """The starts of the bins: every quantile, and the float after each value that fills more than one of them."""
    import numpy as np

    quantiles = ordered[np.arange(bins) * len(ordered) // bins]
    values, repeats = np.unique(quantiles, return_counts=True)
    starts = np.unique(np.r_[values, np.nextafter(values[repeats > 1], np.inf)])
    filled = np.diff(np.searchsorted(ordered, np.r_[starts, np.inf]))
    return [float(start) for start, rows in zip(starts, filled, strict=True) if rows]


def top_levels(column: Any, most: int = TOP_LEVELS) -> tuple[str, ...]:
    """The commonest levels of a pyarrow text column, commonest first, ties by name; none where all are missing."""
    from collections import Counter

    rows: Counter[str] = Counter()
    for chunk in encoded(column).chunks:
        rows.update({level: n for level, n in _level_counts(chunk) if isinstance(level, str)})
    return tuple(level for level, _ in sorted(rows.items(), key=lambda pair: (-pair[1], pair[0]))[:most])


def _level_counts(chunk: Any) -> list[tuple[Any, int]]:
    """How often each level of a dictionary-encoded chunk occurs; levels that do not are left out."""
    import numpy as np

    levels = chunk.dictionary.to_pylist()
    counts = np.bincount(chunk.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(levels))
    return [(level, int(rows)) for level, rows in zip(levels, counts, strict=True) if rows]
