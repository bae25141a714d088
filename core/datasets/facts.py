"""The parts of a column's profile, each fed with the values that are there, batch by batch.

Those of two runs of rows, one after the other, merge into exactly the part of all the rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

from core.datasets.distinct import Estimate
from core.measures.exact import Moments

DISTINCT_KEPT = 10_000
LEVELS_KEPT = 1000
SAMPLE = 65_536


class Part(Protocol):
    """Something told of a column."""

    def add(self, present: Any) -> None:
        """Take in the values of one batch: a pyarrow array that is not empty and has none missing."""

    def merge(self, later: Self) -> None:
        """Take in what another was told of the rows right after these."""

    def facts(self) -> dict[str, Any]:
        """What it came to."""


class Values:
    """The different values with their counts, until there are more than are kept; from then on an estimate."""

    def __init__(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._estimate: Estimate | None = None
        self._type: Any = None

    def add(self, present: Any) -> None:
        """Take in the values of one batch."""
        self._type = present.type
        if self._estimate is None:
            self._count(present)
        else:
            self._estimate.add(present)

    def merge(self, later: Values) -> None:
        """Take in the values of other rows, which the other may no longer tell."""
        kind = later._type if self._type is None else self._type
        if kind is None:
            return
        self._type = kind
        if self._estimate is None and later._estimate is None:
            self._counts.update(later._counts)
            if len(self._counts) > DISTINCT_KEPT:
                self._sketch(kind)
        else:
            self._sketch(kind).merge(later._sketch(kind))

    def fewer_than(self, rows: int) -> bool:
        """Whether it is certain that there are fewer values than rows."""
        return self._estimate is None and len(self._counts) < rows

    def facts(self) -> dict[str, Any]:
        """Their number."""
        if self._estimate is None:
            return {"distinct": len(self._counts)}
        return {"distinct": None, "about": self._estimate.count}

    def levels(self) -> dict[str, int] | None:
        """Each value's count, the commonest first; None where there are more than 1000."""
        if self._estimate is not None or len(self._counts) > LEVELS_KEPT:
            return None
        return dict(sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def _count(self, present: Any) -> None:
        for part in _slices(present):
            values, counts = _counted(part)
            if len(values) <= DISTINCT_KEPT:
                self._counts.update(dict(zip(values.to_pylist(), counts, strict=True)))
            if max(len(values), len(self._counts)) > DISTINCT_KEPT:
                self._give_up(present)
                return

    def _give_up(self, present: Any) -> None:
        self._sketch(present.type).add(present)

    def _sketch(self, kind: Any) -> Estimate:
        """From now on an estimate, of the values that were counted so far."""
        import pyarrow as pa

        if self._estimate is None:
            self._estimate, self._type = Estimate(), kind
            plain = kind.value_type if pa.types.is_dictionary(kind) else kind
            known = pa.array(list(self._counts), plain)
            self._estimate.add(known.dictionary_encode() if plain != kind else known)
            self._counts.clear()
        return self._estimate


class Numbers:
    """Ends, moments, and quantiles of an even sample; infinities are counted and otherwise left out.

    `count` is how many values the whole column has, `before` how many of them stand before the first that is added.
    """

    def __init__(self, count: int, before: int = 0) -> None:
        self._step = -(-count // SAMPLE) or 1
        self._row = before
        self._sample: list[Any] = []
        self._moments, self._infinite = Moments(), 0
        self._low, self._high = math.inf, -math.inf

    def add(self, present: Any) -> None:
        """Take in the values of one batch."""
        import numpy as np

        values = present.to_numpy(zero_copy_only=False)
        # A copy: a view would keep every batch.
        self._sample.append(values[-self._row % self._step :: self._step].astype("float64"))
        self._row += len(values)
        if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
            self._infinite += int((~finite).sum())
            values = values[finite]
        if len(values):
            self._low = min(values.min().item(), self._low)
            self._high = max(values.max().item(), self._high)
            self._moments.add(values)

    def merge(self, later: Numbers) -> None:
        """Take in the values of the rows right after these."""
        self._sample += later._sample
        self._row = later._row
        self._infinite += later._infinite
        self._low, self._high = min(self._low, later._low), max(self._high, later._high)
        self._moments.merge(later._moments)

    def facts(self) -> dict[str, Any]:
        """Everything that is told of numbers."""
        some = self._moments.count > 0
        return {
            "min": self._low if some else None,
            "max": self._high if some else None,
            "mean": self._moments.mean if some else None,
            "std": self._moments.std if some else None,
            "infinite": self._infinite,
            **self._quantiles(),
        }

    def _quantiles(self) -> dict[str, float | None]:
        import numpy as np

        values = np.concatenate([*self._sample, np.empty(0)])
        values = values[np.isfinite(values)]
        if not len(values):
            return {"p05": None, "p50": None, "p95": None}
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
        return {"p05": low, "p50": middle, "p95": high}


class Ends:
    """The first and the last time."""

    def __init__(self, count: int, before: int = 0) -> None:
        self._ends: list[int] = []

    def add(self, present: Any) -> None:
        """Take in one batch."""
        import pyarrow.compute as pc

        found = pc.min_max(present).as_py()
        self._widen([found["min"], found["max"]])

    def merge(self, later: Ends) -> None:
        """Take in the times of other rows."""
        self._widen(later._ends)

    def facts(self) -> dict[str, Any]:
        """Microseconds; None where there is no time."""
        low, high = self._ends or (None, None)
        return {"min": low, "max": high}

    def _widen(self, others: list[int]) -> None:
        known = [*self._ends, *others]
        self._ends = [min(known), max(known)] if known else []


class Yes:
    """How many are true."""

    def __init__(self, count: int, before: int = 0) -> None:
        self._true = 0

    def add(self, present: Any) -> None:
        """Take in one batch."""
        self._true += present.true_count

    def merge(self, later: Yes) -> None:
        """Take in the values of other rows."""
        self._true += later._true

    def facts(self) -> dict[str, Any]:
        """Their number."""
        return {"true": self._true}


# What is told of each type beside its values; each is made with the number of values that are there,
# and of those before the first that it will be fed.
PARTS: dict[str, tuple[Callable[[int, int], Part], ...]] = {
    "integer": (Numbers,),
    "number": (Numbers,),
    "time": (Ends,),
    "boolean": (Yes,),
}


def _slices(present: Any) -> Iterator[Any]:
    """A short slice first: on nearly distinct values the whole would cost most of the profile's time."""
    import pyarrow as pa

    start = len(present) if pa.types.is_dictionary(present.type) else 4 * DISTINCT_KEPT
    return (part for part in (present.slice(0, start), present.slice(start)) if len(part))


def _counted(part: Any) -> tuple[Any, list[int]]:
    """Different values, and the count of each."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(part.type):
        found = pc.value_counts(part)
        return found.field(0), found.field(1).to_pylist()
    counts = np.bincount(part.indices.to_numpy(zero_copy_only=False), minlength=len(part.dictionary))
    held = np.flatnonzero(counts)
    return part.dictionary.take(pa.array(held)), counts[held].tolist()
