"""What changed when a version was switched: the live inputs, or what the new version was trained to expect of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from core.clock import DAY
from core.desk import Desk
from core.errors import CheckFailed
from core.measures.cells import cells
from core.measures.comparison import FeatureDrift
from core.measures.distance import total_variation
from core.measures.ranking import SCORE_BINS, auc, score_bin
from core.measures.tasks import BINARY
from core.measures.values import NUMBER
from core.monitor import inputs, samples
from core.monitor.drift import against_reference
from core.monitor.quality import Measure, measure

if TYPE_CHECKING:
    from core.training.artefact import Artefact, FeatureReference

# How far back the old version's traffic is looked at.
BEFORE_US = 7 * DAY
# A live input this far from the new reference, and this much farther than from the old one, is skewed.
SKEWED_PSI = 0.25
# References closer than this are the same: then a distance from live inputs is drift, not skew.
REFERENCE_GAP = 0.1
# The family-wise level of the look: an investigation is one look at all inputs.
LEVEL = 0.01


@dataclass(frozen=True)
class Skewed:
    """One input that is served as the new version was not trained on it: the PSI of what came after the switch from
    its reference, and of what came before from the old version's."""

    feature: str
    psi_new: float
    psi_old: float


@dataclass(frozen=True)
class Skew:
    """What a switch of versions changed.

    `same_inputs` says whether live inputs were the same before and after (None: too few samples), over the skewed
    inputs where there are any, else over all; `ks` and `ks_feature` are the most unusual of those changes (total
    variation for a category), `n_before` and `n_after` the samples compared, of the same times of day. Qualities are
    the old version's over the seven days before, and the new one's since.
    """

    same_inputs: bool | None
    ks: float
    ks_feature: str
    n_before: int
    n_after: int
    skewed: list[Skewed]
    quality_before: Measure
    quality_after: Measure


@dataclass(frozen=True)
class Help:
    """Both versions' AUC on the same labelled samples; None where they hold one class only."""

    auc_old: float | None
    auc_new: float | None
    n: int


def explain(
    desk: Desk, model: str, endpoint: str, old_version: int, new_version: int, switched_us: int, now_us: int
) -> Skew:
    """Compare live inputs and quality across a switch, and live inputs with what each version was trained on.

    `old_version` equals `new_version` where there was no version before. Raises NotFound for an unknown version.
    """
    from core.registry.versions import load_artefact

    new = load_artefact(desk, model, new_version)
    old = new if old_version == new_version else load_artefact(desk, model, old_version)
    start = switched_us - BEFORE_US
    # Without an old version to tell a time of day from a skew, a whole day must have passed.
    found = (
        []
        if old is new and now_us - switched_us < DAY
        else _skewed(
            new,
            _judged(desk, new, endpoint, switched_us, now_us),
            old,
            _judged(desk, old, endpoint, start, switched_us),
        )
    )
    before = _same_hours(
        samples.window(desk.store, model, endpoint, old_version, start, switched_us), switched_us, now_us
    )
    after = samples.window(desk.store, model, endpoint, new_version, switched_us, now_us)
    names = {one.feature for one in found}
    changed = inputs.changes([f for f in new.features if f.name in names or not names], before, after)
    return Skew(
        same_inputs=inputs.same(changed) if changed else None,
        ks=changed[0].distance if changed else 0.0,
        ks_feature=changed[0].feature if changed else "",
        n_before=len(before),
        n_after=len(after),
        skewed=found,
        quality_before=measure(desk.store, model, old_version, endpoint, start, switched_us),
        quality_after=measure(desk.store, model, new_version, endpoint, switched_us, now_us),
    )


