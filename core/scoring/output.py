"""What is read of each row to be scored, and what the output says of it, by the model's task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.desk import Desk
from core.features.events import event_times
from core.features.join import joiner
from core.measures.scores import top
from core.measures.tasks import BINARY, MULTICLASS
from core.scoring.rows import Work
from core.training.artefact import Artefact
from core.training.booster import load_booster, predict_table

if TYPE_CHECKING:
    import pyarrow


def own_names(artefact: Artefact) -> tuple[str, ...]:
    """The columns the output has of its own: the score; the decision of two classes; of several the class that is the
    likeliest, and the probability of each."""
    if artefact.task == BINARY:
        return "score", "decision"
    if artefact.task == MULTICLASS:
        return "class", "score", *(f"score_{name}" for name in artefact.classes)
    return ("score",)


@dataclass(frozen=True)
class Scorer:
    """Scores tables of rows one after the other; each row comes out the same whichever table it stands in.

    `reads` are the columns it needs: the raw inputs, those to be kept, and the time where aggregates are joined.
    """

    reads: tuple[str, ...]
    artefact: Artefact
    _booster: Any
    _keep: tuple[str, ...]
    _complete: Callable[[Any], Any]
    _threads: int

    @classmethod
    def of(cls, desk: Desk, work: Work, artefact: Artefact, threads: int) -> Scorer:
        """The scorer of a scoring; the sources of aggregates are read here, once. Raises as `joiner` does."""
        looked_up = artefact.lookups.names if artefact.lookups else frozenset()
        inputs = [feature.name for feature in artefact.features if feature.name not in looked_up]
        join = joiner(desk, artefact.lookups, work.sources)

        def complete(table: Any) -> Any:
            if artefact.lookups is None:
                return table
            # A column to be kept may have an aggregate's name: it is none of the inputs.
            return join(table.select(inputs), event_times(table, work.time_column, work.snapshot.dataset))

        reads = [*inputs, *work.keep, *([work.time_column] if looked_up and work.time_column else [])]
        unique = tuple(dict.fromkeys(reads))
        return cls(unique, artefact, load_booster(artefact), work.keep, complete, threads)

    def scored(self, table: pyarrow.Table) -> pyarrow.Table:
        """The kept columns of some rows, and what `own_names` says."""
        import pyarrow as pa

        artefact = self.artefact
        found = predict_table(artefact, self._complete(table), threads=self._threads, booster=self._booster)
        columns = {name: table.column(name) for name in self._keep}
        for name, column in zip(own_names(artefact), _own(artefact, found), strict=True):
            columns[name] = pa.array(column)
        return pa.table(columns).combine_chunks()


def _own(artefact: Artefact, found: Any) -> Iterable[Any]:
    import numpy as np

    if artefact.task == MULTICLASS:
        return np.array(artefact.classes)[found.argmax(axis=1)], top(found), *found.T
    return (found, found >= artefact.threshold) if artefact.task == BINARY else (found,)
