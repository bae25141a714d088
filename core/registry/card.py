"""The model card: what a version is, what it was made from, how good it is and on what, as Markdown."""

from __future__ import annotations

from core.clock import iso
from core.desk import Desk
from core.ledger import timeline
from core.registry.versions import Version, load_artefact, version
from core.training.artefact import Artefact


def card(desk: Desk, model: str, number: int | None = None) -> str:
    """A version's card, the latest without a number. Raises NotFound, and StoreUnusable for a damaged model file."""
    found = version(desk.store, model, number)
    artefact = load_artefact(desk, model, found.version)
    parts = [_head(found, artefact), _quality(found), _data(found, artefact), _inputs(artefact), _making(found)]
    return "\n\n".join([*parts, _history(desk, found)]) + "\n"


def _head(found: Version, artefact: Artefact) -> str:
    return (
        f"# {found.model}, version {found.version}\n\n"
        f"Predicts the probability of `{artefact.label}`. Stage: **{found.stage}**. "
        f"Registered {iso(found.created_us)}.\n\nModel file `{found.artefact}`."
    )


def _quality(found: Version) -> str:
    m = found.metrics
    lines = [
        "## Quality",
        "Measured on rows later than every row fitted on; the registered model is then fitted on all rows.",
        "",
        "| measure | value |",
        "|---|---|",
        f"| AUC (95 % interval) | {m['auc']:.4f} ({m['auc_low']:.4f} to {m['auc_high']:.4f}) |",
        f"| log loss | {m['logloss']:.4f} |",
        f"| Brier score | {m['brier']:.4f} |",
        f"| base rate | {m['base_rate']:.4f} |",
        f"| hold-out | {m['n']} rows from {iso(m['holdout_from_us'])}, {m['positives']} positive |",
    ]
    return "\n".join(lines)


def _data(found: Version, artefact: Artefact) -> str:
    negatives, positives = artefact.reference.labels
    return (
        f"## Data\n\nSnapshot `{found.parameters['snapshot']}`: {artefact.reference.rows} labelled rows on "
        f"{artefact.reference.days} days, {positives} positive and {negatives} negative; "
        f"{found.metrics['unlabelled']} rows without a label or a time were left out, perhaps not at random."
    )


def _inputs(artefact: Artefact) -> str:
    gains: dict[str, float] = {}
    for column in artefact.view:
        # A column made of several inputs counts for each of them in equal parts.
        for name in column.reads:
            gains[name] = gains.get(name, 0.0) + artefact.importance[column.name] / len(column.reads)
    total = sum(gains.values()) or 1.0
    lines = ["## Inputs", "", "| input | kind | share of gain | missing in training | day-to-day scatter |"]
    lines.append("|---|---|---|---|---|")
    for feature in sorted(artefact.features, key=lambda feature: -gains.get(feature.name, 0.0)):
        entry = artefact.reference.features[feature.name]
        share, missing = gains.get(feature.name, 0.0) / total, entry.counts[0] / max(1, artefact.reference.rows)
        lines.append(f"| {feature.name} | {feature.kind} | {share:.1%} | {missing:.1%} | {entry.overdispersion:.1f} |")
    return "\n".join(lines)


def _making(found: Version) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in found.parameters.items() if not isinstance(value, dict))
    where = ", ".join(f"{name} {value}" for name, value in found.environment.items())
    encoded = ", ".join(f"{name} over {period:g}" for name, period in found.parameters["encode"].items()) or "none"
    return f"## Making\n\nParameters: {settings}.\n\nCycles: {encoded}.\n\nCode `{found.code}`, on {where}."


def _history(desk: Desk, found: Version) -> str:
    kinds = ("model.", "deploy.", "rollback.")
    events = [event for event in timeline(desk.store, kinds=kinds, model=found.model) if event.version == found.version]
    lines = [f"- {iso(event.at_us)} {event.kind} by {event.actor}{_where(event.endpoint)}" for event in events]
    return "\n".join(["## History", "", *(lines or ["Nothing yet."])])


def _where(endpoint: str | None) -> str:
    return f" on {endpoint}" if endpoint else ""
