"""Values with their 95 % intervals: Wilson's for a share, the bootstrap over blocks for anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.clock import DAY

Z95 = 1.959963984540054
RESAMPLES = 400
SEED = 1
# Fewer days than this give no distribution to draw days from: rows are then drawn one by one.
LEAST_DAYS = 10


@dataclass(frozen=True)
class Interval:
    """A value and the 95 % interval about it; all None where the value is not defined on these rows."""

    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


NOTHING = Interval(None, None, None)


def wilson(hits: float, rows: float) -> Interval:
    """A share with its score interval; nothing for no rows. Source: Wilson, 1927."""
    if rows <= 0:
        return NOTHING
    share = hits / rows
    middle = (share + Z95**2 / (2 * rows)) / (1 + Z95**2 / rows)
    half = Z95 / (1 + Z95**2 / rows) * math.sqrt(share * (1 - share) / rows + Z95**2 / (4 * rows**2))
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


@dataclass(frozen=True)
class Blocks:
    """What is drawn together: `of` numbers each row's block from 0; `kind` says whether blocks are days or rows."""

    of: Any
    count: int
    kind: str

    @classmethod
    def by_day(cls, times: Any) -> Blocks:
        """The days of times in microseconds, since rows of one day share its weather; single rows below ten days."""
        import numpy as np

        _, days = np.unique(times // DAY, return_inverse=True)
        count = int(days.max()) + 1 if len(days) else 0
        if count >= LEAST_DAYS:
            return cls(days, count, "day")
        return cls(np.arange(len(times)), len(times), "row")

    def part(self, mask: Any) -> Blocks:
        """The blocks of some of the rows."""
        import numpy as np

        _, of = np.unique(self.of[mask], return_inverse=True)
        return Blocks(of, int(of.max()) + 1 if len(of) else 0, self.kind)


def bootstrap(
    statistics: Callable[[Any], Mapping[str, float]], blocks: Blocks, *, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Interval]:
    """The statistics of all rows with percentile intervals over blocks drawn with replacement.

    `statistics` takes one weight a row, how often it was drawn; not-a-number stands for a value that is not defined.
    The same seed draws the same blocks, so that two models on the same rows are compared draw by draw. An interval
    always holds its value. Source: Efron and Tibshirani, 1993; blocks: Davison and Hinkley, 1997, section 3.8.
    """
    import numpy as np

    points = statistics(np.ones(len(blocks.of)))
    draw = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in points}
    for _ in range(resamples if blocks.count else 0):
        times = np.bincount(draw.integers(0, blocks.count, blocks.count), minlength=blocks.count).astype(float)
        for name, value in statistics(times[blocks.of]).items():
            drawn[name].append(value)
    return {name: _interval(point, drawn[name]) for name, point in points.items()}


def _interval(point: float, drawn: list[float]) -> Interval:
    import numpy as np

    known = np.array([value for value in drawn if value == value])
    if point != point:
        return NOTHING
    if not len(known):
        return Interval(float(point), None, None)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(float(point), min(float(point), float(low)), max(float(point), float(high)))
