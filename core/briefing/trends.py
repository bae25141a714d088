"""Short histories for sparklines: what a model did in each of the last hours, read from counts and slices."""

from __future__ import annotations

import json
from typing import NamedTuple

from core.clock import HOUR
from core.counts import histogram, series, vector
from core.desk import Desk
from core.store import Row

QUALITY = """SELECT s.start_us, s.value FROM slice s JOIN slo o ON o.id = s.slo
WHERE o.model = ? AND o.endpoint = ? AND o.measure = 'quality' AND o.retired_us IS NULL AND s.start_us >= ?
AND s.start_us < ? AND s.value IS NOT NULL ORDER BY s.start_us"""
VERDICTS = """SELECT day_us, version, verdict, data FROM verdict WHERE model = :model
AND (:endpoint = '' OR endpoint = :endpoint) ORDER BY day_us DESC, version DESC LIMIT :limit"""
HOURS = 24


class Trend(NamedTuple):
    """One measure by hour: `steps` holds (start, value), hours without a value left out; `unit` is auc, ms or share."""

    name: str
    unit: str
    steps: tuple[tuple[int, float], ...]

    @property
    def values(self) -> list[float]:
        """The values, oldest first."""
        return [value for _, value in self.steps]

    @property
    def last(self) -> float | None:
        """The newest value; None where nothing was measured."""
        return self.steps[-1][1] if self.steps else None


class DriftDay(NamedTuple):
    """What one finished day showed: the verdict, PSI of the inputs that drifted, measured AUC and label coverage."""

    day_us: int
    version: int
    verdict: str
    psi: tuple[tuple[str, float], ...]
    auc: float | None
    coverage: float | None


def drift_days(desk: Desk, model: str, endpoint: str = "", limit: int = 14) -> tuple[DriftDay, ...]:
    """The newest days that were judged, newest first; inputs that drifted most stand first."""
    rows = desk.store.read(VERDICTS, {"model": model, "endpoint": endpoint, "limit": limit})
    return tuple(_drift_day(row) for row in rows)


def _drift_day(row: Row) -> DriftDay:
    data = json.loads(row["data"])
    psi = sorted((data.get("psi") or {}).items(), key=lambda pair: -pair[1])
    return DriftDay(row["day_us"], row["version"], row["verdict"], tuple(psi), data.get("auc"), data.get("coverage"))


def quality(desk: Desk, model: str, endpoint: str, hours: int = HOURS, until_us: int | None = None) -> Trend:
    """Measured AUC by hour, as the quality objective's slices hold it; empty without such an objective."""
    until = desk.now_us() if until_us is None else until_us
    rows = desk.store.read(QUALITY, (model, endpoint, until - hours * HOUR, until))
    return Trend("AUC", "auc", tuple((int(row["start_us"]), float(row["value"])) for row in rows))


def latency(desk: Desk, model: str, endpoint: str, hours: int = HOURS, until_us: int | None = None) -> Trend:
    """p99 of prediction latency by hour in milliseconds, over all versions."""
    steps = []
    for start, counts in _hourly(desk, "latency", model, endpoint, hours, until_us):
        p99 = histogram.quantile(counts, 0.99)
        if p99 is not None:
            steps.append((start, p99 / 1000))
    return Trend("p99", "ms", tuple(steps))


def errors(desk: Desk, model: str, endpoint: str, hours: int = HOURS, until_us: int | None = None) -> Trend:
    """Share of requests that failed, by hour, from 0 to 1."""
    rows = _hourly(desk, "requests", model, endpoint, hours, until_us)
    return Trend("errors", "share", tuple((start, vec[1] / vec[0]) for start, vec in rows if len(vec) > 1 and vec[0]))


def traffic(desk: Desk, model: str, endpoint: str, hours: int = HOURS, until_us: int | None = None) -> Trend:
    """Requests by hour."""
    rows = _hourly(desk, "requests", model, endpoint, hours, until_us)
    return Trend("requests", "count", tuple((start, float(vec[0])) for start, vec in rows if vec))


def _hourly(
    desk: Desk, kind: str, model: str, endpoint: str, hours: int, until_us: int | None
) -> list[tuple[int, list[int]]]:
    """The counts of every version added up, hour by hour."""
    until = desk.now_us() if until_us is None else until_us
    since = until - until % HOUR - hours * HOUR
    sums: dict[int, list[int]] = {}
    for key in series.keys(desk.store, kind=kind, model=model, endpoint=endpoint):
        for start, vec in series.read_steps(desk.store, key, since, until, HOUR):
            sums[start] = vector.add(sums[start], vec) if start in sums else vec
    return sorted(sums.items())
