"""Take in what an endpoint counted: whole pages in the caller's transaction, few statements whatever the traffic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from core.clock import MINUTE
from core.counts import series, vector
from core.counts.series import SeriesKey
from core.endpoints.adapter import Batch
from core.store import Tx

PREDICTION = """INSERT INTO prediction(model, request_id, endpoint, version, at_us, score) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""
SAMPLE = """INSERT INTO sample(model, endpoint, version, request_id, at_us, score, inputs) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""

Minutes = dict[int, list[int]]


def add_batches(tx: Tx, endpoint: str, batches: Iterable[Batch]) -> int:
    """Add the counts, predictions and samples of batches that were not added before; returns the predictions.

    A request id that came before is kept as it first came.
    """
    batches = list(batches)
    for key, minutes in _merged(endpoint, batches).items():
        add_minutes(tx, key, minutes)
    predictions = [
        (model, request_id, endpoint, version, at_us, score)
        for batch in batches
        for request_id, at_us, model, version, score in batch.predictions
    ]
    tx.executemany(PREDICTION, predictions)
    samples = (
        (model, endpoint, version, request_id, at_us, score, json.dumps(inputs, ensure_ascii=False))
        for batch in batches
        for request_id, at_us, model, version, score, inputs in batch.samples
    )
    tx.executemany(SAMPLE, samples)
    return len(predictions)


def _merged(endpoint: str, batches: Iterable[Batch]) -> dict[SeriesKey, Minutes]:
    """The counts by stream and minute; a minute that was handed over in two parts is one."""
    merged: dict[SeriesKey, Minutes] = {}
    keys: dict[tuple[str, str, int, str], SeriesKey] = {}
    for batch in batches:
        for each in batch.counts:
            named = (each.kind, each.model, each.version, each.name)
            key = keys.get(named) or keys.setdefault(named, SeriesKey(*named[:3], endpoint, each.name))
            minutes = merged.setdefault(key, {})
            known = minutes.get(batch.start_us)
            minutes[batch.start_us] = vector.add(known, each.vec) if known else each.vec
    return merged


def add_minutes(tx: Tx, key: SeriesKey, minutes: Mapping[int, list[int]]) -> None:
    """What `series.add` does for each of many minutes of one stream, with one read and one write a grain."""
    row = tx.one(series.FIND, key.columns)
    number = int(row["id"]) if row else int(tx.execute(series.CREATE, key.columns).lastrowid)
    finer: Mapping[int, list[int]] = minutes
    for grain in series.GRAINS:
        finer = _coarser(finer, grain) if grain != MINUTE else finer
        known = tx.read(series.BETWEEN, (number, grain, min(finer), max(finer) + 1))
        before = {int(window["start_us"]): vector.decode(window["vec"]) for window in known}
        tx.executemany(
            series.PUT,
            [
                (number, grain, start, vector.encode(vector.add(before[start], vec) if start in before else vec))
                for start, vec in finer.items()
            ],
        )


def _coarser(windows: Mapping[int, list[int]], grain: int) -> Minutes:
    total: Minutes = {}
    for start, vec in windows.items():
        coarse = start - start % grain
        total[coarse] = vector.add(total[coarse], vec) if coarse in total else vec
    return total