def would_help(desk: Desk, model: str, endpoint: str, old_version: int, new_version: int, now_us: int) -> Help:
    """Score the labelled samples of the seven days before `now_us` with both versions.

    Says what going back would be worth on the very requests that came. Raises NotFound for an unknown version,
    BadInput for a damaged one, CheckFailed where samples keep no value of an input, as its contract asks.
    """
    from core.endpoints.sensitive import hidden
    from core.registry.versions import load_artefact

    found = samples.labelled(desk.store, model, endpoint, now_us - BEFORE_US, now_us)
    if not found:
        return Help(None, None, 0)
    old, new = (load_artefact(desk, model, version) for version in (old_version, new_version))
    lacking = {feature.name for feature in (*old.features, *new.features)}.intersection(hidden(desk.store, model))
    if lacking:
        raise CheckFailed(f"samples keep no values of {', '.join(sorted(lacking))}", "declare them `encrypt` instead")
    return Help(_auc(old, found, desk.settings.threads), _auc(new, found, desk.settings.threads), len(found))


def reference_gap(left: FeatureReference, right: FeatureReference) -> float:
    """The least KS distance between two references that their bins allow, though their edges differ, in 0..1.

    For categories the total variation over the levels of both. References of different kinds are 1 apart.
    """
    if left.kind != right.kind:
        return 1.0
    if left.kind == NUMBER:
        return max(_one_way(left, right), _one_way(right, left))
    known = sorted({*left.levels, *right.levels})
    return total_variation(_on(left, known), _on(right, known))


def _judged(desk: Desk, artefact: Artefact, endpoint: str, from_us: int, to_us: int) -> dict[str, FeatureDrift]:
    return {one.name: one for one in against_reference(desk, artefact, endpoint, from_us, to_us, LEVEL)}


def _same_hours(before: Sequence[samples.Sample], switched_us: int, now_us: int) -> list[samples.Sample]:
    """The samples of the times of day that have passed since the switch, as mornings differ from evenings anyway."""
    return [one for one in before if (one.at_us - switched_us) % DAY < now_us - switched_us]


def _skewed(
    new: Artefact, after: dict[str, FeatureDrift], old: Artefact, before: dict[str, FeatureDrift]
) -> list[Skewed]:
    """The inputs far from the new reference, far more than before from the old, where the references differ."""
    found = []
    for name, now in after.items():
        then = before.get(name)
        psi_old = then.psi if then else 0.0
        far = now.significant and now.psi >= SKEWED_PSI and now.psi >= psi_old + SKEWED_PSI
        if far and (old is new or name not in before or _references_differ(old, new, name)):
            found.append(Skewed(name, now.psi, psi_old))
    return sorted(found, key=lambda one: (one.psi_old - one.psi_new, one.feature))


def _references_differ(old: Artefact, new: Artefact, name: str) -> bool:
    return reference_gap(old.reference.features[name], new.reference.features[name]) >= REFERENCE_GAP


def _one_way(exact: FeatureReference, bounded: FeatureReference) -> float:
    """The largest gap at the first one's edges: its share is exact there, the other's between two of its own."""
    shares, others = _cumulative(exact), _cumulative(bounded)
    gap = 0.0
    for place, edge in enumerate(exact.edges):
        at = bisect_right(bounded.edges, edge)
        low = others[at - 1] if at else 0.0
        high = low if at and bounded.edges[at - 1] == edge else (others[at] if at < len(others) else 1.0)
        gap = max(gap, shares[place] - high, low - shares[place])
    return gap


def _cumulative(entry: FeatureReference) -> list[float]:
    """The share of the reference below each edge."""
    values = cells(entry.kind, entry.counts, len(entry.counts)).values
    total = sum(values) or 1
    return [count / total for count in accumulate(values[:-1])]


def _on(entry: FeatureReference, known: Sequence[str]) -> list[int]:
    counts = dict(zip(entry.levels, cells(entry.kind, entry.counts, len(entry.counts)).values, strict=True))
    return [counts.get(level, 0) for level in known]


def _auc(artefact: Artefact, found: Sequence[samples.Sample], threads: int) -> float | None:
    if artefact.task != BINARY:
        return None
    from core.training.booster import score_table

    scores = score_table(artefact, samples.as_table(found, artefact.features), threads=threads)
    neg, pos = [0] * SCORE_BINS, [0] * SCORE_BINS
    for score, one in zip(scores.tolist(), found, strict=True):
        (pos if one.label else neg)[score_bin(score)] += 1
    return auc(neg, pos)
