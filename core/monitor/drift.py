"""Drift of a model's live inputs against the training reference that travels with the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.clock import DAY
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.measures import significance
from core.measures.cells import cells, points
from core.measures.comparison import FeatureDrift, compared, judge
from core.measures.significance import Scatter
from core.measures.values import NUMBER

if TYPE_CHECKING:
    from core.training.artefact import Artefact, FeatureReference, Reference


@dataclass(frozen=True)
class DriftReport:
    """All inputs of a version in a window, the largest PSI first; `n` is the rows of the fullest input.

    `impact` is the share of the model's gain that the drifted inputs have; 0 where none drifted.
    """

    model: str
    version: int
    endpoint: str
    from_us: int
    to_us: int
    n: int
    level: float
    impact: float
    features: list[FeatureDrift]

    @property
    def drifted(self) -> list[str]:
        """The inputs that drifted, largest first."""
        return [feature.name for feature in self.features if feature.drifted]

    @property
    def missing_jumped(self) -> list[str]:
        """The inputs that go missing more often than in training."""
        return [feature.name for feature in self.features if feature.missing_jumped]


def measure(
    desk: Desk, model: str, version: int, endpoint: str, from_us: int, to_us: int, *, look_us: int = DAY
) -> DriftReport:
    """Compare the inputs counted in [from, to) with the version's training reference.

    `look_us` is how often this is looked at: a look a day may raise one false alarm a month in all. Raises NotFound
    where there is no such version.
    """
    from core.registry.versions import load_artefact

    artefact = load_artefact(desk, model, version)
    level = significance.level(look_us)
    features = against_reference(desk, artefact, endpoint, from_us, to_us, level)
    return DriftReport(
        model=model,
        version=version,
        endpoint=endpoint,
        from_us=from_us,
        to_us=to_us,
        n=max((feature.n for feature in features), default=0),
        level=level,
        impact=impact(artefact, {feature.name for feature in features if feature.drifted}),
        features=features,
    )


def against_reference(
    desk: Desk, artefact: Artefact, endpoint: str, from_us: int, to_us: int, level: float
) -> list[FeatureDrift]:
    """The inputs that a version counted at an endpoint in [from, to), judged at a family-wise level."""
    found = []
    for name, entry in artefact.reference.features.items():
        key = SeriesKey("feature", artefact.model, artefact.version, endpoint, name)
        live = series.read_sum(desk.store, key, from_us, to_us)
        found.append(of_counts(name, entry, live, scatter_of(artefact.reference, entry)))
    return judge(found, level)


def impact(artefact: Artefact, inputs: set[str]) -> float:
    """The share of the model's gain in columns made of these inputs; 0 for none, or for a model without gain."""
    total = sum(artefact.importance.values())
    columns = [column.name for column in artefact.view if inputs.intersection(column.reads)]
    inside = sum(artefact.importance.get(name, 0.0) for name in columns)
    return inside / total if total else 0.0


def scatter_of(reference: Reference, entry: FeatureReference) -> Scatter:
    """How the reference's days scatter; rows count as independent where it had no days."""
    if reference.days < 2:
        return significance.INDEPENDENT
    return Scatter(entry.overdispersion, reference.rows / reference.days)


def of_counts(name: str, entry: FeatureReference, live: Sequence[int], scatter: Scatter) -> FeatureDrift:
    """The distances of one input's live counts from its reference; not yet judged."""
    size = len(entry.counts)
    edges = points(entry.edges) if entry.kind == NUMBER else None
    return compared(
        name, entry.kind, cells(entry.kind, entry.counts, size), cells(entry.kind, live, size), edges, scatter
    )
