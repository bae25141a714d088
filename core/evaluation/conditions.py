"""The conditions that slices are made of: a few ranges of each number, the commoner levels of each category."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.evaluation.rows import Scored
from core.features.columns import Feature
from core.measures.bins import ABOVE, BELOW, FIRST, MISSING
from core.measures.values import CATEGORY
from core.training.artefact import FeatureReference

RANGES = 8
LEVELS = 20


@dataclass(frozen=True)
class Condition:
    """One condition on an input: how it is written, and which rows meet it."""

    feature: str
    text: str
    mask: Any


def conditions(rows: Scored) -> list[Condition]:
    """Every condition on the model's inputs, by the bins and levels of its training reference."""
    found: list[Condition] = []
    for feature in rows.artefact.features:
        entry = rows.artefact.reference.features[feature.name]
        places = entry.bins.indices(rows.table.column(feature.name))
        found.append(Condition(feature.name, f"{feature.name} is missing", places == MISSING))
        found.extend(_levels(feature, places) if feature.kind == CATEGORY else _ranges(feature, entry, places))
    return found


def _levels(feature: Feature, places: Any) -> list[Condition]:
    return [
        Condition(feature.name, f"{feature.name}={level}", places == FIRST + place)
        for place, level in enumerate(feature.levels[:LEVELS])
    ]


def _ranges(feature: Feature, entry: FeatureReference, places: Any) -> list[Condition]:
    """Ranges by the eighths of the reference, open to what lies beyond it; none for a number of one value."""
    import numpy as np

    share = np.cumsum(entry.counts[FIRST:]) / max(1, sum(entry.counts[FIRST:]))
    cuts = sorted({int(np.searchsorted(share, k / RANGES)) + 1 for k in range(1, RANGES)} - {len(share)})
    values, bounds = entry.bins, [entry.edges[cut] for cut in cuts]
    place_of = [values.index(bound) for bound in bounds]
    # Below comes before the first bin and above after the last, whatever their numbers.
    ordered = np.where(places == ABOVE, len(entry.counts), np.where(places == BELOW, FIRST - 1, places))
    known = places >= BELOW
    limits = [(None, -np.inf), *zip(bounds, place_of, strict=True), (None, np.inf)]
    inner = list(pairwise(limits[1:-1]))
    # Both sides of every cut, and each range between two neighbours.
    asked = [pair for limit in limits[1:-1] for pair in ((limits[0], limit), (limit, limits[-1]))] + inner
    return [
        Condition(feature.name, _range(feature.name, low, high), known & (ordered >= start) & (ordered < end))
        for (low, start), (high, end) in asked
    ]


def _range(name: str, low: float | None, high: float | None) -> str:
    if low is None:
        return f"{name}<{high:g}"
    return f"{name}>={low:g}" if high is None else f"{low:g}<={name}<{high:g}"
