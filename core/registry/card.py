"""The model card: what a version is, what it was made from, how good it is and on what, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.ledger import timeline
from core.registry.approval import approvals
from core.registry.gate import standing
from core.registry.measured import Figure, as_figure, measured, section
from core.registry.notes import notes
from core.registry.versions import Version, load_artefact, version
from core.registry.waivers import waivers
from core.training.artefact import Artefact

TASKS = {
    "binary": "tabular-classification",
    "multiclass": "tabular-classification",
    "regression": "tabular-regression",
}
MEASURED = ("auc", "logloss", "brier", "accuracy", "rmse", "mae")
UNWRITTEN = """## Intended use

Nobody has written yet what it is for, where it ends and whom to ask: `tocsin model card {model} --notes FILE`."""


def card(desk: Desk, model: str, number: int | None = None) -> str:
    """A version's card, the latest without a number. Raises NotFound, and StoreUnusable for a damaged model file."""
    found = version(desk.store, model, number)
    artefact = load_artefact(desk, model, found.version)
    written = notes(desk.store, model)
    parts = [
        f"---\n{front_matter(found, artefact)}---",
        _head(found, artefact),
        written.text.strip() if written else UNWRITTEN.format(model=model),
        _quality(found),
        *_reported(desk, found),
        _data(found, artefact),
        _inputs(artefact),
        _making(found),
        _judged(desk, found),
        _history(desk, found),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(found: Version, artefact: Artefact) -> str:
    """The YAML that model hubs read: https://huggingface.co/docs/hub/model-cards (`model-index` with its metrics)."""
    import yaml

    dataset = str(found.parameters.get("snapshot", ""))
    task = {"type": TASKS.get(artefact.task, artefact.task)}
    figures = [{"type": name, "value": value} for name, value in found.metrics.items() if name in MEASURED]
    result = {"task": task, "dataset": {"name": dataset, "type": dataset.partition("/")[0]}, "metrics": figures}
    plain = {
        "license": "other",
        "library_name": "lightgbm",
        "tags": ["tabular", TASKS.get(artefact.task, artefact.task), "tocsin"],
        "datasets": [dataset.partition("/")[0]],
        "metrics": [figure["type"] for figure in figures],
        "model-index": [{"name": f"{found.model}-v{found.version}", "results": [result]}],
    }
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text


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


def _reported(desk: Desk, found: Version) -> Iterator[str]:
    """What later evaluations say beyond the hold-out: metrics with intervals, gaps between groups, trials."""
    reports = [each for each in measured(desk.store, found) if "metrics" in each.report]
    newest = next((each for each in reports if each.source.startswith("evaluation")), None)
    if newest is not None:
        figures = {name: as_figure(part, newest.source) for name, part in newest.report["metrics"].items()}
        lines = [f"| {name} | {figure.value:.4f}{_interval(figure)} |" for name, figure in figures.items() if figure]
        yield "\n".join(["## Evaluation", "", f"{newest.source}.", "", "| measure | value |", "|---|---|", *lines])
    gaps, source = section(reports, "fairness")
    if gaps:
        lines = [f"- by {', '.join(each['by'])}: {_gaps(each['gaps'], source)}" for each in gaps]
        yield "\n".join(["## Fairness", "", *lines])
    trials, _ = section(reports, "robustness")
    if trials:
        lines = [
            f"- {trial.replace('_', ' ')} {each.get('feature', '')}: drop {each['drop']:.4f}"
            for trial, tried in trials.items()
            for each in tried
        ]
        yield "\n".join(["## Robustness", "", *lines])


def _gaps(gaps: Mapping[str, Any], source: str) -> str:
    figures = {name: as_figure(part, source) for name, part in gaps.items()}
    return ", ".join(f"{name} {one.value:.4f}{_interval(one)}" for name, one in figures.items() if one)


def _interval(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f" ({figure.low:.4f} to {figure.high:.4f})"


def _judged(desk: Desk, found: Version) -> str:
    """The gate in force, who approved, and every waiver, those that have ended too."""
    last = standing(desk.store, found.model, found.version)
    said = "not asked by the rules in force" if last is None else "passed" if last.passed else "not passed"
    lines = [f"- gate: {said}{f', at {iso(last.created_us)}' if last else ''}"]
    lines += [f"  - {each['rule']}: {each['state']}, {each['reason']}" for each in (last.results if last else ())]
    for one in approvals(desk.store, found.model, found.version):
        lines.append(f"- approved by {one.actor} at {iso(one.at_us)} {one.reason}".rstrip())
    for waiver in waivers(desk.store, found.model, found.version):
        lines.append(f"- waived: {waiver.rule} by {waiver.actor} until {iso(waiver.until_us)}: {waiver.reason}")
    return "\n".join(["## Gate, approvals, waivers", "", *lines])


def _history(desk: Desk, found: Version) -> str:
    kinds = ("model.", "deploy.", "rollback.")
    events = [event for event in timeline(desk.store, kinds=kinds, model=found.model) if event.version == found.version]
    lines = [f"- {iso(event.at_us)} {event.kind} by {event.actor}{_where(event.endpoint)}" for event in events]
    return "\n".join(["## History", "", *(lines or ["Nothing yet."])])


def _where(endpoint: str | None) -> str:
    return f" on {endpoint}" if endpoint else ""
