"""The bins that scores are counted in: 256 equal ones over [0, 1] for probabilities, quantiles for other numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from core.measures.ranking import SCORE_BINS, score_bin

__all__ = ["SCORE_BINS", "bin_of", "counted", "fits", "quantile_edges", "top"]


def bin_of(edges: Sequence[float]) -> Callable[[float], int]:
    """The bin of a score: by the inner edges, half-open [edge, next edge), or equal bins over [0, 1] without edges."""
    if not edges:
        return score_bin
    known = list(edges)
    return lambda score: bisect_right(known, score)


def fits(edges: Sequence[float]) -> bool:
    """Whether these can be inner edges: increasing, and at most 255 of them."""
    return len(edges) < SCORE_BINS and all(left < right for left, right in pairwise(edges))


def quantile_edges(scores: Any) -> tuple[float, ...]:
    """The inner edges of at most 256 bins of about equal count (NumPy scores, not empty); a bin for each of few
    different scores."""
    import numpy as np

    ordered = np.sort(scores)
    starts = np.unique(ordered[np.arange(SCORE_BINS) * len(ordered) // SCORE_BINS])
    # One value alone would leave no edge, which means probabilities.
    return tuple(float(edge) for edge in (starts[1:] if len(starts) > 1 else starts))


def counted(scores: Any, edges: Sequence[float]) -> list[int]:
    """How many scores (NumPy) fall into each of the 256 bins."""
    import numpy as np

    if len(edges):
        places = np.searchsorted(edges, scores, side="right")
    else:
        places = np.clip((scores * SCORE_BINS).astype(np.int64), 0, SCORE_BINS - 1)
    counts: list[int] = np.bincount(places, minlength=SCORE_BINS).tolist()
    return counts


def top(scores: Any) -> Any:
    """What serving tells as the score: the number itself, or the greatest of several classes' probabilities."""
    return scores.max(axis=1) if scores.ndim == 2 else scores
