"""Drift of a model's live inputs against the training reference that travels with the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.clock import DAY
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.features.columns import NUMBER
from core.monitor import distance, significance
from core.monitor.cells import Cells, cells, displayed, points
from core.monitor.significance import LEAST_ROWS, Scatter

if TYPE_CHECKING:
    from core.training.artefact import Artefact, FeatureReference, Reference

# A displayed PSI from which a change is worth a name (Siddiqi, 2006: 0.1 to 0.25 is a moderate shift).
EFFECT = 0.2
# A rise in the share of missing values that is worth one.
MISSING_RISE = 0.05


@dataclass(frozen=True)
class FeatureDrift:
    """How one input differs from its reference; `n` counts the rows that are not missing.

    `psi` is over deciles (levels above 2 %), the other distances over every cell; `chi_square` is the p-value of the
    two-sample contingency test, were rows independent. `p` is the chance of so large a
    PSI without change, `adjusted` the same for all features looked at together, `significant` whether it is below the
    look's level, `drifted` whether the effect is large as well. Missing values are a measure of their own:
    `missing_jumped` says that their rate rose. Distances are None where they have no meaning for the kind.
    """

    name: str
    kind: str
    psi: float
    js: float
    ks: float | None
    wasserstein: float | None
    chi_square: float
    n: int
    p: float
    missing_rate: float | None
    reference_missing_rate: float | None
    missing_p: float
    unseen: int
    adjusted: float = 1.0
    significant: bool = False
    drifted: bool = False
    missing_jumped: bool = False

    @property
    def enough(self) -> bool:
        """Whether there are rows enough to say anything."""
        return self.n >= LEAST_ROWS


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
    inside = sum(artefact.importance.get(column.name, 0.0) for column in artefact.view if column.column in inputs)
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


def compared(
    name: str, kind: str, reference: Cells, current: Cells, at: Sequence[float] | None, scatter: Scatter
) -> FeatureDrift:
    """The distances between two sides over the same cells; `at` are a number's points."""
    return FeatureDrift(
        name=name,
        kind=kind,
        psi=distance.psi(*displayed(kind, reference, current)),
        js=distance.jensen_shannon(reference.all, current.all),
        ks=distance.kolmogorov_smirnov(reference.values, current.values) if at else None,
        wasserstein=distance.wasserstein(reference.values, current.values, at) if at else None,
        chi_square=significance.chi_square_tail(*distance.chi_square(reference.all, current.all)),
        n=current.rows,
        p=significance.psi_tail(reference.all, current.all, scatter),
        missing_rate=current.missing_rate,
        reference_missing_rate=reference.missing_rate,
        missing_p=significance.psi_tail([reference.missing, reference.rows], [current.missing, current.rows], scatter),
        unseen=current.strangers,
    )


def judge(found: Sequence[FeatureDrift], level: float) -> list[FeatureDrift]:
    """Correct for looking at all inputs at once and say which drifted, the largest PSI first."""
    adjusted = significance.holm([feature.p for feature in found])
    missing = significance.holm([feature.missing_p for feature in found])
    judged = [
        replace(
            feature,
            adjusted=p,
            significant=p <= level,
            drifted=p <= level and feature.psi >= EFFECT,
            missing_jumped=q <= level and _rise(feature) >= MISSING_RISE,
        )
        for feature, p, q in zip(found, adjusted, missing, strict=True)
    ]
    return sorted(judged, key=lambda feature: (-feature.psi, feature.name))


def _rise(feature: FeatureDrift) -> float:
    return (feature.missing_rate or 0.0) - (feature.reference_missing_rate or 0.0)
