"""Streams of counts in the store: added at every grain at once, read over any window from the coarsest that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.clock import DAY, HOUR, MINUTE
from core.counts import vector
from core.store import Store, Tx

GRAINS = (MINUTE, HOUR, DAY)

FIND = "SELECT id FROM series WHERE model = ? AND endpoint = ? AND kind = ? AND version = ? AND name = ?"
CREATE = "INSERT INTO series(model, endpoint, kind, version, name) VALUES (?, ?, ?, ?, ?)"
PUT = """INSERT INTO count_window(series, grain, start_us, vec) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET vec = excluded.vec"""
BETWEEN = """SELECT start_us, vec FROM count_window
WHERE series = ? AND grain = ? AND start_us >= ? AND start_us < ? ORDER BY start_us"""
FIRST = "SELECT min(start_us) AS first FROM count_window WHERE series = ? AND grain = ?"
# By the series, because the primary key begins with it: nothing that stays is looked at.
FORGET = "DELETE FROM count_window WHERE series IN (SELECT id FROM series) AND grain = ? AND start_us < ?"
OLDEST = """SELECT min((SELECT min(start_us) FROM count_window WHERE series = s.id AND grain = ?)) AS oldest
FROM series s"""


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


def grains_of(kind: str) -> tuple[int, ...]:
    """The widths of the windows that a kind of counts is kept in, finest first.

    What burn rates and latencies are formed from is kept by the minute; distributions (features, scores, losses) by the
    hour, because nobody can judge a distribution by a minute of it.
    """
    return (HOUR, DAY) if kind == "feature" or kind.startswith(("score", "loss")) else (MINUTE, HOUR, DAY)


def add(tx: Tx, key: SeriesKey, start_us: int, vec: Sequence[int]) -> None:
    """Add one minute's counts, inside the caller's transaction. Raises ValueError as `add_all` does."""
    add_all(tx, {(key, start_us): vec})


def add_all(tx: Tx, vectors: Mapping[tuple[SeriesKey, int], Sequence[int]]) -> None:
    """Add vectors, each for a series and the start of a minute, writing each window they fall into a single time.

    Raises ValueError where a start does not begin a minute: windows would otherwise overlap.
    """
    by_key: dict[SeriesKey, dict[int, Sequence[int]]] = {}
    for (key, start_us), vec in vectors.items():
        if start_us % MINUTE:
            raise ValueError("counts are added by whole minutes")
        by_key.setdefault(key, {})[start_us] = vec
    for key in sorted(by_key, key=lambda key: key.columns):
        series = _series(tx, key)
        windows: Mapping[int, Sequence[int]] = by_key[key]
        for grain in grains_of(key.kind):
            windows = _coarser(windows, grain)
            _put(tx, series, grain, windows)


def _coarser(windows: Mapping[int, Sequence[int]], grain: int) -> dict[int, Sequence[int]]:
    sums: dict[int, Sequence[int]] = {}
    for start_us, vec in windows.items():
        start = start_us - start_us % grain
        sums[start] = vector.add(sums[start], vec) if start in sums else vec
    return sums


def _put(tx: Tx, series: int, grain: int, windows: Mapping[int, Sequence[int]]) -> None:
    known = tx.read(BETWEEN, (series, grain, min(windows), max(windows) + 1))
    before = {int(row["start_us"]): vector.decode(row["vec"]) for row in known}
    rows = [
        (series, grain, start, vector.encode(vector.add(before[start], vec) if start in before else vec))
        for start, vec in windows.items()
    ]
    tx.executemany(PUT, rows)


def _series(tx: Tx, key: SeriesKey) -> int:
    row = tx.one(FIND, key.columns)
    return int(row["id"]) if row else int(tx.execute(CREATE, key.columns).lastrowid)


def read_sum(store: Store, key: SeriesKey, from_us: int, to_us: int) -> list[int]:
    """The sum of every finest window that touches [from, to); an empty list where nothing was counted.

    Whole days and hours are read as such, so the cost does not grow with the window.
    """
    row = store.one(FIND, key.columns)
    if row is None:
        return []
    grains = grains_of(key.kind)
    total: list[int] = []
    for grain, start, end in pieces(from_us // grains[0] * grains[0], -(-to_us // grains[0]) * grains[0], grains):
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


def oldest_us(store: Store, grain: int) -> int | None:
    """When the first window of a grain begins; None where there is none."""
    oldest = store.read(OLDEST, (grain,))[0]["oldest"]
    return None if oldest is None else int(oldest)


def pieces(from_us: int, to_us: int, grains: Sequence[int] = GRAINS) -> list[tuple[int, int, int]]:
    """Cut [from, to) into (grain, start, end) runs of whole windows, the widest that fit, covering it exactly once."""
    if from_us >= to_us:
        return []
    *finer, grain = grains
    if not finer:
        return [(grain, from_us, to_us)]
    inner_from, inner_to = -(-from_us // grain) * grain, to_us // grain * grain
    if inner_from >= inner_to:
        return pieces(from_us, to_us, finer)
    return [
        *pieces(from_us, inner_from, finer),
        (grain, inner_from, inner_to),
        *pieces(inner_to, to_us, finer),
    ]
