"""One version made ready to serve: inputs checked by name, placed in the reference's bins, and scored."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from core.features.bins import ABOVE, UNSEEN
from core.features.columns import CATEGORY
from core.features.view import compile_view
from core.serving.booster import Booster
from core.training.artefact import Artefact

_LARGEST = sys.float_info.max
_NUMBER, _TEXT = frozenset({int, float}), frozenset({str})
_SAID = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


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
        self.names = [feature.name for feature in artefact.features]
        bins = [artefact.reference.features[name].bins for name in self.names]
        self.sizes = [each.size for each in bins]
        self._known = frozenset(self.names)
        self._columns: list[tuple[str, frozenset[type], Callable[[Any], int]]] = [
            (feature.name, _TEXT if feature.kind == CATEGORY else _NUMBER, each.index)
            for feature, each in zip(self.features, bins, strict=True)
        ]
        self._row = compile_view(artefact)
        self._booster = Booster(artefact.booster, len(artefact.view))

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
        for name, types, index in self._columns:
            value = get(name)
            if value is not None and value.__class__ not in types:
                raise _wrong_type(name, value, types)
            place = index(value)
            # Only these three places can hold what no float can: the test costs nothing on ordinary values.
            if UNSEEN <= place <= ABOVE and types is _NUMBER:
                _require_finite(name, value)
            found.append(place)
        return found

    def score(self, inputs: Mapping[str, Any]) -> tuple[float, bool]:
        """The probability of the positive class, and whether a feature was missing; inputs as `places` let through."""
        row, missing = self._row(inputs)
        return self._booster.score(row), bool(missing)


def _wrong_type(name: str, value: Any, types: frozenset[type]) -> Refused:
    wanted = "text" if types is _TEXT else "a number"
    return Refused(400, f"{name} must be {wanted} or null, not {_SAID.get(type(value), 'that')}", f"inputs.{name}")


def _require_finite(name: str, value: Any) -> None:
    if not -_LARGEST <= value <= _LARGEST:
        raise Refused(400, f"{name} must be a finite number", f"inputs.{name}")
