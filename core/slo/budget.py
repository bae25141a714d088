"""The arithmetic of an error budget: exact fractions of integer counts, never floats rounded on the way.

Terms and formulas follow the Google SRE Workbook, chapter 5 ("Alerting on SLOs").
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor

from core.clock import span
from core.errors import BadInput

ONE = Fraction(1)


@dataclass(frozen=True)
class Counts:
    """Good events and all events of one window; counts of two windows add, their ratios never do.

    `faulty` is how many rows contradicted themselves (good below zero or above total): their counts are left out and
    reported as a fault of the data, never clamped into range, and never hide what the other rows say.
    """

    good: int = 0
    total: int = 0
    faulty: int = 0

    @classmethod
    def of(cls, good: int, total: int) -> Counts:
        """The counts of one row as measured, left out and marked where they contradict themselves."""
        return cls(good, total) if 0 <= good <= total else cls(faulty=1)

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.good + other.good, self.total + other.total, self.faulty + other.faulty)

    @property
    def bad(self) -> int:
        """Events that were not good."""
        return self.total - self.good


def parse_target(given: str | float | Decimal | Fraction) -> Fraction:
    """A target such as `99.9%`, `0.999` or 0.999 as an exact fraction between 0 and 1, both excluded.

    Raises BadInput for 1 (no budget: nothing could ever fail), for 0, and for what is no number.
    """
    target = given if isinstance(given, Fraction) else _fraction(str(given))
    if target == 1:
        raise BadInput("a target of 100 % leaves no error budget", "choose one below 1, such as 99.99%")
    if not 0 < target < 1:
        raise BadInput(f"the target {given} is not between 0 and 1", "write it as 99.9% or 0.999")
    return target


def _fraction(text: str) -> Fraction:
    number = text.strip()
    percent = number.endswith("%")
    try:
        value = Decimal(number.rstrip("%").strip())
    except InvalidOperation:
        raise BadInput(f"{text!r} is not a target", "write it as 99.9% or 0.999") from None
    # An absurd exponent would make a fraction of millions of digits.
    if not value.is_finite() or len(number) > 20 or abs(value.adjusted()) > 12:
        raise BadInput(f"{text!r} is not a target", "write it as 99.9% or 0.999")
    return Fraction(value) / 100 if percent else Fraction(value)


def decimal_text(value: Fraction) -> str:
    """A fraction that came from a decimal, as that decimal: `0.999`."""
    return format((Decimal(value.numerator) / Decimal(value.denominator)).normalize(), "f")


def sli(counts: Counts) -> Fraction | None:
    """good / total; None without events."""
    return Fraction(counts.good, counts.total) if counts.total else None


def burn(counts: Counts, target: Fraction) -> Fraction | None:
    """How many times too fast the budget is spent: (bad / total) / (1 - target); None without events."""
    if counts.total == 0:
        return None
    return Fraction(counts.bad, counts.total) / (ONE - target)


def reaches(counts: Counts, budget: Fraction, factor: Fraction, part: Fraction = ONE, *, strict: bool = True) -> bool:
    """Whether burn x part is above `factor` (at it, unless `strict`), by integer cross-multiplication.

    False without events. `part` is the share of the window that was observed.
    """
    left = counts.bad * budget.denominator * part.numerator * factor.denominator
    right = factor.numerator * part.denominator * counts.total * budget.numerator
    return counts.total > 0 and (left > right or (not strict and left == right))


def consumed(rate: Fraction | None, over_us: int, window_us: int) -> Fraction:
    """The share of the window's budget that a burn rate spends in a span: burn x L / W; nothing without events."""
    return Fraction(0) if rate is None else rate * over_us / window_us


def exhausted_in(left: Fraction, window_us: int, rate: Fraction | None) -> int | None:
    """Microseconds until the budget is gone at this burn rate: left x W / burn.

    0 where it is gone already, None where nothing is being spent.
    """
    if left <= 0:
        return 0
    if not rate or rate < 0:
        return None
    return floor(left * window_us / rate)


def gone_text(left: Fraction, window_us: int, rate: Fraction | None) -> str:
    """The time to exhaustion in words: few people read a burn rate of 14.4."""
    if left <= 0:
        return "budget gone"
    after = exhausted_in(left, window_us, rate)
    if after is None:
        return "no budget being spent" if rate == 0 else "budget unchanged"
    if rate is not None and rate <= 1 and after >= window_us:
        return "budget lasts the window"
    return f"budget gone in {span(after)}"


def short(value: Fraction | None) -> str:
    """A ratio for people, three digits at most: `14.4`, `0.25`; `-` where there is none."""
    return "-" if value is None else f"{float(value):.3g}"


def percent(value: Fraction | None) -> str:
    """A share for people: `99.9 %`, `-150 %`; `-` where there is none."""
    return "-" if value is None else f"{float(value) * 100:.5g} %"
