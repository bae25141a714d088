"""Split by time: the hold-out comes after everything the model was fitted on, as live traffic will."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.clock import iso
from core.errors import BadInput

HOLDOUT_SHARE = 0.25
LEAST_ROWS = 200
LEAST_OF_A_CLASS = 10


@dataclass(frozen=True)
class Split:
    """Row masks (NumPy booleans) of the part fitted on and of the hold-out, which begins at `from_us`."""

    fit: Any
    holdout: Any
    from_us: int


def temporal_split(times: Any, labels: Any, from_us: int | None) -> Split:
    """The rows before an instant and those from it on; without one, the hold-out is the last quarter of the time.

    Raises BadInput for too few rows, or a part in which a class is all but absent.
    """
    if len(times) < LEAST_ROWS:
        raise BadInput(f"there are only {len(times)} labelled rows with a time", f"at least {LEAST_ROWS} are needed")
    if from_us is None:
        first, last = int(times.min()), int(times.max())
        from_us = last - int((last - first) * HOLDOUT_SHARE)
    split = Split(times < from_us, times >= from_us, from_us)
    for mask, part in ((split.fit, "before"), (split.holdout, "from")):
        _require_both(labels[mask], f"{part} {iso(from_us)}")
    return split


def _require_both(labels: Any, part: str) -> None:
    positives = int(labels.sum())
    least = min(positives, len(labels) - positives)
    if least < LEAST_OF_A_CLASS:
        raise BadInput(
            f"{part} there are {len(labels)} labelled rows, and only {least} of the rarer class",
            f"at least {LEAST_OF_A_CLASS} are needed: choose another instant with --holdout-from",
        )
