"""A feature's count vector as the cells that distances are taken over; missing values stand apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.measures.bins import ABOVE, BELOW, FIRST, MISSING, UNSEEN
from core.measures.values import NUMBER

# The share of the reference that a cell of the displayed PSI holds at least: deciles, and the levels above 2 %.
DISPLAY_SHARE = {"number": 0.1, "category": 0.02}


@dataclass(frozen=True)
class Cells:
    """One side of a comparison: `values` in the order of the feature (numbers with the tails below and above).

    `strangers` counts what has no place in that order: levels the reference does not know, text for a number.
    """

    missing: int
    strangers: int
    values: list[int]

    @property
    def rows(self) -> int:
        """Rows that are not missing."""
        return self.strangers + sum(self.values)

    @property
    def missing_rate(self) -> float | None:
        """The share of rows that are missing; None where there are no rows."""
        total = self.missing + self.rows
        return self.missing / total if total else None

    @property
    def all(self) -> list[int]:
        """Every cell but the missing: what tests and distances without an order take."""
        return [*self.values, self.strangers]


def cells(kind: str, vec: Sequence[int], size: int) -> Cells:
    """The cells of a vector laid out by `core.measures.bins`; an empty vector stands for no rows."""
    full = [*vec, *[0] * (size - len(vec))]
    if kind == NUMBER:
        return Cells(full[MISSING], full[UNSEEN], [full[BELOW], *full[FIRST:], full[ABOVE]])
    return Cells(full[MISSING], full[UNSEEN], full[FIRST:])


def points(edges: Sequence[float]) -> list[float]:
    """The values that a number's cells stand for: the start of each bin, the outermost edges for the tails.

    Exact where a bin holds one value; else a value is read at most one bin too low, on both sides alike.
    """
    return [edges[0], *edges]


def displayed(kind: str, reference: Cells, current: Cells) -> tuple[list[int], list[int]]:
    """Both sides merged for the displayed PSI: neighbours joined until the reference holds a tenth (levels: 2 %).

    What lies outside the reference keeps cells of its own, so that it is never hidden in a neighbour.
    """
    outer = 1 if kind == NUMBER else 0
    inner = slice(outer, len(reference.values) - outer)
    left, right = merged(reference.values[inner], current.values[inner], DISPLAY_SHARE[kind])
    tails = [0, -1][: 2 * outer]
    return (
        [*left, *(reference.values[tail] for tail in tails), reference.strangers],
        [*right, *(current.values[tail] for tail in tails), current.strangers],
    )


def merged(reference: Sequence[int], current: Sequence[int], share: float) -> tuple[list[int], list[int]]:
    """Neighbouring cells joined until each holds `share` of the reference; what remains joins the last."""
    need = share * sum(reference)
    left, right = [0], [0]
    for a, b in zip(reference, current, strict=True):
        if left[-1] and left[-1] >= need:
            left.append(0)
            right.append(0)
        left[-1] += a
        right[-1] += b
    if len(left) > 1 and left[-1] < need:
        a, b = left.pop(), right.pop()
        left[-1] += a
        right[-1] += b
    return left, right
