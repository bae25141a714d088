"""The training reference: how inputs, scores and labels were distributed, kept in the model to measure drift by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.features.columns import Feature
from core.measures.bins import Bins, level_bins, number_bins
from core.measures.scores import counted, quantile_edges
from core.measures.tasks import REGRESSION
from core.measures.values import CATEGORY
from core.training.artefact import FeatureReference, Reference
from core.training.target import class_counts


def build_reference(
    features: Sequence[Feature], table: Any, days: Any | None, task: str, classes: Sequence[str], labels: Any, top: Any
) -> Reference:
    """The reference of labelled rows: `table`, `days` (day numbers, None without times) and `labels` of one length.

    `top` are the hold-out's scores as serving tells them (see `core.measures.scores`), made by a model that had not
    seen it: the distribution to expect live.
    """
    import numpy as np

    numbers = np.unique(days, return_inverse=True)[1] if days is not None else np.zeros(len(labels), dtype=np.int64)
    edges = quantile_edges(top) if task == REGRESSION else ()
    return Reference(
        rows=len(labels),
        features={feature.name: _feature(feature, table.column(feature.name), numbers) for feature in features},
        score=tuple(counted(top, edges)),
        labels=() if task == REGRESSION else tuple(class_counts(labels, classes or ("0", "1"))),
        days=int(numbers.max()) + 1 if days is not None else 0,
        score_edges=edges,
        scale=float(labels.std()) if task == REGRESSION else 1.0,
    )


def _feature(feature: Feature, column: Any, days: Any) -> FeatureReference:
    import numpy as np

    bins: Bins = level_bins(feature.levels) if feature.kind == CATEGORY else number_bins(column)
    places = bins.indices(column)
    entry = bins.to_json()
    return FeatureReference(
        kind=feature.kind,
        edges=tuple(entry.get("edges", ())),
        levels=tuple(entry.get("levels", ())),
        counts=tuple(np.bincount(places, minlength=bins.size).tolist()),
        overdispersion=overdispersion(places, days, bins.size),
    )


def overdispersion(places: Any, days: Any, size: int) -> float:
    """How many times more the days' counts scatter than independent rows would: Pearson's homogeneity statistic over
    its degrees of freedom (McCullagh and Nelder 1989, 4.5.2), at least 1; 1 for fewer than two days or bins.

    `places` are indices below `size`, `days` day numbers from 0, one for each row.
    """
    import numpy as np

    rows = int(days.max()) + 1 if len(days) else 0
    counts = np.bincount(days * size + places, minlength=rows * size).reshape(rows, size).astype(float)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape, default=0) < 2:
        return 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return max(1.0, statistic / float((counts.shape[0] - 1) * (counts.shape[1] - 1)))
