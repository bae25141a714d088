"""Materialise a view's aggregates: offline what became known since the last time, online the window up to then.

The offline store is a list of Parquet parts (key, known_us, value), each of what became known in (from, to]. Parts and
online state are of one transaction: killed at any instant there are both or neither, and it is simply done again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.features.declared import Aggregate
from core.features.events import Events
from core.features.join import source_events
from core.features.online import HISTORIES, KEPT_US, REACHED, reached
from core.features.saved import SavedView, saved_view
from core.store import Store, Tx

PARTS = "SELECT blob FROM materialisation WHERE view = ? AND version = ? AND aggregate = ? ORDER BY to_us"
ROWS = """SELECT coalesce(sum(rows + late), 0) AS rows FROM materialisation
WHERE view = ? AND version = ? AND aggregate = ?"""
ADD = """INSERT INTO materialisation(view, version, aggregate, from_us, to_us, blob, rows, late, newest_us, created_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
PUT = """INSERT INTO online_value(view, version, aggregate, key, history) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET history = excluded.history"""
FORGET = "DELETE FROM online_value WHERE view = ? AND version = ? AND aggregate = ? AND key = ?"


@dataclass(frozen=True)
class Part:
    """What became known of one aggregate in (from, to]: so many `rows`, kept as a blob.

    `late` are rows that were known by `from` and came into the data set only later: they are not taken any more.
    """

    aggregate: str
    from_us: int
    to_us: int
    rows: int
    late: int
    newest_us: int | None
    blob: str


@dataclass(frozen=True)
class Materialised:
    """What one materialisation came to; no parts where nothing new was known."""

    view: SavedView
    parts: tuple[Part, ...]


def materialise(
    desk: Desk, text: str, to_us: int | None = None, progress: Callable[[float, str], None] = lambda *_: None
) -> Materialised:
    """Take what became known up to an instant (now) since the last time; doing it again takes nothing.

    It never goes beyond the newest row of a source: what the next snapshot will hold is not counted as nothing.
    Raises NotFound, BadInput for a view without aggregates, an instant to come or a source that does not fit, and
    CheckFailed where another process has materialised the view meanwhile.
    """
    saved, now = saved_view(desk.store, text), desk.now_us()
    if not saved.view.aggregate:
        raise BadInput(f"{saved.text} has no aggregates", "there is nothing to materialise")
    if to_us is not None and to_us > now:
        raise BadInput(f"{iso(to_us)} is yet to come", "leave --to out for all that is known now")
    progress(0.05, f"reading the sources of {saved.text}")
    events, _ = source_events(desk, saved.view, {})
    before, edges = reached(desk.store, saved.name, saved.version), _edges(saved, events, to_us or now)
    found: dict[str, tuple[Part, Events]] = {}
    for number, aggregate in enumerate(saved.view.aggregate):
        progress(0.1 + 0.8 * number / len(saved.view.aggregate), aggregate.name)
        name, since, edge = aggregate.name, before.get(aggregate.name, 0), edges[aggregate.source]
        if edge > since:
            found[name] = _part(desk, saved, name, events[name], since, edge)
    if found:
        with desk.write() as tx:
            if reached(tx, saved.name, saved.version) != before:
                raise CheckFailed(f"{saved.text} was materialised by another process meanwhile", "look at it again")
            _keep(desk, tx, saved, found, now)
    return Materialised(saved, tuple(part for part, _ in found.values()))


def _edges(saved: SavedView, events: Mapping[str, Events], to_us: int) -> dict[str, int]:
    """How far each source goes: to the newest of its rows known by `to_us`; 0 where there is none."""
    edges = {one.source: 0 for one in saved.view.aggregate}
    for one in saved.view.aggregate:
        known = events[one.name].known_us
        edges[one.source] = max(edges[one.source], int(known[known <= to_us].max(initial=0)))
    return edges


def _part(desk: Desk, saved: SavedView, name: str, events: Events, since: int, to_us: int) -> tuple[Part, Events]:
    import pyarrow as pa

    from core.datasets.load import parquet_bytes

    new = events.between(since, to_us)
    keys = pa.array(events.keys, pa.string()).take(pa.array(new.codes))
    blob = desk.blobs.put(parquet_bytes(pa.table({"key": keys, "known_us": new.known_us, "value": new.values})))
    row = desk.store.one(ROWS, (saved.name, saved.version, name))
    late = len(events.between(0, since)) - (row["rows"] if row else 0)
    newest = int(new.known_us.max()) if len(new) else None
    return Part(name, since, to_us, len(new), max(0, late), newest, blob), new


def _keep(desk: Desk, tx: Tx, saved: SavedView, found: Mapping[str, tuple[Part, Events]], now: int) -> None:
    histories: dict[tuple[str, str], list[list[Any]]] = {
        (row["aggregate"], row["key"]): json.loads(row["history"])
        for row in tx.read(HISTORIES, (saved.name, saved.version))
    }
    specs = {one.name: one for one in saved.view.aggregate}
    for name, (part, new) in found.items():
        place = (saved.name, saved.version, name)
        tx.execute(
            ADD,
            (*place, part.from_us, part.to_us, part.blob, part.rows, part.late, part.newest_us, now),
        )
        mine = {key: history for (aggregate, key), history in histories.items() if aggregate == name}
        _move_on(tx, saved, specs[name], part.to_us, mine, new)
    rows, late = sum(part.rows for part, _ in found.values()), sum(part.late for part, _ in found.values())
    data = {"view": saved.name, "view_version": saved.version, "rows": rows, "late": late}
    desk.record(tx, "feature.materialised", data=data)


def _move_on(
    tx: Tx, saved: SavedView, spec: Aggregate, to_us: int, histories: dict[str, list[list[Any]]], new: Events
) -> None:
    """Add what is new to each key's history, and forget what has left the window of every instant still answered."""
    since = to_us - spec.over_us - KEPT_US
    before = {key: len(times) for key, (times, _) in histories.items()}
    for code, at, value in zip(new.codes.tolist(), new.known_us.tolist(), new.values.tolist(), strict=True):
        if at > since:
            times, values = histories.setdefault(new.keys[code], [[], []])
            times.append(at)
            values.append(value)
    for key, (times, values) in histories.items():
        gone = sum(at <= since for at in times)
        place = (saved.name, saved.version, spec.name, key)
        if gone == len(times):
            tx.execute(FORGET, place)
        elif gone or len(times) != before.get(key):
            tx.execute(PUT, (*place, json.dumps([times[gone:], values[gone:]])))


def offline(desk: Desk, view: str, version: int, aggregate: str) -> Events:
    """All that was materialised of an aggregate; none before the first time. Raises NotFound, StoreUnusable."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    blobs = [row["blob"] for row in desk.store.read(PARTS, (view, version, aggregate))]
    schema = pa.schema([("key", pa.string()), ("known_us", pa.int64()), ("value", pa.float64())])
    parts = [pq.read_table(pa.BufferReader(desk.blobs.read(blob))) for blob in blobs]
    table = pa.concat_tables([schema.empty_table(), *parts]).combine_chunks()
    coded = table.column("key").dictionary_encode().unify_dictionaries().combine_chunks()
    coded = coded.chunk(0) if hasattr(coded, "chunk") else coded
    codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    known, values = table.column("known_us").to_numpy(), table.column("value").to_numpy()
    order = np.lexsort((values, known, codes))
    return Events(coded.dictionary.to_pylist(), codes[order], known[order], values[order])


@dataclass(frozen=True)
class Freshness:
    """How far an aggregate is materialised, the newest row known by then, rows in all, and whether that is too old."""

    aggregate: str
    to_us: int | None
    newest_us: int | None
    rows: int
    late: int
    stale: bool


def freshness(store: Store, saved: SavedView, now_us: int) -> list[Freshness]:
    """How fresh each aggregate of a view is; one that was never materialised is stale."""
    limit = saved.view.stale_after_us
    known = {row["aggregate"]: row for row in store.read(REACHED, (saved.name, saved.version))}
    found = []
    for one in saved.view.aggregate:
        row = known.get(one.name)
        if row is None:
            found.append(Freshness(one.name, None, None, 0, 0, True))
            continue
        stale = limit is not None and now_us - row["to_us"] > limit
        found.append(Freshness(one.name, row["to_us"], row["newest_us"], row["rows"], row["late"], stale))
    return found
