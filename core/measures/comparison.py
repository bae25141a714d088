"""How one column differs between two sides, and whether it does by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.measures import distance, significance
from core.measures.cells import Cells, displayed
from core.measures.significance import LEAST_ROWS, Scatter

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
