"""Did the live inputs change at an instant? Raw samples before and after, against how much days differ anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.features.columns import Feature
from core.measures import distance, significance
from core.measures.values import NUMBER
from core.monitor.samples import Sample, by_day, levels, numbers

# Fewer samples on a side than this say nothing.
LEAST = 20
# The chance at which a change of any input is called one, over all inputs compared.
LEVEL = 0.01
# A change must exceed what any single day before differed from the other days, by this factor.
MARGIN = 1.5
# A day with fewer samples is no measure of how days differ.
LEAST_IN_DAY = 10


@dataclass(frozen=True)
class Change:
    """How far one input's samples moved: KS for a number, total variation for a category, in 0..1.

    `usual` is the largest such distance between one day before and the other days before; `p` is the chance of the
    distance without change, were the rows independent.
    """

    feature: str
    distance: float
    usual: float
    p: float

    @property
    def excess(self) -> float:
        """The distance as a multiple of the usual one, counted from a twentieth on."""
        return self.distance / max(self.usual, 0.05)


def changes(features: Sequence[Feature], before: Sequence[Sample], after: Sequence[Sample]) -> list[Change]:
    """The change of every input, the most unusual first; none where either side has under 20 samples."""
    if min(len(before), len(after)) < LEAST:
        return []
    found = [_change(feature, before, after) for feature in features]
    return sorted(found, key=lambda change: (-change.excess, change.feature))


def same(found: Sequence[Change]) -> bool:
    """Whether no input changed more than chance and the usual difference between days allow."""
    adjusted = significance.holm([change.p for change in found])
    return not any(
        p <= LEVEL and change.distance > MARGIN * change.usual for change, p in zip(found, adjusted, strict=True)
    )


def _change(feature: Feature, before: Sequence[Sample], after: Sequence[Sample]) -> Change:
    days = [day for day in by_day(before).values() if len(day) >= LEAST_IN_DAY]
    usual = max((_between(feature, _others(before, day), day)[0] for day in days if len(days) > 1), default=0.0)
    moved, p = _between(feature, before, after)
    return Change(feature.name, moved, usual, p)


def _others(samples: Sequence[Sample], day: Sequence[Sample]) -> list[Sample]:
    return [one for one in samples if one.day != day[0].day]


def _between(feature: Feature, left: Sequence[Sample], right: Sequence[Sample]) -> tuple[float, float]:
    """The distance of an input between two sets of samples, and its p-value."""
    if feature.kind == NUMBER:
        gap = distance.kolmogorov_smirnov_raw(numbers(left, feature.name), numbers(right, feature.name))
        return gap, significance.ks_tail(gap, len(left), len(right))
    a, b = _counted(levels(left, feature.name), levels(right, feature.name))
    return distance.total_variation(a, b), significance.psi_tail(a, b)


def _counted(left: Sequence[str], right: Sequence[str]) -> tuple[list[int], list[int]]:
    known = sorted({*left, *right})
    return [left.count(level) for level in known], [right.count(level) for level in known]
