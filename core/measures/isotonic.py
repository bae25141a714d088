"""Pool adjacent violators: the non-decreasing shares nearest to what was seen. Source: Ayer et al., 1955."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Pool(NamedTuple):
    """Neighbouring places that share one rate: the first and last place, and the hits among their rows."""

    first: int
    last: int
    hits: float
    rows: float

    @property
    def rate(self) -> float:
        """The share of hits."""
        return self.hits / self.rows


def pools(hits: Iterable[float], rows: Iterable[float]) -> list[Pool]:
    """The pools of places in order, of increasing rate; places without rows belong to none. No rows: no pools."""
    found: list[Pool] = []
    for place, (hit, row) in enumerate(zip(hits, rows, strict=True)):
        if not row:
            continue
        pool = Pool(place, place, hit, row)
        while found and found[-1].hits * pool.rows >= pool.hits * found[-1].rows:
            before = found.pop()
            pool = Pool(before.first, place, before.hits + pool.hits, before.rows + pool.rows)
        found.append(pool)
    return found
