"""Streams of counts in the store: added at three grains at once, read over any window from the coarsest that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import DAY, HOUR, MINUTE
from core.counts import vector
from core.store import Store, Tx

GRAINS = (MINUTE, HOUR, DAY)

FIND = "SELECT id FROM series WHERE model = ? AND endpoint = ? AND kind = ? AND version = ? AND name = ?"
CREATE = "INSERT INTO series(model, endpoint, kind, version, name) VALUES (?, ?, ?, ?, ?)"
ONE = "SELECT vec FROM count_window WHERE series = ? AND grain = ? AND start_us = ?"
PUT = """INSERT INTO count_window(series, grain, start_us, vec) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET vec = excluded.vec"""
BETWEEN = """SELECT start_us, vec FROM count_window
WHERE series = ? AND grain = ? AND start_us >= ? AND start_us < ? ORDER BY start_us"""
FIRST = "SELECT min(start_us) AS first FROM count_window WHERE series = ? AND grain = ?"
FORGET = "DELETE FROM count_window WHERE grain = ? AND start_us < ?"


@dataclass(frozen=True)
class SeriesKey:
    """The name of a stream of count vectors.

    `kind` says what is counted (requests, latency, feature, score, score.pos, score.neg, loss, auth), `name` which
    one where there are several (a feature's name); version 0 stands for no version.
    """

    kind: str
    model: str
    version: int
    endpoint: str
    name: str = ""

    @property
    def columns(self) -> tuple[str, str, str, int, str]:
        """The values in the order of the table's unique index."""
        return (self.model, self.endpoint, self.kind, self.version, self.name)


def add(tx: Tx, key: SeriesKey, start_us: int, vec: Sequence[int]) -> None:
    """Add one minute's counts to its minute, hour and day, inside the caller's transaction.

    Raises ValueError where `start_us` does not begin a minute: windows would otherwise overlap.
    """
    if start_us % MINUTE:
        raise ValueError("counts are added by whole minutes")
    series = _series(tx, key)
    for grain in GRAINS:
        start = start_us - start_us % grain
        row = tx.one(ONE, (series, grain, start))
        total = vector.add(vector.decode(row["vec"]), vec) if row else list(vec)
        tx.execute(PUT, (series, grain, start, vector.encode(total)))


def _series(tx: Tx, key: SeriesKey) -> int:
    row = tx.one(FIND, key.columns)
    if row:
        return int(row["id"])
    return int(tx.execute(CREATE, key.columns).lastrowid)


def read_sum(store: Store, key: SeriesKey, from_us: int, to_us: int) -> list[int]:
    """The sum over [from, to), both rounded down to the minute; an empty list where nothing was counted.

    Whole days and hours are read as such, so the cost does not grow with the window.
    """
    row = store.one(FIND, key.columns)
    if row is None:
        return []
    total: list[int] = []
    for grain, start, end in pieces(from_us - from_us % MINUTE, to_us - to_us % MINUTE):
        for window in store.read(BETWEEN, (row["id"], grain, start, end)):
            total = vector.add(total, vector.decode(window["vec"]))
    return total


def read_steps(store: Store, key: SeriesKey, from_us: int, to_us: int, grain: int) -> list[tuple[int, list[int]]]:
    """The windows of one grain that begin in [from, to), oldest first; windows without counts are left out."""
    row = store.one(FIND, key.columns)
    if row is None:
        return []
    rows = store.read(BETWEEN, (row["id"], grain, from_us, to_us))
    return [(int(window["start_us"]), vector.decode(window["vec"])) for window in rows]


def first_us(store: Store, key: SeriesKey) -> int | None:
    """When the first day that has counts begins; None where there are none."""
    row = store.one(FIND, key.columns)
    first = store.one(FIRST, (row["id"], DAY)) if row else None
    return int(first["first"]) if first and first["first"] is not None else None


def keys(
    store: Store,
    *,
    kind: str | None = None,
    model: str | None = None,
    version: int | None = None,
    endpoint: str | None = None,
) -> list[SeriesKey]:
    """The series that exist and fit every filter given, in a stable order."""
    filters = {"kind": kind, "model": model, "version": version, "endpoint": endpoint}
    given = {name: value for name, value in filters.items() if value is not None}
    where = " AND ".join(["1", *(f"{name} = :{name}" for name in given)])
    sql = f"SELECT * FROM series WHERE {where} ORDER BY model, endpoint, kind, version, name"
    return [SeriesKey(r["kind"], r["model"], r["version"], r["endpoint"], r["name"]) for r in store.read(sql, given)]


def forget(tx: Tx, grain: int, before_us: int) -> int:
    """Drop one grain's windows that begin before an instant; the coarser grains keep their sums. Returns how many."""
    return int(tx.execute(FORGET, (grain, before_us)).rowcount)


def pieces(from_us: int, to_us: int) -> list[tuple[int, int, int]]:
    """Cut [from, to) into (grain, start, end) runs of whole days, hours and minutes that cover it exactly once."""
    return _cut(from_us, to_us, len(GRAINS) - 1)


def _cut(from_us: int, to_us: int, level: int) -> list[tuple[int, int, int]]:
    if from_us >= to_us:
        return []
    grain = GRAINS[level]
    if level == 0:
        return [(grain, from_us, to_us)]
    inner_from, inner_to = -(-from_us // grain) * grain, to_us // grain * grain
    if inner_from >= inner_to:
        return _cut(from_us, to_us, level - 1)
    return [
        *_cut(from_us, inner_from, level - 1),
        (grain, inner_from, inner_to),
        *_cut(inner_to, to_us, level - 1),
    ]
