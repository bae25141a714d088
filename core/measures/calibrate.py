"""Calibration: what a booster says, made into the share of positives that such scores have come to.

One score in serving and a whole column offline go through the same arithmetic and give the same bits.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from core.errors import BadInput
from core.measures.evaluate import CLIP
from core.measures.isotonic import pools

ISOTONIC, SIGMOID = KINDS = ("isotonic", "sigmoid")
_STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """A non-decreasing curve. Isotonic: straight lines between the points `x`, `y`, level beyond them. Sigmoid: the
    logistic of `slope` times the score's log-odds plus `offset`."""

    kind: str
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    slope: float = 1.0
    offset: float = 0.0

    def one(self, score: float) -> float:
        """A calibrated probability."""
        if self.kind == SIGMOID:
            return _logistic(self.slope * _odds(score) + self.offset)
        place = bisect_right(self.x, score)
        if not place:
            return self.y[0]
        if place == len(self.x):
            return self.y[-1]
        start = self.x[place - 1]
        return self.y[place - 1] + (score - start) * self._rises[place - 1]

    def many(self, scores: Any) -> Any:
        """The same of a NumPy vector, to the last bit."""
        import numpy as np

        if self.kind == SIGMOID:
            # NumPy's exponential may differ from the scalar one in the last bit.
            values, places = np.unique(scores, return_inverse=True)
            return np.array([self.one(value) for value in values.tolist()], dtype=float)[places]
        x, y, rises = (np.array(each) for each in (self.x, self.y, (*self._rises, 0.0)))
        place = np.searchsorted(x, scores, side="right")
        before = np.clip(place - 1, 0, len(x) - 1)
        between = y[before] + (scores - x[before]) * rises[before]
        return np.where(place == 0, y[0], np.where(place == len(x), y[-1], between))

    @cached_property
    def _rises(self) -> tuple[float, ...]:
        return tuple((self.y[i + 1] - self.y[i]) / (self.x[i + 1] - self.x[i]) for i in range(len(self.x) - 1))

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back as the same curve."""
        if self.kind == SIGMOID:
            return {"kind": self.kind, "slope": self.slope, "offset": self.offset}
        return {"kind": self.kind, "x": list(self.x), "y": list(self.y)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """A curve from plain data. Raises BadInput where it is none."""
        if data["kind"] == SIGMOID:
            found = cls(SIGMOID, slope=float(data["slope"]), offset=float(data["offset"]))
            fits = math.isfinite(found.slope) and math.isfinite(found.offset)
        else:
            found = cls(data["kind"], tuple(map(float, data["x"])), tuple(map(float, data["y"])))
            fits = found.kind == ISOTONIC and _is_curve(found.x, found.y)
        if not fits:
            raise BadInput("the calibration is no curve", "train the model again")
        return found


def _is_curve(x: Sequence[float], y: Sequence[float]) -> bool:
    rising = all(a < b for a, b in pairwise(x)) and list(y) == sorted(y)
    return len(x) == len(y) > 0 and rising and all(0 <= value <= 1 for value in y)


def fit(kind: str, labels: Any, scores: Any) -> Calibration:
    """The curve of 0/1 labels on scores (NumPy vectors of one length, both classes present).

    Raises BadInput for a kind there is not.
    """
    if kind not in KINDS:
        raise BadInput(f"{kind!r} is no way to calibrate", f"choose one of {', '.join(KINDS)}")
    return _isotonic(labels, scores) if kind == ISOTONIC else _sigmoid(labels, scores)


def _isotonic(labels: Any, scores: Any) -> Calibration:
    """Pool adjacent violators, each pool level from its first to its last score, as in Zadrozny and Elkan, 2002.

    A pool of one class alone is read by the rule of succession: it has not shown that the other never comes.
    """
    import numpy as np

    values, places = np.unique(scores, return_inverse=True)
    found = pools(np.bincount(places, labels).tolist(), np.bincount(places).tolist())
    rates = [pool.rate for pool in found]
    if len(found) > 1 and not rates[0]:
        rates[0] = min(rates[1], 1 / (found[0].rows + 2))
    if len(found) > 1 and rates[-1] == 1:
        rates[-1] = max(rates[-2], (found[-1].rows + 1) / (found[-1].rows + 2))
    knots: dict[float, float] = {}
    for pool, rate in zip(found, rates, strict=True):
        knots.update({float(values[pool.first]): rate, float(values[pool.last]): rate})
    return Calibration(ISOTONIC, tuple(knots), tuple(knots.values()))


def _sigmoid(labels: Any, scores: Any) -> Calibration:
    """Logistic regression of smoothed targets on the log-odds, by Newton's steps. Source: Platt, 1999; Lin, 2007."""
    import numpy as np

    positives = float(labels.sum())
    negatives = len(labels) - positives
    target = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    sure = np.clip(scores, CLIP, 1 - CLIP)
    design = np.column_stack([np.log(sure) - np.log1p(-sure), np.ones(len(sure))])
    beta = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-10 * np.eye(2)
        step = np.linalg.solve(curve, design.T @ (target - chance))
        beta += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-10:
            break
    return Calibration(SIGMOID, slope=max(0.0, float(beta[0])), offset=float(beta[1]))


def _odds(score: float) -> float:
    sure = min(max(score, CLIP), 1 - CLIP)
    return math.log(sure) - math.log1p(-sure)


def _logistic(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    grown = math.exp(value)
    return grown / (1 + grown)
