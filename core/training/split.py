"""Which rows a model is fitted on and which it is measured on: by time, as live traffic comes, by group, or drawn."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from core.clock import iso
from core.errors import BadInput
from core.measures.tasks import BINARY, REGRESSION

TEMPORAL, GROUPED, STRATIFIED = "temporal", "grouped", "stratified"
SPLITS = (TEMPORAL, GROUPED, STRATIFIED)
HOLDOUT_SHARE = 0.25
VALIDATION_SHARE = 0.2
LEAST_ROWS = 200
LEAST_OF_A_CLASS = 10
# A regression's rows are drawn evenly from as many parts of its label.
STRATA = 10


@dataclass(frozen=True)
class Split:
    """Row masks (NumPy booleans) of the part fitted on and of the hold-out, which begins at `from_us`, if by time."""

    fit: Any
    holdout: Any
    from_us: int | None


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation in time: what is fitted on, and what is measured on, [from_us, to_us)."""

    fit: Any
    holdout: Any
    from_us: int
    to_us: int


def temporal_split(times: Any, labels: Any, from_us: int | None, *, task: str = "binary", gap_us: int = 0) -> Split:
    """The rows before an instant, less a gap, and those from it on; without one, the last quarter of the time.

    Raises BadInput for too few rows, or a part in which a class is all but absent.
    """
    require_rows(labels, " with a time")
    from_us = _instant(times, from_us)
    split = Split(times < from_us - gap_us, times >= from_us, from_us)
    require_parts(split, labels, task, "choose another instant with --holdout-from")
    return split


def folds_before(times: Any, fit: Any, count: int, gap_us: int) -> list[Fold]:
    """Folds within the part fitted on: its time in `count` + 1 equal spans, each after the first measured on what was
    fitted on all before it, less the gap (Tashman 2000, rolling origin)."""
    first, last = int(times[fit].min()), int(times[fit].max()) + 1
    edges = [first + (last - first) * place // (count + 1) for place in range(count + 2)]
    return [
        Fold(fit & (times < start - gap_us), fit & (times >= start) & (times < end), start, end)
        for start, end in itertools.pairwise(edges[1:])
    ]


def grouped_split(groups: Any, times: Any | None, labels: Any, from_us: int | None, *, task: str, seed: int) -> Split:
    """No group on both sides. With times the hold-out is still later: a group on both sides of the instant is drawn to
    one side, and its rows on the other are left out; without times a quarter of the rows is drawn by whole groups.

    `groups` are numbers from 0. Raises BadInput for too few rows or groups, or a class all but absent in a part.
    """
    import numpy as np

    require_rows(labels, "")
    held = _drawn_groups(groups, seed, 0.5 if times is not None else None)
    if times is None:
        split = Split(~held, held, None)
    else:
        from_us = _instant(times, from_us)
        before, after = times < from_us, times >= from_us
        size = int(groups.max()) + 1
        straddles = (np.bincount(groups[before], minlength=size) > 0) & (np.bincount(groups[after], minlength=size) > 0)
        both = straddles[groups]
        split = Split(before & ~(both & held), after & ~(both & ~held), from_us)
    require_parts(split, labels, task, "choose another --group, or another instant with --holdout-from")
    return split


def stratified_split(labels: Any, *, task: str, seed: int) -> Split:
    """A quarter of the rows of each class (of each tenth of a number's range of ranks), drawn by the seed.

    Raises BadInput for too few rows, or a class all but absent in a part.
    """
    require_rows(labels, "")
    held = _drawn_rows(_strata(labels, task), HOLDOUT_SHARE, seed)
    split = Split(~held, held, None)
    require_parts(split, labels, task, "leave the rarest classes out, or bring more rows")
    return split


def validation_of(part: Any, times: Any | None, groups: Any | None, labels: Any, *, task: str, seed: int) -> Any:
    """The validation rows within a part fitted on, as a mask of all rows: its last fifth of the time; without times a
    fifth of its groups, or of its strata."""
    import numpy as np

    if times is not None:
        first, last = int(times[part].min()), int(times[part].max())
        return part & (times >= last - int((last - first) * VALIDATION_SHARE))
    held = np.zeros(len(labels), dtype=bool)
    if groups is not None:
        _, own = np.unique(groups[part], return_inverse=True)
        held[part] = _drawn_groups(own, seed + 1, None, VALIDATION_SHARE)
    else:
        held[part] = _drawn_rows(_strata(labels[part], task), VALIDATION_SHARE, seed + 1)
    return held


def _instant(times: Any, from_us: int | None) -> int:
    if from_us is not None:
        return from_us
    first, last = int(times.min()), int(times.max())
    return last - int((last - first) * HOLDOUT_SHARE)


def _drawn_groups(groups: Any, seed: int, chance: float | None, share: float = HOLDOUT_SHARE) -> Any:
    """The rows of groups drawn: each with a chance, or as many whole groups as hold a share of the rows."""
    import numpy as np

    sizes = np.bincount(groups)
    draw = np.random.default_rng(seed)
    if chance is not None:
        return (draw.random(len(sizes)) < chance)[groups]
    order = draw.permutation(len(sizes))
    taken = np.zeros(len(sizes), dtype=bool)
    taken[order[np.cumsum(sizes[order]) <= max(share * len(groups), sizes[order[0]])]] = True
    return taken[groups]


def _drawn_rows(strata: Any, share: float, seed: int) -> Any:
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(strata))
    held = np.zeros(len(strata), dtype=bool)
    for stratum in np.unique(strata):
        own = order[strata[order] == stratum]
        held[own[: round(share * len(own))]] = True
    return held


def _strata(labels: Any, task: str) -> Any:
    import numpy as np

    if task != REGRESSION:
        return labels
    ranks = np.argsort(np.argsort(labels, kind="stable"), kind="stable")
    return ranks * STRATA // len(labels)


def require_rows(labels: Any, what: str) -> None:
    """Raises BadInput for fewer labelled rows than anything can be learned from."""
    if len(labels) < LEAST_ROWS:
        raise BadInput(f"there are only {len(labels)} labelled rows{what}", f"at least {LEAST_ROWS} are needed")


def require_parts(split: Split, labels: Any, task: str, hint: str) -> None:
    """Raises BadInput where a part of a split has too few rows of a class, or of a number at all."""
    at = iso(split.from_us) if split.from_us is not None else None
    _require(labels, split.fit, task == REGRESSION, f"before {at}" if at else "in the part fitted on", hint)
    # One class of many may be missing from the hold-out: the others are measured all the same.
    _require(labels, split.holdout, task != BINARY, f"from {at}" if at else "in the hold-out", hint)


def _require(labels: Any, mask: Any, together: bool, part: str, hint: str) -> None:
    import numpy as np

    rows = int(mask.sum())
    counts = [rows] if together else [int((labels[mask] == one).sum()) for one in np.unique(labels)]
    if min(counts) < LEAST_OF_A_CLASS:
        which = "" if together else f", and only {min(counts)} of the rarer class"
        raise BadInput(
            f"{part} there are {rows} labelled rows{which}",
            f"at least {LEAST_OF_A_CLASS} are needed: {hint}",
        )
