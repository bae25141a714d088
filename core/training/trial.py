"""The trial: a booster that has not seen the hold-out, and what is settled and measured with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.clock import iso
from core.training.decide import Decided, settle
from core.training.fitting import Fitter
from core.training.material import Material
from core.training.plan import Plan
from core.training.split import GROUPED, STRATIFIED, Split, grouped_split, stratified_split, temporal_split


@dataclass(frozen=True)
class Trial:
    """`rows` is the mask (of all rows) of those measured, `scores` what is measured of them: all of the hold-out, or
    the part that a calibration was not fitted on."""

    booster: Any
    decided: Decided
    rows: Any
    scores: Any


def run_trial(plan: Plan, material: Material, split: Split, fitter: Fitter, rounds: int) -> Trial:
    """Fit on what is not held out, and settle the calibration and the threshold on the hold-out; the same plan and
    rows give the same trial. Raises BadInput where the hold-out cannot carry what the plan asks to be settled."""
    where = f"before {iso(split.from_us)}" if split.from_us is not None else f"of a {plan.split} split"
    text = f"fitting {int(split.fit.sum())} rows {where}"
    booster = fitter.fit("trial", text, split.fit, rounds, held=split.holdout)
    decided = settle(plan, material, split, fitter.scores(booster, split.holdout))
    rows = split.holdout.copy()
    rows[split.holdout] = decided.measured
    return Trial(booster, decided, rows, decided.scores[decided.measured])


def split_of(plan: Plan, material: Material) -> Split:
    """The rows to fit on and the hold-out, as the plan asks for them."""
    m, task = material, material.task
    if plan.split == GROUPED:
        return grouped_split(m.groups, m.times, m.labels, plan.holdout_from_us, task=task, seed=plan.seed)
    if plan.split == STRATIFIED:
        return stratified_split(m.labels, task=task, seed=plan.seed)
    return temporal_split(m.times, m.labels, plan.holdout_from_us, task=task, gap_us=plan.gap_us)
