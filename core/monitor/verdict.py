"""One verdict a day on each served version: did its inputs drift, and did that hurt? Never a page by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from core.clock import DAY, iso
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.measures.significance import LEAST_ROWS
from core.monitor import drift, quality
from core.monitor.drift import DriftReport
from core.monitor.quality import Measure
from core.store import Store

HURT = "drifted, quality hurt"
UNAFFECTED = "drifted, quality unaffected"
CONCEPT = "quality hurt, inputs stable"
WAITING = "drifted, labels not in yet"
STABLE = "stable"

# A week has every day of the week in it, so that weekends are no drift.
WINDOW_US = 7 * DAY
LEAST_LABELS = 200
# Quality is hurt where all of its interval is this far below the hold-out's: a season's swing is less.
TOLERANCE = 0.05
# Days that nobody looked at for longer than this stay without a verdict.
CATCH_UP_US = 31 * DAY

LAST = """SELECT day_us, verdict FROM verdict WHERE model = ? AND endpoint = ? AND version = ?
ORDER BY day_us DESC LIMIT 1"""
ADD = """INSERT INTO verdict(model, endpoint, version, day_us, verdict, data) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""
NEWEST = (
    "SELECT * FROM verdict WHERE model = ? AND (? IS NULL OR endpoint = ?) ORDER BY day_us DESC, version DESC LIMIT ?"
)


@dataclass(frozen=True)
class Verdict:
    """What a finished day (starting at `day_us`) showed of a version; `data` holds the figures it rests on."""

    model: str
    endpoint: str
    version: int
    day_us: int
    verdict: str
    data: dict[str, Any]


def decide(drifted: bool, hurt: bool | None) -> str:
    """The verdict of drift by quality; `hurt` is None where labels are too few to say."""
    if hurt is None:
        return WAITING if drifted else STABLE
    if hurt:
        return HURT if drifted else CONCEPT
    return UNAFFECTED if drifted else STABLE


def is_hurt(measured: Measure, baseline: float | None) -> bool | None:
    """Whether the AUC is below that of the hold-out by more than chance and season explain; None where unknown.

    The whole interval must be more than 0.05 below. At least 200 labels are asked for.
    """
    if measured.high is None or baseline is None or measured.n < LEAST_LABELS:
        return None
    return measured.high < baseline - TOLERANCE


def daily(desk: Desk) -> list[Verdict]:
    """Judge every finished day not judged yet of every version that answered in it; returns the new verdicts.

    A change of verdict is an event of the ledger. Nothing is written, and little read, where no day has ended.
    """
    today = desk.now_us() // DAY * DAY
    return [
        _keep(desk, _judge(desk, key, day))
        for key in series.keys(desk.store, kind="score")
        for day in _unjudged(desk.store, key, today)
    ]


def history(store: Store, model: str, endpoint: str | None = None, limit: int = 30) -> list[Verdict]:
    """The newest verdicts on a model, newest first."""
    rows = store.read(NEWEST, (model, endpoint, endpoint, limit))
    return [
        Verdict(row["model"], row["endpoint"], row["version"], row["day_us"], row["verdict"], json.loads(row["data"]))
        for row in rows
    ]


def _unjudged(store: Store, key: SeriesKey, today: int) -> list[int]:
    """The finished days with predictions after the last verdict, oldest first."""
    last = store.one(LAST, (key.model, key.endpoint, key.version))
    start = max(last["day_us"] + DAY if last else 0, today - CATCH_UP_US)
    return [day for day, _ in series.read_steps(store, key, start, today, DAY)]


def _judge(desk: Desk, key: SeriesKey, day_us: int) -> Verdict:
    from core.registry import versions

    end = day_us + DAY
    place = (key.model, key.version, key.endpoint)
    window = (*place, end - WINDOW_US, end)
    report = drift.measure(desk, *window)
    measured = _widened(quality.measure(desk.store, *window), quality.interval_by_day(desk.store, *window))
    baseline = versions.version(desk.store, key.model, key.version).metrics.get("auc")
    drifted = report.n >= LEAST_ROWS and bool(report.drifted)
    verdict = decide(drifted, is_hurt(measured, baseline))
    return Verdict(key.model, key.endpoint, key.version, day_us, verdict, _figures(report, measured, baseline))


def _widened(measured: Measure, by_day: tuple[float, float] | None) -> Measure:
    """The measure with an interval that holds both its own and that of how the days differ."""
    if by_day is None or measured.low is None or measured.high is None:
        return measured
    return replace(measured, low=min(measured.low, by_day[0]), high=max(measured.high, by_day[1]))


def _figures(report: DriftReport, measured: Measure, baseline: float | None) -> dict[str, Any]:
    return {
        "rows": report.n,
        "impact": _rounded(report.impact),
        "drifted": report.drifted,
        "missing": report.missing_jumped,
        "psi": {one.name: round(one.psi, 4) for one in report.features if one.drifted},
        "auc": _rounded(measured.auc),
        "low": _rounded(measured.low),
        "high": _rounded(measured.high),
        "labels": measured.n,
        "coverage": _rounded(measured.coverage),
        "baseline": _rounded(baseline),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _keep(desk: Desk, found: Verdict) -> Verdict:
    """Write a verdict, and an event where it differs from the day before's (the first: where it is not stable)."""
    place = (found.model, found.endpoint, found.version)
    with desk.write() as tx:
        last = tx.one(LAST, place)
        tx.execute(ADD, (*place, found.day_us, found.verdict, json.dumps(found.data, sort_keys=True)))
        if found.verdict != (last["verdict"] if last else STABLE):
            desk.record(
                tx,
                "drift.verdict",
                model=found.model,
                version=found.version,
                endpoint=found.endpoint,
                data={"verdict": found.verdict, "day": iso(found.day_us)[:10], "inputs": found.data["drifted"]},
            )
    return found
