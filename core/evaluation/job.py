"""The job that measures a version on rows and keeps the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.desk import Desk
from core.evaluation.against import against
from core.evaluation.fairness import fairness
from core.evaluation.measured import measured
from core.evaluation.overall import explanations
from core.evaluation.plan import Asked
from core.evaluation.record import keep
from core.evaluation.robustness import robustness
from core.evaluation.rows import extent, gather_rows
from core.evaluation.weakest import weakest

Progress = Callable[[float, str], None]


def evaluate(desk: Desk, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure a version on its hold-out, or on a snapshot, and keep the report; the job kind `evaluate`.

    `args` are those of `Asked`. Raises NotFound for an unknown version or snapshot, BadInput for rows that cannot be
    measured.
    """
    asked = Asked.of(args)
    progress(0.02, "loading the rows")
    rows = gather_rows(desk, asked, lambda done: progress(0.02 + 0.28 * done, "fitting the hold-out's model again"))
    progress(0.3, f"measuring {len(rows.labels)} rows")
    report = {"task": rows.artefact.task, **extent(rows), **measured(rows)}
    report["fairness"] = [fairness(rows, by, asked.least) for by in asked.by]
    if asked.against is not None:
        progress(0.5, f"comparing with version {asked.against}")
        report["against"] = against(desk, rows, asked.against, lambda _: None)
    progress(0.6, "looking for the weakest slices")
    report["weakest"] = weakest(rows, asked.least)
    threads = desk.settings.threads
    report["robustness"] = robustness(
        rows, asked.least, threads, lambda done: progress(0.7 + 0.25 * done, "disturbing the inputs")
    )
    report["explanations"] = explanations(rows, threads)
    kept = keep(desk, rows.version.model, rows.version.version, rows.snapshot_id, report)
    progress(1.0, f"kept report {kept.id}")
    return {"evaluation": kept.id, "model": kept.model, "version": kept.version, "report": report}
