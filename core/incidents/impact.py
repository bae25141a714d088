"""When users began to feel it, worked back from the counts, with how that is known."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from core.clock import HOUR, MINUTE, iso
from core.counts import histogram, series
from core.counts.series import SeriesKey
from core.errors import BadInput
from core.incidents.rows import Objective, objective
from core.store import Row, Store, Tx

SLICES = "SELECT start_us, good FROM slice WHERE slo = ? AND start_us < ? AND good IS NOT NULL ORDER BY start_us DESC"
SWITCH = """SELECT at_us, kind, version FROM event
WHERE model = ? AND endpoint = ? AND kind IN ('deploy.applied','rollback.applied') AND at_us <= ?
ORDER BY at_us DESC, seq DESC LIMIT 1"""
VERSIONS = "SELECT DISTINCT version FROM series WHERE model = ? AND endpoint = ? AND kind = ?"
HEARD = "SELECT seen_us FROM endpoint WHERE name = ?"
MEASURED = ("availability", "latency", "missing", "quality")
SLICE = HOUR
TRAILING = 96 * HOUR
# How far back a breach is followed, and how long a calm inside it may last.
REACH = 6 * HOUR
CALM = 10 * MINUTE


def impact_start(store: Store, tx: Tx, alert: Row) -> tuple[int, str]:
    """(microseconds, origin) for an alert row; its own start where the counts say nothing earlier.

    A quality slice judges the predictions since the last deploy, so where that deploy lies inside the trailing window
    of the first bad slice, users have felt it since the deploy, long before enough labels told.
    """
    if alert["rule"] == "no data":
        heard = tx.one(HEARD, (alert["endpoint"],))
        if heard and heard["seen_us"] is not None:
            return min(int(heard["seen_us"]), int(alert["started_us"])), "when the endpoint was last heard"
    slo = objective(tx, alert["slo"]) if alert["family"] in MEASURED else None
    if slo is not None and slo.measure == "quality":
        return _quality_start(tx, alert, slo)
    if slo is not None:
        first = _first_bad_minute(store, alert, slo)
        if first is not None:
            return first, f"the first minute of the breach in the counts of {slo.name}"
    return int(alert["started_us"]), "the start of the alert; the counts say nothing earlier"


def _quality_start(tx: Tx, alert: Row, slo: Objective) -> tuple[int, str]:
    first = _first_bad_slice(tx, slo.id, int(alert["started_us"]))
    if first is None:
        return int(alert["started_us"]), "the start of the alert; no slice was judged bad before it"
    end = first + SLICE
    switch = tx.one(SWITCH, (alert["model"], alert["endpoint"], end))
    trailing = trailing_us(slo)
    if switch and switch["at_us"] >= end - trailing and switch["kind"] == "deploy.applied":
        deploy = f"the deploy of v{switch['version']}"
        return int(switch["at_us"]), f"{deploy}: the first bad slice of {slo.name}, {iso(first)}, judges it since then"
    return first, f"the first bad slice of {slo.name}"


def _first_bad_slice(tx: Tx, slo: int, until_us: int) -> int | None:
    """The start of the unbroken row of bad slices that ends at or before an instant."""
    first = None
    for row in tx.read(SLICES, (slo, until_us + 1)):
        if row["good"]:
            break
        first = int(row["start_us"])
    return first


def trailing_us(slo: Objective) -> int:
    """How far back a slice of a quality SLO looks, in microseconds."""
    return int(slo.spec.get("trailing_us", TRAILING))


def _first_bad_minute(store: Store, alert: Row, slo: Objective) -> int | None:
    until = int(alert["started_us"])
    bad = bad_minutes(store, alert["model"], alert["endpoint"], slo, until - REACH, until + MINUTE)
    first = None
    for minute in reversed(bad):
        if first is not None and first - minute > CALM:
            break
        first = minute
    return first


def bad_minutes(store: Store, model: str, endpoint: str, slo: Objective, from_us: int, to_us: int) -> list[int]:
    """The minutes in [from, to) whose share of bad events is over the SLO's budget, oldest first."""
    budget = 1 - Fraction(slo.target)
    totals: dict[int, list[int]] = {}
    for start, good, total in good_total(store, model, endpoint, slo, from_us, to_us, MINUTE):
        sums = totals.setdefault(start, [0, 0])
        sums[0] += total - good
        sums[1] += total
    return [start for start, (bad, total) in sorted(totals.items()) if total and Fraction(bad, total) > budget]


def good_total(
    store: Store, model: str, endpoint: str, slo: Objective, from_us: int, to_us: int, grain: int
) -> list[tuple[int, int, int]]:
    """(window start, good, total) of every version that was counted in [from, to), for the count-based measures.

    Raises BadInput for a quality SLO, which is judged by slices.
    """
    if slo.measure == "quality":
        raise BadInput("a quality SLO is judged by slices", "read its slices")
    kind = "latency" if slo.measure == "latency" else "requests"
    split = _splitter(slo)
    found = []
    for row in store.read(VERSIONS, (model, endpoint, kind)):
        key = SeriesKey(kind, model, row["version"], endpoint)
        found += [(at, *split(vec)) for at, vec in series.read_steps(store, key, from_us, to_us, grain)]
    return found


def _splitter(slo: Objective) -> Callable[[list[int]], tuple[int, int]]:
    if slo.measure == "latency":
        limit = 1000 * float(slo.spec.get("threshold_ms") or 300)
        return lambda vec: (histogram.at_most(vec, limit), sum(vec))
    spoiled = 1 if slo.measure == "availability" else 3
    return lambda vec: (vec[0] - vec[spoiled], vec[0])
