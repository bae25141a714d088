"""Data sets, one line each: how much there is, how old it is, its contract, and what was turned away."""

from __future__ import annotations

from typing import NamedTuple

from core.desk import Desk
from core.store import Row

# A file that was refused before any was taken belongs to a data set without a snapshot.
NAMES = """(SELECT dataset FROM snapshot UNION SELECT dataset FROM quarantine WHERE released_us IS NULL)
WHERE dataset LIKE :match"""
COUNT = f"SELECT count(*) AS n FROM {NAMES}"
ABOVE = f"SELECT count(*) AS n FROM {NAMES} AND dataset < :name"
WINDOW = f"""SELECT n.dataset AS name, s.rows, s.number, s.source, s.time_to_us, s.created_us,
  (SELECT count(*) FROM snapshot a WHERE a.dataset = n.dataset) AS snapshots,
  (SELECT max(version) FROM contract c WHERE c.dataset = n.dataset) AS contract,
  (SELECT json_extract(spec, '$.freshness_us') FROM contract c WHERE c.dataset = n.dataset
   ORDER BY version DESC LIMIT 1) AS freshness_us,
  (SELECT count(*) FROM quarantine q WHERE q.dataset = n.dataset AND q.released_us IS NULL) AS quarantined
FROM (SELECT dataset FROM {NAMES} ORDER BY dataset LIMIT :limit OFFSET :offset) n
LEFT JOIN snapshot s ON s.id = (SELECT id FROM snapshot b WHERE b.dataset = n.dataset ORDER BY number DESC LIMIT 1)
ORDER BY n.dataset"""


class DatasetRow(NamedTuple):
    """One data set as a line: its newest snapshot (`number` and what follows it), all None before the first.

    `time_to_us` is the newest time in its rows, `freshness_us` how old the contract lets that be (None: any age).
    """

    name: str
    snapshots: int
    number: int | None
    rows: int | None
    source: str
    time_to_us: int | None
    created_us: int | None
    contract: int | None
    freshness_us: int | None
    quarantined: int


def count(desk: Desk, match: str = "") -> int:
    """How many data sets there are, or how many hold the text in their name."""
    return int(desk.store.read(COUNT, {"match": f"%{match}%"})[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[DatasetRow]:
    """The data sets from `offset` on, by name."""
    return [_row(row) for row in desk.store.read(WINDOW, {"match": f"%{match}%", "limit": limit, "offset": offset})]


def position(desk: Desk, name: str, match: str = "") -> int:
    """Where a data set stands in that order."""
    return int(desk.store.read(ABOVE, {"name": name, "match": f"%{match}%"})[0]["n"])


def too_old(time_to_us: int | None, freshness_us: int | None, now_us: int) -> bool:
    """Whether the newest row is older than the contract allows; no where one of them is not known."""
    return time_to_us is not None and freshness_us is not None and now_us - time_to_us > freshness_us


def _row(row: Row) -> DatasetRow:
    plain = {name: row[name] for name in DatasetRow._fields if name != "source"}
    return DatasetRow(**plain, source=row["source"] or "")
