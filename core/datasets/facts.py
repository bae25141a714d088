"""The parts of a column's profile, each fed with the values that are there, batch by batch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from core.datasets.distinct import Estimate

DISTINCT_KEPT = 10_000
LEVELS_KEPT = 1000
SAMPLE = 65_536


class Part(Protocol):
    """Something told of a column."""

    def add(self, present: Any) -> None:
        """Take in the values of one batch: a pyarrow array that is not empty and has none missing."""

    def facts(self) -> dict[str, Any]:
        """What it came to."""


class Values:
    """The different values with their counts, until there are more than are kept; from then on an estimate."""

    def __init__(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._estimate: Estimate | None = None

    def add(self, present: Any) -> None:
        """Take in the values of one batch."""
        if self._estimate is None:
            self._count(present)
        else:
            self._estimate.add(present)

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
        import pyarrow as pa

        self._estimate = Estimate()
        plain = present.type.value_type if pa.types.is_dictionary(present.type) else present.type
        known = pa.array(list(self._counts), plain)
        self._estimate.add(known.dictionary_encode() if plain != present.type else known)
        self._estimate.add(present)
        self._counts.clear()


class Numbers:
    """Ends, moments, and quantiles of an even sample; infinities are counted and otherwise left out."""

    def __init__(self, count: int) -> None:
        self._step = -(-count // SAMPLE) or 1
        self._row = 0
        self._sample: list[Any] = []
        self._count, self._mean, self._squares, self._infinite = 0, 0.0, 0.0, 0
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
            self._merge(values)

    def _merge(self, values: Any) -> None:
        """Moments of two parts from those of each (Chan, Golub and LeVeque 1979): no large sums are subtracted."""
        added, mean = len(values), float(values.mean(dtype="float64"))
        squares = float(((values - mean) ** 2).sum(dtype="float64"))
        total, apart = self._count + added, mean - self._mean
        self._mean += apart * added / total
        self._squares += squares + apart * apart * self._count * added / total
        self._count = total

    def facts(self) -> dict[str, Any]:
        """Everything that is told of numbers."""
        some = self._count > 0
        return {
            "min": self._low if some else None,
            "max": self._high if some else None,
            "mean": self._mean if some else None,
            "std": math.sqrt(self._squares / self._count) if some else None,
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

    def __init__(self, count: int) -> None:
        self._ends: list[int] = []

    def add(self, present: Any) -> None:
        """Take in one batch."""
        import pyarrow.compute as pc

        found = pc.min_max(present).as_py()
        known = [*self._ends, found["min"], found["max"]]
        self._ends = [min(known), max(known)]

    def facts(self) -> dict[str, Any]:
        """Microseconds; None where there is no time."""
        low, high = self._ends or (None, None)
        return {"min": low, "max": high}


class Yes:
    """How many are true."""

    def __init__(self, count: int) -> None:
        self._true = 0

    def add(self, present: Any) -> None:
        """Take in one batch."""
        self._true += present.true_count

    def facts(self) -> dict[str, Any]:
        """Their number."""
        return {"true": self._true}


# What is told of each type beside its values; each is made with the number of values that are there.
PARTS: dict[str, tuple[Callable[[int], Part], ...]] = {
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
