"""Values with their 95 % intervals: Wilson's for a share, the bootstrap over blocks for anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.clock import DAY

Z95 = 1.959963984540054
RESAMPLES = 1000
SEED = 1
# Fewer days than this give no distribution to draw days from: rows are then drawn, in groups where they are many.
LEAST_DAYS = 10
GROUPS = 200


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
        """The days of times in microseconds; see `of_days`."""
        return cls.of_days(times // DAY, len(times))

    @classmethod
    def of_days(cls, days: Any | None, rows: int) -> Blocks:
        """The days (numbers, None where no time is known), since rows of one day share its weather; below ten days
        single rows, of many at most 200 groups by chance, which takes rows as independent just as well.
        """
        import numpy as np

        if days is not None:
            found, of = np.unique(days, return_inverse=True)
            if len(found) >= LEAST_DAYS:
                return cls(of, len(found), "day")
        count = min(GROUPS, rows)
        return cls(np.random.default_rng(SEED).permutation(rows) % max(1, count), count, "row")

    def part(self, mask: Any) -> Blocks:
        """The blocks of some of the rows."""
        import numpy as np

        _, of = np.unique(self.of[mask], return_inverse=True)
        return Blocks(of, int(of.max()) + 1 if len(of) else 0, self.kind)

    def sums(self, *values: Any) -> Any:
        """The sums of some vectors (one value a row) in each block: blocks by vectors."""
        import numpy as np

        return np.column_stack([np.bincount(self.of, each, self.count) for each in values])


def bootstrap(
    statistics: Callable[[Any], Mapping[str, Any]], blocks: Blocks, *, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Interval]:
    """The statistics of all rows with percentile intervals over blocks drawn with replacement.

    `statistics` takes how often each block was drawn (draws by blocks) and gives a vector of a value a draw by name;
    times the sums of each block (`Blocks.sums`) they are the sums of the draws. Not-a-number stands for a value that is
    not defined. The same seed draws the same blocks, so that two models on the same rows are compared draw by draw. An
    interval always holds its value.
    Source: Efron and Tibshirani, 1993, 13.3; blocks: Davison and Hinkley, 1997, section 3.8.
    """
    import numpy as np

    count = blocks.count
    points = statistics(np.ones((1, count)))
    if not count:
        return {name: _interval(float(point[0]), np.empty(0)) for name, point in points.items()}
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    drawn = statistics(times.astype(float))
    return {name: _interval(float(point[0]), drawn[name]) for name, point in points.items()}


def _interval(point: float, drawn: Any) -> Interval:
    import numpy as np

    known = drawn[np.isfinite(drawn)]
    if point != point:
        return NOTHING
    if not len(known):
        return Interval(point, None, None)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(point, min(point, float(low)), max(point, float(high)))
