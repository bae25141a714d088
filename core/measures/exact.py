"""Mean and standard deviation from sums without any rounding: the same for every order and every cut of the values."""

from __future__ import annotations

import math
from typing import Any

# A value is a sum of digits of so many bits; the products of two digits of ROWS values add up exactly in a double.
DIGIT = 19
ROWS = 1 << 14
# Sums are held in units of 2 ** -UNIT, sums of squares in its square: no double has a bit below it.
UNIT = 1100
# Powers of two between which values are cut as they are; others are scaled by the third first.
MIDDLE = (-440, 480, 0)
RANGES = ((-1100, -440, 600), MIDDLE, (480, 1100, -600))
LOWEST = -530


class Moments:
    """`count`, mean and standard deviation of finite numbers; whole ones beyond 2 ** 53 count as the nearest double.

    Every value is cut into 19-bit digits, whose sums and products are exact (after Demmel and Hida 2004); what they
    add up to is held in Python's integers.
    """

    def __init__(self) -> None:
        self.count, self._sum, self._squares = 0, 0, 0

    def add(self, values: Any) -> None:
        """Take in a NumPy array of finite numbers."""
        doubles = values.astype("float64", copy=False)
        self.count += len(doubles)
        for start in range(0, len(doubles), ROWS):
            self._add(doubles[start : start + ROWS])

    def merge(self, other: Moments) -> None:
        """Take in what another was told."""
        self.count += other.count
        self._sum += other._sum
        self._squares += other._squares

    @property
    def mean(self) -> float:
        """The double nearest to the mean; there must be a value."""
        return self._sum / (self.count << UNIT)

    @property
    def std(self) -> float:
        """The standard deviation of the values as a population, right to the last place or the one before."""
        spread = self.count * self._squares - self._sum**2
        # With so many more bits the root has more of them than a double.
        more = max(0, 64 - spread.bit_length() // 2)
        return math.isqrt(spread << 2 * more) / (self.count << UNIT + more)

    def _add(self, values: Any) -> None:
        import numpy as np

        if self._cut(values, 0):
            return
        powers = np.frexp(values)[1]
        for low, high, scale in RANGES:
            self._cut(values[(powers >= low) & (powers < high)] * 2.0**scale, scale)

    def _cut(self, values: Any, scale: int) -> bool:
        """Add values that were multiplied by 2 ** scale; False, and nothing added, where their range is too wide."""
        found = _digits(values)
        if found is None:
            return False
        digits, places = found
        unit = UNIT - scale
        for place, total in zip(places, digits.sum(axis=1).tolist(), strict=True):
            self._sum += _whole(total, place) << unit + place
        for row, products in enumerate((digits @ digits.T).tolist()):
            for column, product in enumerate(products[: row + 1]):
                place = places[row] + places[column]
                # A product of two digits stands in both halves of the table.
                self._squares += _whole(product, place) << 2 * unit + place + (row != column)
        return True


def _whole(total: float, place: int) -> int:
    """A multiple of 2 ** place in units of it."""
    return int(math.ldexp(total, -place))


def _digits(values: Any) -> tuple[Any, list[int]] | None:
    """Values as sums of digits: a row for each, and the power of two that its values are multiples of.

    None for values above or with bits below what can be cut without overflow.
    """
    import numpy as np

    greatest = max(float(values.max()), -float(values.min())) if len(values) else 0.0
    place = math.frexp(greatest)[1]
    if place > MIDDLE[1]:
        return None
    places: list[int] = []
    digits, left = np.empty((4, len(values))), values.copy()
    while greatest and left.any():
        place -= DIGIT
        if place < LOWEST:
            return None
        if len(places) == len(digits):
            digits = np.concatenate([digits, np.empty_like(digits)])
        digit, rounder = digits[len(places)], 1.5 * 2.0 ** (52 + place)
        # Added to this, a value loses what lies below 2 ** place.
        np.add(left, rounder, out=digit)
        np.subtract(digit, rounder, out=digit)
        np.subtract(left, digit, out=left)
        places.append(place)
    return digits[: len(places)], places
