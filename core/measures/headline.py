"""The first measure of every task with what each row adds to it: the AUC, the accuracy, or the RMSE.

The variance of the accuracy is that of a mean; of the RMSE that of a mean through a smooth function (delta method:
Casella and Berger, 2002, 5.5.4).
"""

from __future__ import annotations

import math
from typing import Any

from core.measures.influence import around, influence
from core.measures.intervals import Interval
from core.measures.tasks import BINARY, HEADLINES, REGRESSION


class Headline:
    """The first measure of a task. `name` is that among the metrics, `sign` 1 where more is better, else -1."""

    def __init__(self, task: str) -> None:
        self._task = task
        self.name = HEADLINES[task].first[0]
        self.sign = -1 if task == REGRESSION else 1

    def of(self, labels: Any, scores: Any) -> tuple[float, Any]:
        """The measure (NumPy vectors; several classes' scores are rows by classes) and each row's share of its
        deviation, which sum to zero. Raises ValueError where an AUC has one class alone, or there is no row."""
        if self._task == BINARY:
            return influence(labels, scores)
        if not len(labels):
            raise ValueError("there is no row to measure")
        if self._task == REGRESSION:
            square, parts = _mean((scores - labels) ** 2)
            root = math.sqrt(square)
            return root, parts / (2 * root) if root else parts
        return _mean((scores.argmax(axis=1) == labels).astype(float))

    def around(self, value: float, spread: float) -> Interval:
        """The 95 % interval of a value with that variance."""
        return around(value, spread, most=math.inf if self._task == REGRESSION else 1.0)

    def worse(self, before: float, after: float) -> float:
        """How much worse it has become: above zero for a lower AUC, and for a greater error."""
        return self.sign * (before - after)

    def told(self, found: Interval) -> dict[str, Any]:
        """The measure under its name, with the ends of its interval."""
        return {self.name: found.value, "low": found.low, "high": found.high}

    def measurable(self, labels: Any, least_of_a_class: int = 1) -> bool:
        """Whether these rows can be measured: an AUC needs rows of both classes."""
        if self._task != BINARY:
            return len(labels) > 0
        positives = int(labels.sum())
        return min(positives, len(labels) - positives) >= least_of_a_class


def _mean(values: Any) -> tuple[float, Any]:
    """A mean and each row's share; the factor makes the sum of squares the mean's unbiased variance."""
    n = len(values)
    mean = float(values.mean())
    return mean, (values - mean) / math.sqrt(n * max(1, n - 1))
