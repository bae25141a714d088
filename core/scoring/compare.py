"""Two scorings of the same rows beside each other: how far they differ, how good each is, and what each costs."""

from __future__ import annotations

from typing import Any

from core.clock import iso_or_none
from core.datasets import load
from core.datasets.rows import Snapshot, snapshot_by_id
from core.desk import Desk
from core.errors import BadInput
from core.measures.evaluate import evaluate
from core.registry.versions import load_artefact
from core.scoring import rows
from core.scoring.rows import Score
from core.training.label import label_values, parse_label


def compare(desk: Desk, first: int, second: int) -> dict[str, Any]:
    """Compare two ended scorings of one snapshot.

    `agreement` is over all rows: mean, 99th percentile and largest distance of the scores, their correlation (None
    where one is constant), and how many decisions change which way. `versions` has for each the quality on the rows
    that are labelled by now (None without labels of both classes), rows a second, and CPU seconds and cost for 1,000
    rows. A score takes 8 bytes of memory for each row. Raises NotFound, and BadInput where they cannot be compared.
    """
    found = [_ended(desk, number) for number in (first, second)]
    if found[0].snapshot_id != found[1].snapshot_id:
        raise BadInput(
            f"scoring {first} is of {found[0].snapshot}, scoring {second} of {found[1].snapshot}",
            "compare two scorings of one snapshot",
        )
    columns = [_output(desk, each) for each in found]
    labels = _labels(desk, found[0], snapshot_by_id(desk.store, found[0].snapshot_id))
    sides = [_side(desk, each, scores, labels) for each, (scores, _) in zip(found, columns, strict=True)]
    return {
        "snapshot": found[0].snapshot,
        "rows": found[0].rows,
        "agreement": _agreement(*columns),
        "versions": sides,
    }


def _ended(desk: Desk, number: int) -> Score:
    found = rows.score(desk.store, number)
    if found.blob is None:
        raise BadInput(f"scoring {number} has not ended", "the same `tocsin score` command goes on with it")
    return found


def _output(desk: Desk, found: Score) -> tuple[Any, Any]:
    """The scores of an output, and its decisions (None where it has none), as NumPy vectors."""
    import pyarrow.parquet as pq

    assert found.blob is not None
    with pq.ParquetFile(desk.blobs.verified(found.blob)) as file:
        names = [name for name in ("score", "decision") if name in file.schema_arrow.names]
        table = file.read(columns=names)
    decisions = table.column("decision").to_numpy() if "decision" in names else None
    return table.column("score").to_numpy(), decisions


def _agreement(first: tuple[Any, Any], second: tuple[Any, Any]) -> dict[str, Any]:
    import numpy as np

    distance = np.abs(first[0] - second[0])
    varies = len(distance) > 1 and bool(np.ptp(first[0]) and np.ptp(second[0]))
    said: dict[str, Any] = {
        "mean_distance": float(distance.mean()) if len(distance) else None,
        "p99_distance": float(np.quantile(distance, 0.99)) if len(distance) else None,
        "max_distance": float(distance.max()) if len(distance) else None,
        "correlation": float(np.corrcoef(first[0], second[0])[0, 1]) if varies else None,
    }
    if first[1] is not None and second[1] is not None:
        said["flips_to_positive"] = int((~first[1] & second[1]).sum())
        said["flips_to_negative"] = int((first[1] & ~second[1]).sum())
    return said


def _labels(desk: Desk, found: Score, snapshot: Snapshot) -> Any:
    """The label of each row, not-a-number where there is none; None where the snapshot cannot tell."""
    import pyarrow.parquet as pq

    artefact = load_artefact(desk, found.model, found.version)
    if artefact.task != "binary":
        return None
    try:
        label = parse_label(artefact.label, [*snapshot.columns])
        with pq.ParquetFile(load.path(desk, snapshot)) as file:
            return label_values(label, file.read(columns=[label.column]))
    except BadInput:
        # No such column, or one class alone: the rows are not labelled yet.
        return None


def _side(desk: Desk, found: Score, scores: Any, labels: Any) -> dict[str, Any]:
    import numpy as np

    known = None if labels is None else ~np.isnan(labels)
    quality = None if known is None else evaluate(labels[known], scores[known]).to_json()
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
