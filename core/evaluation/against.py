"""Champion against challenger: two versions on the same rows, so that what the rows share does not blur the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.desk import Desk
from core.errors import BadInput
from core.evaluation.rows import HOLDOUT, Report, Scored, of_holdout, trained_until
from core.measures.evaluate import CLIP
from core.measures.headline import Headline
from core.measures.influence import around, two_sided, variance
from core.measures.intervals import Blocks, bootstrap
from core.measures.quality import Quality
from core.measures.tasks import BINARY, MULTICLASS
from core.training import find
from core.training.artefact import Artefact
from core.training.booster import predict_table

# Where less is better.
LOSSES = ("logloss", "brier", "ece", "rmse", "mae")
WORDS = {
    "auc": "ranks",
    "accuracy": "finds the class",
    "logloss": "predicts (log loss)",
    "rmse": "predicts (RMSE)",
    "mae": "predicts (MAE)",
}


def against(desk: Desk, rows: Scored, number: int, report: Report) -> dict[str, Any]:
    """How much the version measured differs from version `number` on the same rows: each measure's difference.

    The first measure's comes with the test of the paired difference clustered by day (the AUC's with DeLong's too),
    every interval from days drawn for both at once. Raises NotFound, and BadInput where the rival has seen these rows
    or is of another task.
    """
    rival = rival_model(desk, rows, number, report)
    scores = _in_our_classes(rows, rival, predict_table(rival, rows.table, threads=desk.settings.threads))
    blocks = rows.blocks
    left, right = _statistics(rows, rows.artefact, rows.scores, blocks), _statistics(rows, rival, scores, blocks)

    def differences(times: Any) -> dict[str, Any]:
        ours, theirs = left(times), right(times)
        return {name: ours[name] - theirs[name] for name in ours if name != "base_rate"}

    found = {name: one.to_json() for name, one in bootstrap(differences, blocks).items()}
    found[Headline(rival.task).name] |= _paired(rows, scores)
    means = [_sentence(rows.version.version, number, name, found[name]) for name in WORDS if name in found]
    return {"version": number, "difference": found, "means": ". ".join(means) + "."}


def rival_model(desk: Desk, rows: Scored, number: int, report: Report) -> Artefact:
    """The rival's model that has not seen these rows: the registered one where all its rows came before them, else the
    one fitted for its hold-out, where that began no later than these rows."""
    found = find.version(desk.store, rows.version.model, number)
    if found.task != rows.version.task:
        raise BadInput(f"{found.model} v{number} is a {found.task} model", "compare versions of one task")
    first = int(rows.times.min())
    if trained_until(desk, found) < first:
        return find.load_artefact(desk, found.model, number)
    if rows.purpose == HOLDOUT and int(found.metrics["holdout_from_us"]) <= first:
        return of_holdout(desk, found, report).artefact
    raise BadInput(
        f"{found.model} v{number} was fitted on some of these rows, so the two cannot be compared on them",
        "compare on later data: --snapshot DATASET/N, or --from a time after both were trained",
    )


def _in_our_classes(rows: Scored, rival: Artefact, scores: Any) -> Any:
    """The rival's probabilities in the order of our classes; none for a class it does not know."""
    import numpy as np

    ours, theirs = rows.artefact.classes, rival.classes
    if ours == theirs:
        return scores
    found = np.zeros((len(scores), len(ours)))
    for place, name in enumerate(ours):
        if name in theirs:
            found[:, place] = scores[:, theirs.index(name)]
    return found


def _statistics(rows: Scored, artefact: Artefact, scores: Any, blocks: Blocks) -> Callable[[Any], dict[str, Any]]:
    """Every measure of a task for how often each block counts (draws by blocks)."""
    import numpy as np

    if artefact.task == BINARY:
        return Quality(rows.labels, scores, artefact.threshold, blocks).at
    if artefact.task == MULTICLASS:
        chance = np.clip(scores[np.arange(len(scores)), rows.labels.astype(np.int64)], CLIP, 1.0)
        hits, loss = (scores.argmax(axis=1) == rows.labels).astype(float), -np.log(chance)
        sums = blocks.sums(np.ones(len(hits)), hits, loss)
        return lambda times: _means(times @ sums, "accuracy", "logloss")
    error = scores - rows.labels
    sums = blocks.sums(np.ones(len(error)), error**2, np.abs(error))

    def of_numbers(times: Any) -> dict[str, Any]:
        found = _means(times @ sums, "squared", "mae")
        return {"rmse": np.sqrt(found["squared"]), "mae": found["mae"]}

    return of_numbers


def _means(sums: Any, *names: str) -> dict[str, Any]:
    """The means of draws: a column of rows, then one of sums for each name."""
    return {name: sums[:, place] / sums[:, 0] for place, name in enumerate(names, 1)}


def _paired(rows: Scored, scores: Any) -> dict[str, float | None]:
    headline = Headline(rows.artefact.task)
    (ours, left), (theirs, right) = headline.of(rows.labels, rows.scores), headline.of(rows.labels, scores)
    by_row = variance(left - right)
    clustered = two_sided(ours - theirs, max(by_row, variance(left - right, rows.blocks)))
    if rows.artefact.task != BINARY:
        return {"p": clustered}
    alone = around(ours - theirs, by_row, least=-1.0)
    return {
        "p": clustered,
        "delong_p": two_sided(ours - theirs, by_row),
        "delong_low": alone.low,
        "delong_high": alone.high,
    }


def _sentence(ours: int, theirs: int, name: str, found: dict[str, Any]) -> str:
    value, low, high = (found[key] for key in ("value", "low", "high"))
    if low is None or high is None or low <= 0 <= high:
        said = "the rows do not tell which of the two is better"
        return f"By {name} {said} ({_signed(value)}, {_signed(low)} to {_signed(high)})"
    better = (value > 0) != (name in LOSSES)
    return (
        f"Version {ours} {WORDS[name]} {'better' if better else 'worse'} than version {theirs}: "
        f"{name} {_signed(value)} ({_signed(low)} to {_signed(high)})"
    )


def _signed(value: float | None) -> str:
    return "not known" if value is None else f"{value:+.4f}"
