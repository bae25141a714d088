"""One version made ready to serve: inputs checked by name, placed in the reference's bins, and scored."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from core.features.view import compile_view
from core.measures.bins import ABOVE, BELOW, FIRST, MISSING, Bins, NumberBins
from core.measures.scores import bin_of
from core.serving.booster import Booster
from core.training.artefact import Artefact

_LARGEST = sys.float_info.max
Index = Callable[[Any], int]
# `score` is the probability of the positive class, the number predicted, or the greatest of several classes'
# probabilities, which then are all in `scores`, the likeliest being `class`.
Answer = dict[str, Any]
_NUMBER: frozenset[Any] = frozenset({int, float})
_TEXT: frozenset[Any] = frozenset({str})
_SAID = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


# A feature that training saw missing less often than this is expected in every request.
RARELY_MISSING = 0.01


class Refused(Exception):
    """A request the endpoint does not fulfil: the HTTP status, what is wrong, and the field it is wrong with."""

    def __init__(self, status: int, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


class ServedModel:
    """A model version in memory. Scoring is not thread-safe: one event loop does it.

    Raises BadInput where the artefact's booster does not load.
    """

    def __init__(self, artefact: Artefact) -> None:
        self.name, self.version, self.sha256 = artefact.model, artefact.version, artefact.sha256
        self.features = artefact.features
        self.lookups = artefact.lookups
        self.names = [feature.name for feature in artefact.features]
        bins = [artefact.reference.features[name].bins for name in self.names]
        self.sizes = [each.size for each in bins]
        self._known = frozenset(self.names)
        self._columns = [_column(name, each) for name, each in zip(self.names, bins, strict=True)]
        self._expected = _expected(artefact)
        self._row = compile_view(artefact)
        self.classes = artefact.classes
        self.bin = bin_of(artefact.reference.score_edges)
        self._booster = Booster(artefact.booster, len(artefact.view), max(1, len(self.classes)))
        self._calibration = artefact.calibration

    def places(self, inputs: Mapping[str, Any]) -> list[int]:
        """Where each input falls in its feature's bins, in the order of the features.

        A feature that is left out, null or not-a-number is missing, a level nobody knows is unseen: both are placed.
        Raises Refused naming the field for a value of another type, one that is not finite, or a feature the model
        does not have.
        """
        if not inputs.keys() <= self._known:
            extra = min(inputs.keys() - self._known)
            raise Refused(400, f"{self.name} v{self.version} has no feature {extra!r}", f"inputs.{extra}")
        get = inputs.get
        found: list[int] = []
        for name, edges, slots, index in self._columns:
            value: Any = get(name)
            kind = value.__class__
            # A number inside the reference's range, which is nearly every value, costs one look-up.
            if edges and (kind is float or kind is int):
                place = slots[bisect_right(edges, value)]
                if place >= FIRST:
                    found.append(place)
                    continue
            found.append(_placed(name, value, bool(edges), index))
        return found

    def answer(self, inputs: Mapping[str, Any]) -> tuple[Answer, bool]:
        """The answer for one row, and whether a feature was missing that training hardly ever missed.

        The inputs are such as `places` let through.
        """
        row, missing = self._row(inputs)
        incomplete = not self._expected.isdisjoint(missing)
        if not self.classes:
            said = self._booster.score(row)
            return {"score": said if self._calibration is None else self._calibration.one(said)}, incomplete
        scores = self._booster.scores(row)
        top = max(scores)
        by_class = dict(zip(self.classes, scores, strict=True))
        return {"class": self.classes[scores.index(top)], "scores": by_class, "score": top}, incomplete


def _expected(artefact: Artefact) -> frozenset[str]:
    """The features that the training reference hardly ever saw missing."""
    entries = artefact.reference.features.items()
    return frozenset(name for name, entry in entries if entry.counts[MISSING] < RARELY_MISSING * sum(entry.counts))


def _column(name: str, bins: Bins) -> tuple[str, list[float], list[int], Index]:
    if isinstance(bins, NumberBins):
        inside = range(FIRST, bins.size)
        return name, bins.edges, [BELOW, *inside, ABOVE], bins.index
    return name, [], [], bins.index


def _placed(name: str, value: Any, number: bool, index: Index) -> int:
    """The place of a value after its type was checked. Raises Refused."""
    if value is None:
        return MISSING
    if value.__class__ not in (_NUMBER if number else _TEXT):
        wanted = "a number" if number else "text"
        raise Refused(400, f"{name} must be {wanted} or null, not {_SAID.get(type(value), 'that')}", f"inputs.{name}")
    if number and value == value and not -_LARGEST <= value <= _LARGEST:
        raise Refused(400, f"{name} must be a finite number", f"inputs.{name}")
    return index(value)
