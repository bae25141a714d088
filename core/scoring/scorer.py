"""A model file that scores tables: what an engine is handed, in this process or another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.training.artefact import Artefact
from core.training.booster import load_booster, score_table

if TYPE_CHECKING:
    import pyarrow


class Scorer:
    """Called with a table of `columns` it gives the kept ones, the scores, and for a classifier of two classes what
    the threshold decides. In another process it scores on one thread: the engine runs one for each there.
    """

    def __init__(self, artefact: Artefact, keep: Sequence[str], threads: int) -> None:
        self.artefact, self._keep, self._threads = artefact, tuple(keep), threads
        self._booster: Any = None

    @property
    def columns(self) -> list[str]:
        """The columns that are read: inputs first, each once."""
        return [*dict.fromkeys([*(feature.name for feature in self.artefact.features), *self._keep])]

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        self._booster = self._booster or load_booster(self.artefact)
        scores = score_table(self.artefact, table, threads=self._threads, booster=self._booster)
        columns = {name: table.column(name) for name in self._keep}
        columns["score"] = pa.array(scores)
        if self.artefact.task == "binary":
            columns["decision"] = pa.array(scores >= self.artefact.threshold)
        return pa.table(columns).combine_chunks()

    def __reduce__(self) -> tuple[Any, ...]:
        return _elsewhere, (self.artefact.to_bytes(), self._keep)


def _elsewhere(content: bytes, keep: Sequence[str]) -> Scorer:
    return Scorer(Artefact.from_bytes(content), keep, 1)
