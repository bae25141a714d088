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
class Inputs:
    """What is made ready of some rows: `reads` are the columns it needs, the raw inputs, those to be kept, and the time
    where aggregates are joined. The sources of aggregates are read once."""

    reads: tuple[str, ...]
    _keep: tuple[str, ...]
    _complete: Callable[[Any], Any]

    @classmethod
    def of(cls, desk: Desk, work: Work, artefact: Artefact) -> Inputs:
        """Those of a scoring. Raises as `joiner` does."""
        looked_up = artefact.lookups.names if artefact.lookups else frozenset()
        inputs = [feature.name for feature in artefact.features if feature.name not in looked_up]
        join = joiner(desk, artefact.lookups, work.sources)

        def complete(table: Any) -> Any:
            # A column to be kept may have an aggregate's name: it is none of the inputs.
            own = table.select(inputs)
            return own if artefact.lookups is None else join(own, _times(table, work))

        reads = [*inputs, *work.keep, *([work.time_column] if looked_up and work.time_column else [])]
        return cls(tuple(dict.fromkeys(reads)), work.keep, complete)

    def ready(self, table: pyarrow.Table) -> tuple[pyarrow.Table, pyarrow.Table]:
        """The kept columns of some rows, and all the inputs of the model."""
        return table.select([*self._keep]), self._complete(table)


def _times(table: Any, work: Work) -> Any:
    return event_times(table, work.time_column, work.snapshot.dataset)


class Scorer:
    """Called with what `Inputs.ready` gives it is the output: each row comes out the same whichever table it stands in.

    An engine is handed it, in this process or another; elsewhere it scores on one thread, as there is one for each.
    """

    def __init__(self, artefact: Artefact, threads: int) -> None:
        self.artefact, self._threads = artefact, threads
        self._booster: Any = None

    def __call__(self, ready: tuple[pyarrow.Table, pyarrow.Table]) -> pyarrow.Table:
        import pyarrow as pa

        kept, inputs = ready
        self._booster = self._booster or load_booster(self.artefact)
        found = predict_table(self.artefact, inputs, threads=self._threads, booster=self._booster)
        columns = {name: kept.column(name) for name in kept.column_names}
        for name, column in zip(own_names(self.artefact), _own(self.artefact, found), strict=True):
            columns[name] = pa.array(column)
        return pa.table(columns).combine_chunks()

    def __reduce__(self) -> tuple[Any, ...]:
        return _elsewhere, (self.artefact.to_bytes(),)


def _elsewhere(content: bytes) -> Scorer:
    return Scorer(Artefact.from_bytes(content), 1)


def _own(artefact: Artefact, found: Any) -> Iterable[Any]:
    import numpy as np

    if artefact.task == MULTICLASS:
        return np.array(artefact.classes)[found.argmax(axis=1)], top(found), *found.T
    return (found, found >= artefact.threshold) if artefact.task == BINARY else (found,)
