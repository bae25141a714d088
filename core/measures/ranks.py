"""AUC and average precision of rows of which whole blocks are drawn again, from counts by block and rank."""

from __future__ import annotations

from typing import Any

from core.measures.intervals import Blocks

# So many ranks are told apart; more scores than that share them. What this does to both values on all rows is known
# exactly and taken off every draw: what is left is far below an interval's width.
RANKS = 1024


class Ranking:
    """Scores and 0/1 labels (NumPy vectors of one length), counted once and ranked for many draws of the blocks."""

    def __init__(self, labels: Any, scores: Any, blocks: Blocks) -> None:
        import numpy as np

        _, place, rows = np.unique(-scores, return_inverse=True, return_counts=True)
        rank, self._within = _shared(rows)
        size = len(self._within)
        cell = blocks.of * size + rank[place]
        self._all, self._up = (
            np.bincount(cell, weights, blocks.count * size).reshape(blocks.count, size) for weights in (None, labels)
        )
        exact = np.bincount(place, labels, len(rows))
        self._shift = _values(rows[None, :], exact[None, :], np.zeros(len(rows))) - self._shared_at(
            np.ones((1, blocks.count))
        )

    def at(self, times: Any) -> tuple[Any, Any]:
        """The AUC (ties count half) and the average precision (equal scores are one step) of each of some draws (by
        blocks), vectors; not-a-number where a class is absent, for the latter where no row is positive.
        """
        import numpy as np

        auc, average = self._shared_at(times) + np.nan_to_num(self._shift)
        return auc, average

    def _shared_at(self, times: Any) -> Any:
        return _values(times @ self._all, times @ self._up, self._within)


def _shared(rows: Any) -> tuple[Any, Any]:
    """The rank of each score, from the rows of each; and what part of a rank's rows counts as below itself."""
    import numpy as np

    before = np.cumsum(rows) - rows
    shared = before * RANKS // max(1, rows.sum()) if len(rows) > RANKS else np.arange(len(rows))
    _, rank, scores = np.unique(shared, return_inverse=True, return_counts=True)
    return rank, np.where(scores > 1, 0.5, 0.0)


def _values(rows: Any, up: Any, within: Any) -> Any:
    """AUC and average precision from rows and positives at each rank, the highest first: two rows, one value a draw.

    Of scores that share a rank half are taken to stand above each of them, of equal scores all.
    """
    import numpy as np

    down, above, held = rows - up, np.cumsum(up, axis=1), np.cumsum(rows, axis=1)
    positives, negatives = up.sum(axis=1), down.sum(axis=1)
    precision = (above - within * up) / np.maximum(held - within * rows, 0.5)
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (down * (above - up / 2)).sum(axis=1) / (positives * negatives)
        return np.stack([auc, (up * precision).sum(axis=1) / positives])
