"""Read an objective's good and total events over all its rule windows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from core.clock import HOUR, MINUTE
from core.counts import histogram, vector
from core.counts.series import pieces
from core.slo.budget import Counts
from core.slo.rows import SLICE_US, Slo
from core.store import Store

# All versions of a model on an endpoint count towards its objectives: users do not care which one failed them.
EVENTS = """SELECT w.vec FROM series s JOIN count_window w ON w.series = s.id
WHERE s.model = ? AND s.endpoint = ? AND s.kind = ? AND w.grain = ? AND w.start_us >= ? AND w.start_us < ?"""
SPAN = """SELECT min((SELECT min(start_us) FROM count_window WHERE series = s.id AND grain = :hour)) AS first,
max((SELECT max(start_us) FROM count_window WHERE series = s.id AND grain = :minute)) AS last
FROM series s WHERE s.model = :model AND s.endpoint = :endpoint AND s.kind = :kind"""
SLICES = """SELECT count(good) AS total, coalesce(sum(good), 0) AS good FROM slice
WHERE slo = ? AND start_us >= ? AND start_us < ?"""
SLICE_SPAN = "SELECT min(start_us) AS first, max(start_us) AS last FROM slice WHERE slo = ? AND good IS NOT NULL"


@dataclass(frozen=True)
class Span:
    """When an objective's events were first and last counted: start of the first hour, end of the last window."""

    first_us: int | None
    last_us: int | None


def until(slo: Slo, now_us: int) -> int:
    """Where an objective's windows end: the last whole minute, or for quality the last whole hour."""
    return now_us - now_us % slo.slice_us


def span(store: Store, slo: Slo) -> Span:
    """When the objective's events were first and last counted."""
    if slo.measure == "quality":
        row, width = store.one(SLICE_SPAN, (slo.id,)), SLICE_US
    else:
        place = {"model": slo.model, "endpoint": slo.endpoint, "kind": _kind(slo)}
        row, width = store.one(SPAN, {**place, "hour": HOUR, "minute": MINUTE}), MINUTE
    if row is None or row["first"] is None:
        return Span(None, None)
    last = row["last"]
    return Span(int(row["first"]), None if last is None else int(last) + width)


def ladder(store: Store, slo: Slo, edges: Sequence[int], to_us: int) -> dict[int, Counts]:
    """The counts of [edge, to) for each edge; windows share their end, so every row is read once for all of them."""
    rungs = sorted({*edges, to_us})
    total = Counts()
    found = {to_us: total}
    for start, end in reversed(list(pairwise(rungs))):
        total = total + (
            _slices(store, slo, start, end) if slo.measure == "quality" else _events(store, slo, start, end)
        )
        found[start] = total
    return found


def _slices(store: Store, slo: Slo, from_us: int, to_us: int) -> Counts:
    row = store.one(SLICES, (slo.id, from_us, to_us))
    return Counts(int(row["good"]), int(row["total"])) if row else Counts()


def _events(store: Store, slo: Slo, from_us: int, to_us: int) -> Counts:
    good = total = faulty = 0
    kind, threshold_us = _kind(slo), round((slo.threshold_ms or 0) * 1000)
    for grain, start, end in pieces(from_us, to_us):
        for row in store.read(EVENTS, (slo.model, slo.endpoint, kind, grain, start, end)):
            one = _read(bytes(row["vec"]), slo.measure, threshold_us)
            good, total, faulty = good + one.good, total + one.total, faulty + one.faulty
    return Counts(good, total, faulty)


def _kind(slo: Slo) -> str:
    return "latency" if slo.measure == "latency" else "requests"


@lru_cache(maxsize=16_384)
def _read(vec: bytes, measure: str, threshold_us: int) -> Counts:
    """The events of one stored window. Remembered by its very bytes, so that it can never be out of date."""
    counts = vector.decode(vec)
    if measure == "latency":
        return Counts.of(histogram.at_most(counts, threshold_us), sum(counts))
    total, errors, _, missing = [*counts, 0, 0, 0, 0][:4]
    return Counts.of(total - (errors if measure == "availability" else missing), total)
