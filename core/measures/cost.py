"""What decisions cost: a threshold is chosen where rows of the past would have cost least."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import BadInput

CELLS = ("fn", "fp", "tp", "tn")
_PAIR = re.compile(r"^(fn|fp|tp|tn)=(.+)$")
HINT = "write --cost fn=5,fp=1; also tp and tn, else 0; a gain is a negative cost"
PER = 1000


@dataclass(frozen=True)
class Cost:
    """The cost of a row by what was decided and what was true: false negative, false positive, and the right ones."""

    fn: float
    fp: float
    tp: float = 0.0
    tn: float = 0.0

    def to_json(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)

    def of_rows(self, labels: Any, called: Any) -> Any:
        """The cost of each row: 0/1 labels and booleans of one length."""
        import numpy as np

        wrong = np.where(called, self.fp, self.fn)
        right = np.where(called, self.tp, self.tn)
        return np.where((labels == 1) == called, right, wrong)


def parse_cost(text: str) -> Cost:
    """`fn=5,fp=1` as costs. Raises BadInput for anything else, and where a mistake would cost less than being right."""
    found: dict[str, float] = {}
    for part in text.split(","):
        pair = _PAIR.match(part.strip())
        if pair is None or pair[1] in found:
            raise BadInput(f"{part!r} is no cost", HINT)
        found[pair[1]] = _number(pair[2])
    if not {"fn", "fp"} <= found.keys():
        raise BadInput("a cost matrix needs fn and fp", HINT)
    cost = Cost(**found)
    if not (cost.fn > cost.tp and cost.fp > cost.tn):
        raise BadInput("a mistake must cost more than the right decision", HINT)
    return cost


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{text!r} is no cost", HINT)
    return value


def cheapest(labels: Any, scores: Any, cost: Cost) -> float:
    """The score from which to call a row positive so that these rows cost least; the least such score among equals.

    Just above the greatest score, where it is cheapest to call none.
    """
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    ordered, truth = scores[order], labels[order]
    # What calling one more row changes: a hit instead of a miss, or a false alarm instead of none.
    change = np.where(truth == 1, cost.tp - cost.fn, cost.fp - cost.tn)
    total = np.cumsum(change)
    drawn = np.r_[ordered[1:] != ordered[:-1], True]
    total = np.where(drawn, total, np.inf)
    best = len(total) - 1 - int(np.argmin(total[::-1]))
    if total[best] > 0:
        return float(np.nextafter(ordered[0], np.inf))
    return float(ordered[best])
