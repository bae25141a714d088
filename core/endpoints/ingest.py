"""Take in what an endpoint counted, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.access.sensitive import Vault
from core.counts import series, vector
from core.counts.series import SeriesKey
from core.endpoints.adapter import Batch
from core.endpoints.sensitive import Rules, protect, rules
from core.store import Tx

PREDICTION = """INSERT INTO prediction(model, request_id, endpoint, version, at_us, score) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""
SAMPLE = """INSERT INTO sample(model, endpoint, version, request_id, at_us, score, inputs, sealed, sealed_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""


def add_batches(tx: Tx, vault: Vault, endpoint: str, batches: Iterable[Batch]) -> int:
    """Add the counts, predictions and samples of batches that were not added before; returns the predictions.

    A request id that came before is kept as it first came; sensitive columns are protected as their contract says.
    """
    batches = list(batches)
    series.add_all(tx, _merged(endpoint, batches))
    predictions = [
        (model, request_id, endpoint, version, at_us, score)
        for batch in batches
        for request_id, at_us, model, version, score in batch.predictions
    ]
    tx.executemany(PREDICTION, predictions)
    tx.executemany(SAMPLE, _samples(tx, vault, endpoint, batches))
    return len(predictions)


def _samples(tx: Tx, vault: Vault, endpoint: str, batches: Iterable[Batch]) -> Iterator[tuple[object, ...]]:
    by_model: dict[str, Rules] = {}
    for batch in batches:
        for request_id, at_us, model, version, score, inputs in batch.samples:
            if model not in by_model:
                by_model[model] = rules(tx, model)
            kept = protect(vault, by_model[model], model, request_id, inputs)
            yield (model, endpoint, version, request_id, at_us, score, kept.inputs, kept.sealed, kept.key)


def _merged(endpoint: str, batches: Iterable[Batch]) -> dict[tuple[SeriesKey, int], list[int]]:
    """The counts by stream and minute; a minute that was handed over in two parts is one."""
    merged: dict[tuple[SeriesKey, int], list[int]] = {}
    keys: dict[tuple[str, str, int, str], SeriesKey] = {}
    for batch in batches:
        for each in batch.counts:
            named = (each.kind, each.model, each.version, each.name)
            key = keys.get(named) or keys.setdefault(named, SeriesKey(*named[:3], endpoint, each.name))
            place = (key, batch.start_us)
            merged[place] = vector.add(merged[place], each.vec) if place in merged else each.vec
    return merged
