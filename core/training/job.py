"""The job that trains: a snapshot in, a registered candidate version out, once however often it is tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.desk import Desk
from core.engines.engine import Engine
from core.features.lookups import lookups_of
from core.measures.scores import top
from core.training import fit as fitting
from core.training.artefact import Artefact
from core.training.decide import Decided
from core.training.fitting import Fitter
from core.training.material import Material, gather
from core.training.measured import extent, measured, of_fold
from core.training.origin import code_hash, environment
from core.training.plan import Plan
from core.training.record import Draft, Version, made_by, register
from core.training.reference import build_reference
from core.training.split import (
    STRATIFIED,
    TEMPORAL,
    Split,
    folds_before,
    require_parts,
)
from core.training.trial import run_trial, split_of
from core.work.progress import Progress, log


def train(desk: Desk, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Train a model version and register it as a candidate; the job kind `train`.

    `args` are those of `Plan`. The metrics are of a hold-out that the measured model never saw; the model that is
    registered is then fitted on all rows. A run that has registered its version already does nothing more.
    Raises NotFound for an unknown data set or snapshot, BadInput for data that cannot be trained on.
    """
    plan = Plan.of(args)
    version = made_by(desk.store, plan.model, plan.run_id)
    if version is None:
        progress(0.02, f"loading {plan.dataset}")
        version = register(desk, build(desk, plan, progress))
    progress(1.0, f"registered {version.model} version {version.version}")
    return summary(version)


def summary(version: Version) -> dict[str, Any]:
    """What a finished run tells."""
    return {
        "model": version.model,
        "version": version.version,
        "artefact": version.artefact,
        "task": version.task,
        "task_because": version.parameters["task_because"],
        "split": version.parameters["split"],
        "metrics": version.metrics,
        "cautions": version.parameters["cautions"],
    }


def build(desk: Desk, plan: Plan, progress: Progress) -> Draft:
    """Train a model and evaluate it, without registering anything."""
    with plan.engine.open(desk.settings.threads) as engine:
        return _built(desk, plan, engine, progress)


def _built(desk: Desk, plan: Plan, engine: Engine, progress: Progress) -> Draft:
    material = gather(desk, plan)
    split = split_of(plan, material)
    fitter = Fitter(desk.settings.threads, plan, material, progress, engine)
    parameters = {**_parameters(plan, material, split, fitter), **engine.told}
    log(progress, f"parameters: {json.dumps(parameters, sort_keys=True)}")
    rounds = fitter.best_rounds(split)
    folds = _folds(plan, material, split, fitter, rounds)
    trial = run_trial(plan, material, split, fitter, rounds)
    final = fitter.fit("final", "fitting on all rows", slice(None), rounds)
    progress(0.96, "keeping the training reference")
    cost = {"cost": trial.decided.cost} if trial.decided.cost else {}
    metrics = {**measured(material, trial.rows, trial.scores), **extent(material, split), **folds, **cost}
    return Draft(
        artefact=_artefact(plan, material, trial.decided, final),
        snapshot_id=material.snapshot_id,
        snapshot=material.snapshot,
        run_id=plan.run_id,
        code=code_hash(),
        environment=environment(),
        parameters={**parameters, "best_rounds": rounds},
        metrics=metrics,
    )


def _folds(plan: Plan, material: Material, split: Split, fitter: Fitter, rounds: int) -> dict[str, Any]:
    if not plan.folds:
        return {}
    folds = folds_before(material.times, split.fit, plan.folds, plan.gap_us)
    for fold in folds:
        require_parts(
            Split(fold.fit, fold.holdout, fold.from_us), material.labels, material.task, "ask for fewer folds"
        )
    found = []
    for number, fold in enumerate(folds, 1):
        booster = fitter.fit(f"fold{number}", f"fitting fold {number} of {plan.folds}", fold.fit, rounds)
        found.append(of_fold(material, fold, fitter.scores(booster, fold.holdout)))
    return {"folds": found}


def _artefact(plan: Plan, material: Material, decided: Decided, final: Any) -> Artefact:
    m = material
    return Artefact(
        model=plan.model,
        version=0,
        task=m.task,
        label=m.label,
        features=m.features,
        view=m.view,
        reference=build_reference(m.features, m.table, m.days, m.task, m.classes, m.labels, top(decided.live)),
        threshold=decided.threshold,
        importance=fitting.gains(final, m.view),
        booster=fitting.booster_text(final),
        classes=m.classes,
        calibration=decided.calibration,
        lookups=lookups_of(m.saved) if m.saved else None,
    )


def _parameters(plan: Plan, material: Material, split: Split, fitter: Fitter) -> dict[str, Any]:
    """Everything that makes the version what it is: `core.training.again` reads it back."""
    return {
        **fitter.parameters,
        "dataset": plan.dataset,
        "snapshot": material.snapshot,
        "label": material.label,
        "task": material.task,
        "task_because": material.why,
        "split": plan.split,
        "group": plan.group,
        "folds": plan.folds,
        "gap_us": plan.gap_us,
        "holdout_from_us": split.from_us,
        "encode": plan.cycles,
        "exclude": list(plan.exclude),
        "features": list(material.allowed),
        "time": material.time_column or "",
        "rounds": plan.rounds,
        "early_stopping": plan.early_stopping,
        "class_weight": plan.class_weight,
        "monotone": plan.monotone,
        "param": plan.param,
        "seed": plan.seed,
        "cautions": cautions(plan, material),
        **({"view": material.saved.text, "view_sha256": material.saved.sha256} if material.saved else {}),
        **({"calibrate": plan.calibrate} if plan.calibrate else {}),
        **({"cost": plan.cost} if plan.cost else {}),
        **({"sources": material.sources} if material.sources else {}),
    }


def cautions(plan: Plan, material: Material) -> list[str]:
    """What the reader of the version's figures must know about how they came to be."""
    found = []
    if plan.split != TEMPORAL and material.times is None:
        found.append("the data have no time: nothing says that the hold-out is like what comes later")
    if plan.split == STRATIFIED and material.times is not None:
        found.append("the hold-out was drawn from the same times as the rows fitted on: later traffic will do worse")
    if plan.class_weight:
        found.append(
            "class weights shift the probabilities towards the heavier classes: calibrate them before use as shares"
        )
    return found
