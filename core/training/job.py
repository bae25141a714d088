"""The job that trains: a snapshot in, a registered candidate version out, once however often it is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import DAY, iso
from core.desk import Desk
from core.errors import BadInput
from core.features.columns import Feature, ViewColumn
from core.features.events import event_times
from core.features.join import joined, source_events
from core.features.learn import learn
from core.features.lookups import lookups_of
from core.features.saved import SavedView, saved_view
from core.features.view import apply, default_view
from core.measures.evaluate import best_threshold, evaluate
from core.training import fit as fitting
from core.training.artefact import Artefact
from core.training.inputs import choose_features, viewed_features
from core.training.label import label_values, parse_label
from core.training.origin import code_hash, environment
from core.training.plan import Plan
from core.training.record import Draft, Version, made_by, register, require_label
from core.training.reference import build_reference
from core.training.split import Split, temporal_split

Progress = Callable[..., None]


@dataclass(frozen=True)
class Material:
    """The labelled rows of a snapshot, ready to fit: raw table, booster matrix, labels and times of one length."""

    snapshot_id: int
    snapshot: str
    label: str
    features: tuple[Feature, ...]
    view: tuple[ViewColumn, ...]
    table: Any
    matrix: Any
    labels: Any
    times: Any
    dropped: int
    saved: SavedView | None
    sources: dict[str, int]


def train(desk: Desk, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Train a model version and register it as a candidate; the job kind `train`.

    `args` are those of `Plan`. The metrics are of a hold-out later than every row fitted on; the model that is
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
        "metrics": version.metrics,
    }


def build(desk: Desk, plan: Plan, progress: Progress) -> Draft:
    """Train a model and evaluate it, without registering anything."""
    material = gather(desk, plan)
    split = temporal_split(material.times, material.labels, plan.holdout_from_us)
    progress(0.05, f"fitting {int(split.fit.sum())} rows before {iso(split.from_us)}")
    trial = _fit(desk, plan, material, split.fit, lambda done: progress(0.05 + 0.4 * done, "fitting for the hold-out"))
    truth = material.labels[split.holdout]
    scores = trial.predict(material.matrix[split.holdout], num_threads=desk.settings.threads)
    final = _fit(desk, plan, material, slice(None), lambda done: progress(0.45 + 0.5 * done, "fitting on all rows"))
    progress(0.96, "keeping the training reference")
    artefact = Artefact(
        model=plan.model,
        version=0,
        task="binary",
        label=material.label,
        features=material.features,
        view=material.view,
        reference=build_reference(material.features, material.table, material.times, material.labels, scores),
        threshold=best_threshold(truth, scores),
        importance=fitting.gains(final, material.view),
        booster=fitting.booster_text(final),
        lookups=lookups_of(material.saved) if material.saved else None,
    )
    metrics = {**evaluate(truth, scores).to_json(), **_extent(material, split)}
    return Draft(
        artefact=artefact,
        snapshot_id=material.snapshot_id,
        snapshot=material.snapshot,
        run_id=plan.run_id,
        code=code_hash(),
        environment=environment(),
        parameters=_parameters(plan, material, split),
        metrics=metrics,
    )


def gather(desk: Desk, plan: Plan) -> Material:
    """Load a snapshot's labelled rows and compute the booster's matrix."""
    import numpy as np

    from core.datasets import load, rows

    snapshot = rows.snapshot(desk.store, plan.dataset, plan.snapshot)
    contract = rows.contract(desk.store, plan.dataset).contract
    table = load.load(desk, snapshot)
    label = parse_label(plan.label or contract.label or _no_label(), table.column_names)
    require_label(desk.store, plan.model, label.text)
    labels = label_values(label, table)
    times = event_times(table, contract.time_column or snapshot.time_column, plan.dataset)
    usable = ~np.isnan(labels) & (times >= 0)
    kept = table.filter(usable)
    saved = saved_view(desk.store, plan.view) if plan.view else None
    sources: dict[str, int] = {}
    if saved is None:
        features = choose_features(contract.used_as("feature"), kept, label.column, plan.exclude)
        view = default_view(features, plan.cycles)
    else:
        events, sources = source_events(desk, saved.view, {plan.dataset: snapshot.number, **plan.sources})
        kept = joined(saved.view, events, kept, times[usable])
        features, kept = viewed_features(saved, contract, kept, label.column)
        view = learn(saved.pinned, features, kept)
    return Material(
        snapshot_id=snapshot.id,
        snapshot=f"{snapshot.dataset}/{snapshot.number}",
        label=label.text,
        features=features,
        view=view,
        table=kept,
        matrix=apply(view, features, kept),
        labels=labels[usable],
        times=times[usable],
        dropped=int((~usable).sum()),
        saved=saved,
        sources=sources,
    )


def _no_label() -> str:
    raise BadInput("the contract names no label", "say what to predict with --label")


def _fit(desk: Desk, plan: Plan, material: Material, part: Any, report: Callable[[float], None]) -> Any:
    return fitting.fit(
        material.matrix[part],
        material.labels[part],
        categories=fitting.category_places(material.features, material.view),
        rounds=plan.rounds,
        seed=plan.seed,
        threads=desk.settings.threads,
        report=report,
    )


def _extent(material: Material, split: Split) -> dict[str, Any]:
    """What the metrics were measured on, beside the metrics."""
    return {
        "fit_rows": int(split.fit.sum()),
        "rows": len(material.labels),
        "unlabelled": material.dropped,
        "holdout_from_us": split.from_us,
        "holdout_days": round((int(material.times.max()) - split.from_us) / DAY, 2),
    }


def _parameters(plan: Plan, material: Material, split: Split) -> dict[str, Any]:
    return {
        **fitting.PARAMETERS,
        "dataset": plan.dataset,
        "snapshot": material.snapshot,
        "label": material.label,
        "holdout_from_us": split.from_us,
        "encode": plan.cycles,
        "exclude": list(plan.exclude),
        "rounds": plan.rounds,
        "seed": plan.seed,
        **({"view": material.saved.text, "view_sha256": material.saved.sha256} if material.saved else {}),
        **({"sources": material.sources} if material.sources else {}),
    }
