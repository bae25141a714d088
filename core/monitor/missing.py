"""How often inputs are missing from live requests: a measure of its own, never part of a distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.counts import series
from core.counts.series import SeriesKey
from core.measures.bins import MISSING
from core.store import Store

# Where a request's counts stand in its vector: [total, errors, rejected, with a missing input].
_TOTAL, _LACKING = 0, 3


@dataclass(frozen=True)
class Missing:
    """Requests of a window, how many lacked an input (`share`: None for no requests), and how often each is missing."""

    requests: int
    lacking: int
    share: float | None
    features: Mapping[str, float]


def rate(store: Store, model: str, version: int, endpoint: str, from_us: int, to_us: int) -> Missing:
    """The missing inputs of what a version was asked at an endpoint in [from, to)."""
    vec = series.read_sum(store, SeriesKey("requests", model, version, endpoint), from_us, to_us)
    requests, lacking = (vec[_TOTAL], vec[_LACKING]) if len(vec) > _LACKING else (0, 0)
    features: dict[str, float] = {}
    for key in series.keys(store, kind="feature", model=model, version=version, endpoint=endpoint):
        counts = series.read_sum(store, key, from_us, to_us)
        if sum(counts):
            features[key.name] = counts[MISSING] / sum(counts)
    return Missing(requests, lacking, lacking / requests if requests else None, features)
