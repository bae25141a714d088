"""The model card: what a version is, what it was made from, how good it is and on what, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.ledger import timeline
from core.measures.tasks import BINARY, HEADLINES, MULTICLASS, REGRESSION
from core.registry.approval import approvals
from core.registry.gate import standing
from core.registry.measured import Figure, Measured, as_figure, measured, section
from core.registry.notes import notes
from core.registry.versions import Version, load_artefact, version
from core.registry.waivers import waivers
from core.training.artefact import Artefact
from core.training.split import GROUPED, STRATIFIED

# What the card tells of each task, with the 95 % interval where there is one.
MEASURES: dict[str, tuple[tuple[str, str], ...]] = {
    BINARY: (
        ("auc", "AUC (95 % interval)"),
        ("logloss", "log loss"),
        ("brier", "Brier score"),
        ("base_rate", "base rate"),
    ),
    MULTICLASS: (
        ("accuracy", "accuracy (95 % interval)"),
        ("macro_f1", "macro F1 (95 % interval)"),
        ("macro_auc", "macro AUC, one against the rest (95 % interval)"),
        ("logloss", "log loss (95 % interval)"),
    ),
    REGRESSION: (
        ("rmse", "RMSE (95 % interval)"),
        ("mae", "MAE (95 % interval)"),
        ("r2", "R2 (95 % interval)"),
        ("label_std", "standard deviation of the label"),
    ),
}

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
    what = {
        BINARY: f"the probability of `{artefact.label}`",
        MULTICLASS: f"the class of `{artefact.label}`: {', '.join(artefact.classes)}",
        REGRESSION: f"the number `{artefact.label}`",
    }[artefact.task]
    return (
        f"# {found.model}, version {found.version}\n\n"
        f"Predicts {what}. Stage: **{found.stage}**. "
        f"Registered {iso(found.created_us)}.\n\nModel file `{found.artefact}`."
    )


def _quality(found: Version) -> str:
    m = found.metrics
    lines = ["## Quality", _how(found), "", "| measure | value |", "|---|---|"]
    lines += [f"| {title} | {_measure(m, name)} |" for name, title in MEASURES[found.task] if m.get(name) is not None]
    at = f" from {iso(m['holdout_from_us'])}" if "holdout_from_us" in m else ""
    positives = f", {m['positives']} positive" if "positives" in m else ""
    lines.append(f"| hold-out | {m['n']} rows{at}{positives} |")
    lines += [f"| fold from {iso(fold['from_us'])} | {_fold(found.task, fold)} |" for fold in m.get("folds", ())]
    return "\n".join([*lines, *(f"\n**Mind:** {caution}." for caution in found.parameters.get("cautions", ()))])


def _how(found: Version) -> str:
    if not found.code:
        return "Measured on the rows it was imported with, which it may have been fitted on."
    split = {
        GROUPED: "Measured on rows of groups that no row fitted on belongs to",
        STRATIFIED: "Measured on rows drawn by chance",
    }.get(found.parameters.get("split", ""), "Measured on rows later than every row fitted on")
    return f"{split}; the registered model is then fitted on all rows."


def _measure(metrics: Mapping[str, Any], name: str) -> str:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    interval = "" if low is None or high is None else f" ({low:.4f} to {high:.4f})"
    return f"{metrics[name]:.4f}{interval}"


def _fold(task: str, fold: Mapping[str, Any]) -> str:
    name, title = HEADLINES[task].first
    return f"{title} {_measure(fold, name)}, {fold['n']} rows"


def _data(found: Version, artefact: Artefact) -> str:
    reference = artefact.reference
    names = artefact.classes or ("negative", "positive")
    counts = ", ".join(f"{count} {name}" for name, count in zip(names, reference.labels, strict=False))
    return (
        f"## Data\n\nSnapshot `{found.parameters['snapshot']}`: {reference.rows} labelled rows on "
        f"{reference.days} days{f', {counts}' if counts else ''}; "
        f"{found.metrics['unlabelled']} rows without a label or a time were left out, perhaps not at random."
    )


def _inputs(artefact: Artefact) -> str:
    gains: dict[str, float] = {}
    for column in artefact.view:
        # A column made of several inputs counts for each of them in equal parts.
        for name in column.reads:
            gains[name] = gains.get(name, 0.0) + artefact.importance.get(column.name, 0.0) / len(column.reads)
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
    """What later evaluations say beyond the hold-out: metrics with intervals, weak slices, gaps, trials."""
    reports = [each for each in measured(desk.store, found) if "metrics" in each.report]
    newest = next((each for each in reports if each.source.startswith("evaluation")), None)
    if newest is not None:
        yield "\n".join(["## Evaluation", "", *_evaluation(newest)])
    gaps, source = section(reports, "fairness")
    if gaps:
        lines = [f"- by {', '.join(each['by'])}: {_gaps(each['gaps'], source)}" for each in gaps]
        yield "\n".join(["## Fairness", "", *lines])
    trials, _ = section(reports, "robustness")
    if trials:
        lines = [
            f"- {trial.replace('_', ' ')} {each['feature']}: drop {each['drop']:.4f}"
            for trial, tried in trials.items()
            if isinstance(tried, list)
            for each in tried
            if "feature" in each
        ]
        yield "\n".join(["## Robustness", "", *lines])


def _evaluation(kept: Measured) -> Iterator[str]:
    report, seen = kept.report, kept.report.get("seen", 0)
    caution = f" **{seen} of them were fitted on, so this is no hold-out.**" if seen else ""
    yield f"{kept.source}, {report.get('rows')} rows.{caution}"
    yield from ("", "| measure | value (95 % interval) |", "|---|---|")
    for name, part in report["metrics"].items():
        figure = as_figure(part, kept.source)
        if figure is not None:
            yield f"| {name.replace('_', ' ')} | {figure.value:.4f}{_interval(figure)} |"
    weak = report.get("weakest", ())
    if weak:
        yield ""
    for one in weak:
        name, title = HEADLINES[report["task"]].first
        figure = as_figure({**one, "value": one[name]}, kept.source)
        interval = _interval(figure) if figure else ""
        yield f"- Weak where {one['where']}: {title} {one[name]:.4f}{interval}, {one['n']} rows"


def _gaps(gaps: Mapping[str, Any], source: str) -> str:
    figures = {name: as_figure(part, source) for name, part in gaps.items()}
    return ", ".join(
        f"{name.replace('_', ' ')} gap {one.value:.4f}{_interval(one)}" for name, one in figures.items() if one
    )


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
