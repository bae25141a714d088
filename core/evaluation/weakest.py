"""The slices the model does worst in by the first measure of its task, found on even days, confirmed on odd ones.

A beam search over conditions looks at thousands of slices, and the worst of thousands is bad by chance. So slices are
proposed on the even days alone; on the odd ones the few proposed are tested anew with Holm's correction, which holds
whatever the search did. Source of the search: Chung et al., Slice Finder, 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.evaluation.conditions import Condition, conditions
from core.evaluation.rows import Scored
from core.measures.headline import Headline
from core.measures.influence import below, influence_of_places, places_of, variance
from core.measures.intervals import Blocks
from core.measures.significance import holm
from core.measures.tasks import BINARY

BEAM = 10
PROPOSED = 20
LEVEL = 0.05
LEAST_OF_A_CLASS = 20
# A slice that passes is proposed only if it looked this bad in the half it was found in.
PROPOSE_AT = 0.05


@dataclass(frozen=True)
class _Slice:
    """A conjunction of one or two conditions, and how unlikely its measure was in the half it was found in."""

    conditions: tuple[Condition, ...]
    mask: Any
    tail: float

    @property
    def text(self) -> str:
        return " and ".join(condition.text for condition in self.conditions)


class _Half:
    """Some of the rows, with what each adds to their measure."""

    def __init__(self, rows: Scored, mask: Any, least: int) -> None:
        self._mask, self._least = mask, least
        self._labels, self._scores = rows.labels[mask], rows.scores[mask]
        # Scores of two classes are ranked once; the AUC of every slice is then counted from their places.
        self._places = places_of(self._scores) if rows.artefact.task == BINARY else None
        self._blocks: Blocks = rows.blocks.part(mask)
        self._headline = Headline(rows.artefact.task)
        self.usable = self._enough(self._labels)
        if self.usable:
            self._value, self._parts = self._measure(slice(None))

    def _enough(self, labels: Any) -> bool:
        return self._headline.measurable(labels, LEAST_OF_A_CLASS) and len(labels) >= self._least

    def _measure(self, inside: Any) -> tuple[float, Any]:
        if self._places is not None:
            return influence_of_places(self._labels[inside], self._places[inside])
        return self._headline.of(self._labels[inside], self._scores[inside])

    def tail(self, mask: Any) -> float | None:
        """The chance of a measure as much worse than all rows', were the slice like them; None for too few rows."""
        inside = mask[self._mask]
        if not self._enough(self._labels[inside]):
            return None
        value, parts = self._measure(inside)
        difference = -self._parts
        difference[inside] += parts
        spread = max(variance(difference), variance(difference, self._blocks))
        return below(-self._headline.worse(self._value, value), spread)


def weakest(rows: Scored, least: int) -> list[dict[str, Any]]:
    """The slices whose measure is worse than all rows', worst first: at the 5 % level for all that are told together.

    A slice has `least` rows, and of two classes 20 of each, in each half; without that many none is found. Its
    figures are those of both halves together, which the half it was found in makes look a little worse than it is.
    """
    even = rows.blocks.of % 2 == 0
    search, confirm = _Half(rows, even, least), _Half(rows, ~even, least)
    if not (search.usable and confirm.usable):
        return []
    proposed = [one for one in _proposed(search, conditions(rows)) if confirm.tail(one.mask) is not None]
    tails = [confirm.tail(one.mask) for one in proposed]
    adjusted = holm([tail for tail in tails if tail is not None])
    found = [_told(rows, one, p) for one, p in zip(proposed, adjusted, strict=True) if p < LEVEL]
    headline = Headline(rows.artefact.task)
    return sorted(found, key=lambda one: headline.sign * one[headline.name])


def _proposed(half: _Half, known: list[Condition]) -> list[_Slice]:
    single = _worst(list(_tested(half, [(one,) for one in known])))
    pairs = [
        (*start.conditions, other)
        for start in single[:BEAM]
        for other in known
        if other.feature != start.conditions[0].feature
    ]
    before = {one.conditions[0].text: one.tail for one in single}
    # A pair is worth telling of where it is worse than what it was made of.
    double = [one for one in _tested(half, pairs) if one.tail < before[one.conditions[0].text]]
    return [one for one in _worst([*single, *double]) if one.tail < PROPOSE_AT][:PROPOSED]


def _tested(half: _Half, candidates: list[tuple[Condition, ...]]) -> Iterator[_Slice]:
    seen: set[frozenset[str]] = set()
    for candidate in candidates:
        key = frozenset(condition.text for condition in candidate)
        if key in seen:
            continue
        seen.add(key)
        mask = candidate[0].mask if len(candidate) == 1 else candidate[0].mask & candidate[1].mask
        tail = half.tail(mask)
        if tail is not None:
            yield _Slice(candidate, mask, tail)


def _worst(found: list[_Slice]) -> list[_Slice]:
    return sorted(found, key=lambda one: (one.tail, one.text))


def _told(rows: Scored, one: _Slice, adjusted: float) -> dict[str, Any]:
    headline = Headline(rows.artefact.task)
    value, parts = headline.of(rows.labels[one.mask], rows.scores[one.mask])
    found = headline.around(value, variance(parts, rows.blocks.part(one.mask)))
    return {"where": one.text, "n": int(one.mask.sum()), **headline.told(found), "p": adjusted}
