"""One data set: its snapshots, the columns of one of them against the contract, and what was turned away."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.briefing.header import Header, header
from core.datasets import rows
from core.datasets.contract import Column
from core.datasets.rows import Quarantined, SavedContract, Snapshot
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.store import Row

SNAPSHOTS = """SELECT s.id, s.number, s.rows, s.time_from_us,
  s.time_to_us, s.source, s.created_us, s.waived IS NOT NULL AS waived, c.version AS contract,
  (SELECT count(*) FROM model_version v WHERE v.snapshot_id = s.id) AS models
FROM snapshot s LEFT JOIN contract c ON c.id = s.contract_id WHERE s.dataset = ? ORDER BY s.number DESC LIMIT 2000"""
QUARANTINE = "SELECT * FROM quarantine WHERE dataset = ? AND released_us IS NULL ORDER BY id DESC LIMIT 200"
USED = "SELECT model, version FROM model_version WHERE snapshot_id = ? ORDER BY model, version LIMIT 10"


class SnapshotRow(NamedTuple):
    """One snapshot as a line; `contract` is the version it was held against, `models` how many learned from it."""

    id: int
    number: int
    rows: int
    time_from_us: int | None
    time_to_us: int | None
    source: str
    created_us: int
    waived: bool
    contract: int | None
    models: int


class ColumnRow(NamedTuple):
    """One column of a snapshot: its profile (see `core.datasets.profile`) and what the contract says of it, if it
    does; a column that the contract asks for and the snapshot lacks has no `facts`."""

    id: str
    facts: dict[str, Any]
    agreed: Column | None


class DatasetPage(NamedTuple):
    """A data set with the snapshot looked at, the newest unless another was asked for; None before the first."""

    header: Header
    name: str
    snapshot: Snapshot | None
    newest: bool
    snapshots: tuple[SnapshotRow, ...]
    columns: tuple[ColumnRow, ...]
    contract: SavedContract | None
    quarantine: tuple[Quarantined, ...]
    used_by: tuple[tuple[str, int], ...]


def dataset(desk: Desk, target: str) -> DatasetPage:
    """The page of a data set `NAME`, or of its snapshot `NAME/3`. Raises NotFound, BadInput."""
    name, number = _named(desk, target)
    snapshots = tuple(_row(row) for row in desk.store.read(SNAPSHOTS, (name,)))
    waiting = tuple(Quarantined.of(row) for row in desk.store.read(QUARANTINE, (name,)))
    if not snapshots and not waiting:
        raise NotFound(f"there is no data set {name!r}", "`tocsin dataset list` shows them")
    shown = rows.snapshot(desk.store, name, number) if snapshots else None
    contract = rows.contract_or_none(desk.store, name)
    used = desk.store.read(USED, (shown.id,)) if shown else []
    return DatasetPage(
        header=header(desk),
        name=name,
        snapshot=shown,
        newest=shown is not None and shown.number == snapshots[0].number,
        snapshots=snapshots,
        columns=_columns(shown, contract),
        contract=contract,
        quarantine=waiting,
        used_by=tuple((one["model"], one["version"]) for one in used),
    )


def _named(desk: Desk, target: str) -> tuple[str, int | None]:
    name, slash, number = target.rpartition("/")
    if slash:
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise BadInput(f"{target!r} names no snapshot", "write it as DATASET/NUMBER, as in orders/3")
        return name, int(number)
    return target, None


def _row(row: Row) -> SnapshotRow:
    plain = {name: row[name] for name in SnapshotRow._fields if name != "waived"}
    return SnapshotRow(**plain, waived=bool(row["waived"]))


def _columns(shown: Snapshot | None, contract: SavedContract | None) -> tuple[ColumnRow, ...]:
    agreed = {one.name: one for one in contract.contract.columns} if contract else {}
    found = shown.profile.get("columns", {}) if shown else {}
    there = [ColumnRow(name, facts, agreed.get(name)) for name, facts in found.items()]
    return (*there, *(ColumnRow(name, {}, one) for name, one in agreed.items() if name not in found))
