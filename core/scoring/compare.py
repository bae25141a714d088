"""Two scorings of the same rows beside each other: how far they differ, how good each is, and what each costs."""

from __future__ import annotations

from operator import ne
from typing import TYPE_CHECKING, Any

from core.clock import iso_or_none
from core.datasets import load
from core.datasets.rows import Snapshot, snapshot_by_id
from core.desk import Desk
from core.errors import BadInput
from core.measures.classes import evaluate_classes
from core.measures.evaluate import evaluate
from core.measures.numbers import evaluate_numbers
from core.measures.tasks import BINARY, REGRESSION
from core.registry.versions import load_artefact
from core.scoring import rows
from core.scoring.rows import Score
from core.training.artefact import Artefact
from core.training.label import parse_label
from core.training.target import known_values

if TYPE_CHECKING:
    import pyarrow


def compare(desk: Desk, first: int, second: int) -> dict[str, Any]:
    """Compare two ended scorings of one snapshot.

    `agreement` is over all rows: mean, 99th percentile and largest distance of the scores (of several classes: of the
    likeliest one's probability), their correlation (None where one is constant), and how many decisions change which
    way, or how many rows get another class. `versions` has for each the quality on the rows that are labelled by now
    (the measures of its task; None where there are too few labels), rows a second, and CPU seconds and cost for 1,000
    rows. The outputs' own columns are held in memory. Raises NotFound, and BadInput where they cannot be compared.
    """
    found = [_ended(desk, number) for number in (first, second)]
    if found[0].snapshot_id != found[1].snapshot_id:
        raise BadInput(
            f"scoring {first} is of {found[0].snapshot}, scoring {second} of {found[1].snapshot}",
            "compare two scorings of one snapshot",
        )
    models = [load_artefact(desk, each.model, each.version) for each in found]
    if models[0].task != models[1].task:
        raise BadInput(
            f"a {models[0].task} and a {models[1].task} model give no scores of one kind", "compare models of one task"
        )
    columns = [_output(desk, each) for each in found]
    labelled = snapshot_by_id(desk.store, found[0].snapshot_id)
    sides = [
        _side(desk, each, _quality(desk, labelled, model, table))
        for each, model, table in zip(found, models, columns, strict=True)
    ]
    return {
        "snapshot": found[0].snapshot,
        "task": models[0].task,
        "rows": found[0].rows,
        "agreement": _agreement(*columns),
        "versions": sides,
    }


def _ended(desk: Desk, number: int) -> Score:
    found = rows.score(desk.store, number)
    if found.blob is None:
        raise BadInput(f"scoring {number} has not ended", "the same `tocsin score` command goes on with it")
    return found


def _output(desk: Desk, found: Score) -> pyarrow.Table:
    """An output without the columns that were kept."""
    import pyarrow.parquet as pq

    assert found.blob is not None
    with pq.ParquetFile(desk.blobs.verified(found.blob)) as file:
        return file.read(columns=[name for name in file.schema_arrow.names if name not in found.keep])


def _agreement(first: pyarrow.Table, second: pyarrow.Table) -> dict[str, Any]:
    import numpy as np

    scores = [each.column("score").to_numpy() for each in (first, second)]
    distance = np.abs(scores[0] - scores[1])
    varies = len(distance) > 1 and bool(np.ptp(scores[0]) and np.ptp(scores[1]))
    said: dict[str, Any] = {
        "mean_distance": float(distance.mean()) if len(distance) else None,
        "p99_distance": float(np.quantile(distance, 0.99)) if len(distance) else None,
        "max_distance": float(distance.max()) if len(distance) else None,
        "correlation": float(np.corrcoef(*scores)[0, 1]) if varies else None,
    }
    if "decision" in first.column_names:
        before, after = (each.column("decision").to_numpy() for each in (first, second))
        said["flips_to_positive"] = int((~before & after).sum())
        said["flips_to_negative"] = int((before & ~after).sum())
    if "class" in first.column_names:
        said["class_changes"] = sum(map(ne, *(each.column("class").to_pylist() for each in (first, second))))
    return said


def _quality(desk: Desk, snapshot: Snapshot, artefact: Artefact, output: pyarrow.Table) -> dict[str, Any] | None:
    """The measures of the labelled rows; None where the snapshot cannot tell."""
    import numpy as np

    labels = _labels(desk, artefact, snapshot)
    if labels is None or np.isnan(labels).all():
        return None
    known = ~np.isnan(labels)
    scores = output.column("score").to_numpy()[known]
    if artefact.task == BINARY:
        return evaluate(labels[known], scores).to_json()
    if artefact.task == REGRESSION:
        return evaluate_numbers(labels[known], scores)
    every = np.column_stack([output.column(f"score_{name}").to_numpy()[known] for name in artefact.classes])
    return evaluate_classes(labels[known].astype(np.int64), every)


def _labels(desk: Desk, artefact: Artefact, snapshot: Snapshot) -> Any:
    """The label of each row, not-a-number where there is none; None where the snapshot cannot tell."""
    import pyarrow.parquet as pq

    try:
        label = parse_label(artefact.label, [*snapshot.columns])
        with pq.ParquetFile(load.path(desk, snapshot)) as file:
            return known_values(label, file.read(columns=[label.column]), artefact.task, artefact.classes)
    except BadInput:
        # No such column, or one class alone: the rows are not labelled yet.
        return None


def _side(desk: Desk, found: Score, quality: dict[str, Any] | None) -> dict[str, Any]:
    quota = desk.settings.quota
    cost = quota.cost_micros(found.cpu_ms)
    return {
        "score": found.id,
        "model": found.model,
        "version": found.version,
        "ended": iso_or_none(found.ended_us),
        "quality": quality,
        "rows_per_s": round(found.rows_per_s, 1) if found.rows_per_s else None,
        "cpu_seconds_per_1000_rows": round(found.cpu_ms / found.rows, 9) if found.rows else None,
        "cost_per_1000_rows": round(cost / 1e6 * 1000 / found.rows, 9) if cost is not None and found.rows else None,
        "currency": quota.currency if cost is not None else None,
    }
