"""Champion against challenger: two versions on the same rows, so that what the rows share does not blur the answer."""

from __future__ import annotations

from typing import Any

from core.desk import Desk
from core.errors import BadInput
from core.evaluation.rows import HOLDOUT, Report, Scored, of_holdout, trained_until
from core.measures.influence import around, influence, two_sided, variance
from core.measures.intervals import bootstrap
from core.measures.quality import MEASURES, Quality
from core.training import find
from core.training.artefact import Artefact
from core.training.booster import score_table

# Where less is better.
LOSSES = ("logloss", "brier", "ece")
WORDS = {"auc": "ranks", "logloss": "predicts (log loss)"}


def against(desk: Desk, rows: Scored, number: int, report: Report) -> dict[str, Any]:
    """How much the version measured differs from version `number` on the same rows: each measure's difference.

    The AUC's comes with DeLong's paired test, every interval from days drawn for both at once. Raises NotFound, and
    BadInput where the rival has seen these rows.
    """
    rival = rival_model(desk, rows, number, report)
    scores = score_table(rival, rows.table, threads=desk.settings.threads)
    blocks = rows.blocks
    left = Quality(rows.labels, rows.scores, rows.artefact.threshold, blocks)
    right = Quality(rows.labels, scores, rival.threshold, blocks)

    def differences(times: Any) -> dict[str, Any]:
        ours, theirs = left.at(times), right.at(times)
        return {name: ours[name] - theirs[name] for name in MEASURES if name != "base_rate"}

    found = {name: one.to_json() for name, one in bootstrap(differences, blocks).items()}
    found["auc"] |= _delong(rows, scores)
    means = [_sentence(rows.version.version, number, name, found[name]) for name in WORDS]
    return {"version": number, "difference": found, "means": ". ".join(means) + "."}


def rival_model(desk: Desk, rows: Scored, number: int, report: Report) -> Artefact:
    """The rival's model that has not seen these rows: the registered one where all its rows came before them, else the
    one fitted for its hold-out, where that began no later than these rows."""
    found = find.version(desk.store, rows.version.model, number)
    first = int(rows.times.min())
    if trained_until(desk, found) < first:
        return find.load_artefact(desk, found.model, number)
    if rows.purpose == HOLDOUT and int(found.metrics["holdout_from_us"]) <= first:
        return of_holdout(desk, found, report).artefact
    raise BadInput(
        f"{found.model} v{number} was fitted on some of these rows, so the two cannot be compared on them",
        "compare on later data: --snapshot DATASET/N, or --from a time after both were trained",
    )


def _delong(rows: Scored, scores: Any) -> dict[str, float | None]:
    (ours, left), (theirs, right) = influence(rows.labels, rows.scores), influence(rows.labels, scores)
    by_row = variance(left - right)
    alone = around(ours - theirs, by_row, least=-1.0)
    days = rows.blocks
    clustered = variance(left - right, days)
    return {
        "p": two_sided(ours - theirs, max(by_row, clustered)),
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
