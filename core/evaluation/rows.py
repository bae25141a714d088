"""The rows a version is measured on, with the model that scores them: one that has not seen them, or it is said so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.engines.local import LocalEngine
from core.errors import BadInput
from core.evaluation.plan import Asked
from core.measures.headline import Headline
from core.measures.intervals import Blocks
from core.measures.tasks import BINARY
from core.training import find
from core.training.again import plan_of
from core.training.artefact import Artefact
from core.training.booster import calibrated, load_booster, predict_table
from core.training.fit import booster_text
from core.training.fitting import Fitter
from core.training.material import gather
from core.training.record import Version
from core.training.trial import run_trial, split_of

HOLDOUT, LATER, SEEN = "holdout", "later", "seen"
Report = Callable[[float], None]


@dataclass(frozen=True)
class Scored:
    """Labelled rows scored by a model: `table`, `labels` (as `core.training.target` has them), `times` (microseconds)
    and `scores` of one length; of several classes the scores are rows by classes.

    `artefact` holds the booster that made the scores. `purpose` is "holdout" where a booster fitted on nothing later
    than the rows' beginning made them, "later" where every row comes after all that the registered model was fitted
    on, "seen" where it was fitted on `seen` of them: no measure of how it will do.
    """

    version: Version
    artefact: Artefact
    snapshot_id: int | None
    snapshot: str
    purpose: str
    seen: int
    table: Any
    labels: Any
    times: Any
    scores: Any

    @property
    def blocks(self) -> Blocks:
        """What is drawn together when these rows are drawn again."""
        return Blocks.by_day(self.times)

    def part(self, mask: Any) -> Scored:
        """Some of the rows."""
        return replace(
            self,
            table=self.table.filter(mask),
            labels=self.labels[mask],
            times=self.times[mask],
            scores=self.scores[mask],
        )

    def scorer(self, threads: int) -> Callable[[Any], Any]:
        """A function from a table of raw inputs to the scores this model gives it."""
        from core.features.view import apply

        booster, artefact = load_booster(self.artefact), self.artefact
        return lambda table: calibrated(
            artefact, booster.predict(apply(artefact.view, artefact.features, table), num_threads=threads)
        )


def gather_rows(desk: Desk, asked: Asked, report: Report) -> Scored:
    """The rows asked for. Raises NotFound, and BadInput where too few are left or a class is missing."""
    found = find.version(desk.store, asked.model, asked.version)
    _require_measurable(found)
    rows = of_snapshot(desk, found, asked) if asked.dataset else within(of_holdout(desk, found, report), asked)
    if not Headline(found.task).measurable(rows.labels):
        said = f", {int(rows.labels.sum())} of them positive" if len(rows.labels) else ""
        raise BadInput(
            f"there are {len(rows.labels)} labelled rows{said}: there is nothing to tell apart",
            "choose another snapshot, or other times with --from and --to",
        )
    return rows


def _require_measurable(found: Version) -> None:
    if "holdout_from_us" not in found.metrics:
        raise BadInput(
            f"{found.model} v{found.version} was trained on data without time", "name the data set's time column"
        )


def of_holdout(desk: Desk, found: Version, report: Report) -> Scored:
    """A version's own hold-out, scored by the booster that had not seen it.

    That booster is fitted again from the recorded snapshot and parameters, bit for bit, since the registered one was
    fitted on these rows as well; where an engine fitted that one on several machines, this one is near it and no more.
    Where the version is calibrated, the curve and the rows are those its metrics are of:
    a curve of the hold-out's earlier half, the rows of the later.
    """
    plan = plan_of(found)
    material = gather(desk, plan)
    split = split_of(plan, material)
    fitter = Fitter(desk.settings.threads, plan, material, lambda share, text="": report(share), LocalEngine())
    assert material.times is not None, "a version with a hold-out in time has times"
    trial = run_trial(plan, material, split, fitter, int(found.parameters.get("best_rounds", plan.rounds)))
    registered = find.load_artefact(desk, found.model, found.version)
    return Scored(
        version=found,
        artefact=replace(registered, booster=booster_text(trial.booster), calibration=trial.decided.measuring),
        snapshot_id=found.snapshot_id,
        snapshot=material.snapshot,
        purpose=HOLDOUT,
        seen=0,
        table=material.table.filter(trial.rows),
        labels=material.labels[trial.rows],
        times=material.times[trial.rows],
        scores=trial.scores,
    )


def of_snapshot(desk: Desk, found: Version, asked: Asked) -> Scored:
    """A snapshot's labelled rows scored by the registered model: without `from_us` those later than its training rows,
    all of them where none is later. Raises BadInput for a snapshot without the label's column or without times.
    """
    import numpy as np

    from core.datasets import load, rows
    from core.features.events import event_times
    from core.features.join import complete
    from core.training.label import parse_label
    from core.training.target import known_values

    assert asked.dataset is not None
    snapshot = rows.snapshot(desk.store, asked.dataset, asked.number)
    table = load.load(desk, snapshot)
    artefact = find.load_artefact(desk, found.model, found.version)
    label = parse_label(artefact.label, table.column_names)
    labels = known_values(label, table, artefact.task, artefact.classes)
    column = rows.contract(desk.store, asked.dataset).contract.time_column or snapshot.time_column
    times = event_times(table, column, asked.dataset)
    until = trained_until(desk, found)
    used = ~np.isnan(labels) & (times >= 0) & _mask(times, asked)
    if asked.from_us is None and (used & (times > until)).any():
        used &= times > until
    kept = complete(desk, artefact.lookups, table.filter(used), times[used], {snapshot.dataset: snapshot.number})
    seen = int((times[used] <= until).sum())
    return Scored(
        version=found,
        artefact=artefact,
        snapshot_id=snapshot.id,
        snapshot=f"{snapshot.dataset}/{snapshot.number}",
        purpose=SEEN if seen else LATER,
        seen=seen,
        table=kept,
        labels=labels[used],
        times=times[used],
        scores=predict_table(artefact, kept, threads=desk.settings.threads),
    )


def trained_until(desk: Desk, found: Version) -> int:
    """The last time in the snapshot a version was fitted on: what is not later may have been seen."""
    from core.datasets import rows

    if found.snapshot_id is None:
        raise BadInput(
            f"{found.model} v{found.version} was not trained here: what it has seen is not known",
            "evaluate a version that `tocsin train` registered",
        )
    last = rows.snapshot_by_id(desk.store, found.snapshot_id).time_to_us
    assert last is not None, "training asks for times"
    return last


def within(rows: Scored, asked: Asked) -> Scored:
    """The rows of the times asked for."""
    return rows.part(_mask(rows.times, asked))


def _mask(times: Any, asked: Asked) -> Any:
    import numpy as np

    mask = np.ones(len(times), bool)
    if asked.from_us is not None:
        mask &= times >= asked.from_us
    if asked.to_us is not None:
        mask &= times < asked.to_us
    return mask


def extent(rows: Scored) -> dict[str, Any]:
    """Which rows were measured, in plain words of times and counts; of two classes how many are positive."""
    counts = {"positives": int(rows.labels.sum())} if rows.artefact.task == BINARY else {}
    return {
        "purpose": rows.purpose,
        "snapshot": rows.snapshot,
        "rows": len(rows.labels),
        **counts,
        "seen": rows.seen,
        "from": iso(int(rows.times.min())),
        "to": iso(int(rows.times.max())),
    }
