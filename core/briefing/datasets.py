"""Data sets: snapshots with their columns, the contract they were held to, and what was turned away."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from core.briefing.header import Header, header
from core.desk import Desk
from core.errors import NotFound
from core.store import Row

COUNT = "SELECT count(*) AS n FROM snapshot WHERE dataset || ' ' || source LIKE ?"
WINDOW = """SELECT s.*, (SELECT max(version) FROM contract c WHERE c.dataset = s.dataset) AS contract,
  (SELECT count(*) FROM quarantine q WHERE q.dataset = s.dataset AND q.released_us IS NULL) AS quarantined
FROM snapshot s WHERE s.dataset || ' ' || s.source LIKE ? ORDER BY s.id DESC LIMIT ? OFFSET ?"""
ABOVE = "SELECT count(*) AS n FROM snapshot WHERE id > ? AND dataset || ' ' || source LIKE ?"
ONE = "SELECT id FROM snapshot WHERE id = ?"
LATEST = "SELECT id FROM snapshot WHERE dataset = ? ORDER BY number DESC LIMIT 1"
CONTRACT = "SELECT version, spec FROM contract WHERE dataset = ? ORDER BY version DESC LIMIT 1"
QUARANTINE = "SELECT source, reason, created_us FROM quarantine WHERE dataset = ? ORDER BY id DESC LIMIT 10"
USED = "SELECT model, version FROM model_version WHERE snapshot_id = ? ORDER BY model, version LIMIT 10"


class SnapshotRow(NamedTuple):
    """One snapshot as a line; times are those of its own time column, None where it has none."""

    id: int
    dataset: str
    number: int
    rows: int
    columns: int
    time_from_us: int | None
    time_to_us: int | None
    source: str
    contract: int | None
    quarantined: int
    created_us: int


class SnapshotPage(NamedTuple):
    """One snapshot in full: each column's profile, the contract's word on it, and what came of it."""

    header: Header
    row: SnapshotRow
    sha256: str
    time_column: str
    profile: dict[str, Any]
    contract: dict[str, Any]
    quarantine: tuple[tuple[str, str, int], ...]
    used_by: tuple[tuple[str, int], ...]


def count(desk: Desk, match: str = "") -> int:
    """How many snapshots there are, or how many hold the text in data set or source."""
    return int(desk.store.read(COUNT, (f"%{match}%",))[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[SnapshotRow]:
    """The snapshots from `offset` on, newest first."""
    return [_row(row) for row in desk.store.read(WINDOW, (f"%{match}%", limit, offset))]


def position(desk: Desk, snapshot_id: int, match: str = "") -> int:
    """Where a snapshot stands in that order."""
    return int(desk.store.read(ABOVE, (snapshot_id, f"%{match}%"))[0]["n"])


def latest(desk: Desk, dataset: str) -> int:
    """The newest snapshot of a data set. Raises NotFound."""
    row = desk.store.one(LATEST, (dataset,))
    if row is None:
        raise NotFound(f"there is no data set {dataset!r}", "`tocsin dataset list` shows them")
    return int(row["id"])


def snapshot(desk: Desk, snapshot_id: int) -> SnapshotPage:
    """The page of one snapshot. Raises NotFound."""
    if desk.store.one(ONE, (snapshot_id,)) is None:
        raise NotFound(f"there is no snapshot {snapshot_id}", "`tocsin dataset list` shows them")
    row = desk.store.read(WINDOW, ("%", 1, position(desk, snapshot_id)))[0]
    contract = desk.store.one(CONTRACT, (row["dataset"],))
    return SnapshotPage(
        header=header(desk),
        row=_row(row),
        sha256=row["sha256"],
        time_column=row["time_column"] or "",
        profile=dict(json.loads(row["profile"])),
        contract=dict(json.loads(contract["spec"])) if contract else {},
        quarantine=tuple(
            (one["source"], one["reason"], one["created_us"]) for one in desk.store.read(QUARANTINE, (row["dataset"],))
        ),
        used_by=tuple((one["model"], one["version"]) for one in desk.store.read(USED, (snapshot_id,))),
    )


def _row(row: Row) -> SnapshotRow:
    plain = {name: row[name] for name in SnapshotRow._fields if name != "columns"}
    return SnapshotRow(**plain, columns=len(json.loads(row["columns"])))
