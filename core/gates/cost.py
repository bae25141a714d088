"""The rules about what serving a version costs: the time of one row, here and at the endpoints, and its file's size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from core.clock import parse_span
from core.counts import vector
from core.counts.histogram import quantile
from core.counts.series import SeriesKey, keys, read_sum
from core.gates.declared import Latency, LiveLatency, Size
from core.gates.outcome import Outcome, Subject, judged, unknown
from core.measures.bins import NumberBins
from core.serving.model import ServedModel
from core.training.artefact import Artefact

SHARE = 0.95
WARM = 50
MEGABYTE = 1_000_000


def latency(rule: Latency, of: Subject) -> Outcome:
    """The p95 of `rows` single rows through the code that serves them, in this process."""
    artefact = Artefact.from_bytes(of.desk.blobs.read(of.version.artefact))
    took = p95_ms(artefact, rule.rows)
    reason = f"p95 of scoring {rule.rows} rows one by one in this process; depends on the machine"
    return judged(took <= rule.at_most_ms, took, rule.at_most_ms, reason)


def p95_ms(artefact: Artefact, rows: int) -> float:
    """The p95 in milliseconds of placing and scoring a row of values that the training reference has seen.

    Raises BadInput where the booster does not load.
    """
    model, tried = ServedModel(artefact), list(_rows(artefact, rows))
    for row in tried[:WARM]:
        model.score(row)
    took = []
    for row in tried:
        began = perf_counter()
        model.places(row)
        model.score(row)
        took.append(perf_counter() - began)
    return sorted(took)[math.ceil(SHARE * len(took)) - 1] * 1000


def _rows(artefact: Artefact, rows: int) -> Iterator[dict[str, Any]]:
    """Rows that walk through every feature's bins, each at its own pace."""
    seen = {name: _values(entry.bins) for name, entry in artefact.reference.features.items()}
    for number in range(rows):
        yield {name: values[number * (place + 1) % len(values)] for place, (name, values) in enumerate(seen.items())}


def _values(bins: Any) -> list[Any]:
    if isinstance(bins, NumberBins):
        return [float(edge) for edge in bins.edges] or [None]
    return list(bins.levels) or [None]


def live_latency(rule: LiveLatency, of: Subject) -> Outcome:
    """The p95 of what the endpoints counted, of the version where it was served, else of the model."""
    found = keys(of.desk.store, kind="latency", model=of.version.model)
    own = _p95(of, [key for key in found if key.version == of.version.version], rule.over)
    whose, took = ("the version's", own) if own is not None else ("the model's", _p95(of, found, rule.over))
    if took is None:
        return unknown(rule.at_most_ms, f"no request was counted in the last {rule.over}")
    reason = f"{whose} p95 at the endpoints in the last {rule.over}"
    return judged(took <= rule.at_most_ms, took, rule.at_most_ms, reason)


def _p95(of: Subject, found: list[SeriesKey], over: str) -> float | None:
    total: list[int] = []
    for key in found:
        total = vector.add(total, read_sum(of.desk.store, key, of.desk.now_us() - parse_span(over), of.desk.now_us()))
    took = quantile(total, SHARE)
    return None if took is None else took / 1000


def size(rule: Size, of: Subject) -> Outcome:
    """The size of the model file in megabytes of a million bytes."""
    large = len(of.desk.blobs.read(of.version.artefact)) / MEGABYTE
    return judged(large <= rule.at_most_mb, large, rule.at_most_mb, "megabytes of the model file")
