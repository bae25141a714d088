"""The rows of snapshots, contracts and quarantined files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.datasets.contract import Contract
from core.datasets.finding import Finding
from core.errors import CheckFailed, NotFound
from core.store import Row, Store, Tx

SNAPSHOTS = "SELECT * FROM snapshot ORDER BY dataset, number"
OF_DATASET = "SELECT * FROM snapshot WHERE dataset = ? ORDER BY number"
LATEST = "SELECT * FROM snapshot WHERE dataset = ? ORDER BY number DESC LIMIT 1"
GOOD = "SELECT * FROM snapshot WHERE dataset = ? AND waived IS NULL ORDER BY number DESC LIMIT 1"
NUMBERED = "SELECT * FROM snapshot WHERE dataset = ? AND number = ?"
BY_ID = "SELECT * FROM snapshot WHERE id = ?"
BY_CONTENT = "SELECT * FROM snapshot WHERE dataset = ? AND sha256 = ?"
INSERT_SNAPSHOT = """INSERT INTO snapshot(dataset, number, sha256, blob, source, rows, columns, profile, time_column,
time_from_us, time_to_us, contract_id, created_us, waived)
VALUES (:dataset, (SELECT coalesce(max(number), 0) + 1 FROM snapshot WHERE dataset = :dataset), :sha256, :blob, :source,
:rows, :columns, :profile, :time_column, :time_from_us, :time_to_us, :contract_id, :created_us, :waived)"""
CONTRACT = "SELECT * FROM contract WHERE dataset = ? ORDER BY version DESC LIMIT 1"
CONTRACT_VERSION = "SELECT * FROM contract WHERE dataset = ? AND version = ?"
INSERT_CONTRACT = """INSERT INTO contract(dataset, version, spec, created_us, saved_by, reason)
VALUES (:dataset, (SELECT coalesce(max(version), 0) + 1 FROM contract WHERE dataset = :dataset), :spec, :created_us,
:saved_by, :reason)"""
QUARANTINED = "SELECT * FROM quarantine WHERE dataset = ? AND sha256 = ? AND released_us IS NULL"
QUARANTINE = "SELECT * FROM quarantine WHERE released_us IS NULL OR ? ORDER BY id"
INSERT_QUARANTINE = """INSERT INTO quarantine(dataset, source, sha256, blob, reason, report, delimiter, created_us)
VALUES (:dataset, :source, :sha256, :blob, :reason, :report, :delimiter, :created_us)"""
ENTRY = "SELECT * FROM quarantine WHERE id = ?"
VERSIONS = "SELECT * FROM contract WHERE dataset = ? ORDER BY version"
DROP = "UPDATE quarantine SET released_us = ?, ended = ? WHERE id = ?"
RELEASE = "UPDATE quarantine SET released_us = ?, ended = ? WHERE dataset = ? AND sha256 = ? AND released_us IS NULL"


@dataclass(frozen=True)
class Snapshot:
    """One immutable state of a data set.

    `sha256` is of the file that was given, `blob` of the Parquet kept; `columns` maps each name to its type;
    `time_from_us` and `time_to_us` are the first and the last time in the time column, both included.
    `waived` tells by whom, why, and against which reasons it was let in although it broke its contract.
    """

    id: int
    dataset: str
    number: int
    sha256: str
    blob: str
    source: str
    rows: int
    columns: dict[str, str]
    profile: dict[str, Any]
    time_column: str | None
    time_from_us: int | None
    time_to_us: int | None
    contract_id: int | None
    created_us: int
    waived: dict[str, Any] | None = None

    @classmethod
    def of(cls, row: Row) -> Snapshot:
        """The snapshot of a row of the `snapshot` table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__}
        read = {name: json.loads(row[name] or "null") for name in ("columns", "profile", "waived")}
        return cls(**{**plain, **read})


@dataclass(frozen=True)
class SavedContract:
    """A contract as it was saved: immutable, a new version for every edit."""

    id: int
    dataset: str
    version: int
    contract: Contract
    created_us: int
    saved_by: str
    reason: str

    @classmethod
    def of(cls, row: Row) -> SavedContract:
        """The contract of a row of the `contract` table."""
        spec = Contract.from_json(json.loads(row["spec"]))
        return cls(row["id"], row["dataset"], row["version"], spec, row["created_us"], row["saved_by"], row["reason"])


@dataclass(frozen=True)
class Quarantined:
    """A file that was refused, and why; `blob` keeps it: as it came, or its rows where it came as no single file.

    `report` is what was found, nothing where it could not be read; `ended`: how, by whom and why it no longer waits.
    """

    id: int
    dataset: str
    source: str
    sha256: str
    reason: str
    created_us: int
    released_us: int | None
    blob: str
    delimiter: str | None
    report: tuple[Finding, ...]
    ended: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> Quarantined:
        """The entry of a row of the `quarantine` table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__}
        report = tuple(Finding.from_json(each) for each in json.loads(row["report"]))
        ended = json.loads(row["ended"] or "{}")
        return cls(**{**plain, "blob": row["blob"] or row["sha256"], "report": report, "ended": ended})


def snapshot(store: Store | Tx, dataset: str, number: int | None = None) -> Snapshot:
    """One snapshot, the latest without a number. Raises NotFound."""
    row = store.one(LATEST, (dataset,)) if number is None else store.one(NUMBERED, (dataset, number))
    if row is None and number is not None and store.one(LATEST, (dataset,)) is not None:
        raise NotFound(f"data set {dataset!r} has no snapshot {number}", f"`tocsin dataset show {dataset}` lists them")
    if row is None:
        raise NotFound(f"there is no data set {dataset!r}", f"`tocsin dataset add {dataset} FILE` makes it")
    return Snapshot.of(row)


def latest_or_none(store: Store | Tx, dataset: str) -> Snapshot | None:
    """The latest snapshot, or None before the first file."""
    row = store.one(LATEST, (dataset,))
    return Snapshot.of(row) if row else None


def last_good_or_none(store: Store | Tx, dataset: str) -> Snapshot | None:
    """The latest snapshot that kept its contract, or None."""
    row = store.one(GOOD, (dataset,))
    return Snapshot.of(row) if row else None


def snapshot_by_id(store: Store | Tx, snapshot_id: int) -> Snapshot:
    """One snapshot by its id. Raises NotFound."""
    row = store.one(BY_ID, (snapshot_id,))
    if row is None:
        raise NotFound(f"there is no snapshot with id {snapshot_id}", "`tocsin dataset list` shows what there is")
    return Snapshot.of(row)


def snapshots(store: Store | Tx, dataset: str | None = None) -> list[Snapshot]:
    """All snapshots, or those of one data set, in the order they were added."""
    rows = store.read(SNAPSHOTS) if dataset is None else store.read(OF_DATASET, (dataset,))
    return [Snapshot.of(row) for row in rows]


def by_content(store: Store | Tx, dataset: str, sha256: str) -> Snapshot | None:
    """The snapshot made of a file with this content, or None."""
    row = store.one(BY_CONTENT, (dataset, sha256))
    return Snapshot.of(row) if row else None


def insert_snapshot(tx: Tx, values: Mapping[str, Any]) -> Snapshot:
    """Add a snapshot with the next number of its data set."""
    texts = {name: json.dumps(values[name]) for name in ("columns", "profile")}
    plain = {"waived": None, **values, **texts}
    return snapshot_by_id(tx, tx.execute(INSERT_SNAPSHOT, plain).lastrowid)


def contract(store: Store | Tx, dataset: str, version: int | None = None) -> SavedContract:
    """A data set's contract, the one in force without a version. Raises NotFound."""
    found = contract_or_none(store, dataset) if version is None else None
    if version is not None:
        row = store.one(CONTRACT_VERSION, (dataset, version))
        found = SavedContract.of(row) if row else None
    if found is None:
        wanted = f"version {version} of the contract" if version is not None else "contract"
        raise NotFound(f"there is no {wanted} of data set {dataset!r}", "`tocsin dataset list` shows what there is")
    return found


def contract_or_none(store: Store | Tx, dataset: str) -> SavedContract | None:
    """The contract in force, or None before the first file."""
    row = store.one(CONTRACT, (dataset,))
    return SavedContract.of(row) if row else None


def contracts(store: Store | Tx, dataset: str) -> list[SavedContract]:
    """Every version of a data set's contract, the first one first. Raises NotFound where there is none."""
    contract(store, dataset)
    return [SavedContract.of(row) for row in store.read(VERSIONS, (dataset,))]


def insert_contract(
    tx: Tx, dataset: str, spec: Contract, now_us: int, saved_by: str = "", reason: str = ""
) -> SavedContract:
    """Save the next version of a data set's contract."""
    values = {"dataset": dataset, "spec": json.dumps(spec.to_json()), "created_us": now_us}
    tx.execute(INSERT_CONTRACT, {**values, "saved_by": saved_by, "reason": reason})
    return contract(tx, dataset)


def quarantine(store: Store | Tx, *, released: bool = False) -> list[Quarantined]:
    """The files in quarantine, oldest first; with `released` those that were taken later as well."""
    return [Quarantined.of(row) for row in store.read(QUARANTINE, (released,))]


def is_quarantined(store: Store | Tx, dataset: str, sha256: str) -> bool:
    """Whether this content already waits in quarantine."""
    return store.one(QUARANTINED, (dataset, sha256)) is not None


def insert_quarantine(tx: Tx, values: Mapping[str, Any]) -> None:
    """Put a file into quarantine."""
    tx.execute(INSERT_QUARANTINE, values)


def quarantined(store: Store | Tx, entry: int) -> Quarantined:
    """One entry of the quarantine. Raises NotFound."""
    row = store.one(ENTRY, (entry,))
    if row is None:
        raise NotFound(f"nothing in quarantine has the number {entry}", "`tocsin dataset quarantine list` shows them")
    return Quarantined.of(row)


def require_waiting(store: Store | Tx, entry: int) -> Quarantined:
    """An entry that still waits. Raises NotFound, or CheckFailed where it was released, added again, or dropped."""
    found = quarantined(store, entry)
    if found.released_us is not None:
        raise CheckFailed(f"entry {entry} no longer waits: it was {found.ended.get('how', 'released')}", "")
    return found


def release(tx: Tx, dataset: str, sha256: str, ended: Mapping[str, Any], now_us: int) -> None:
    """End the quarantine of content that has been taken after all; nothing where it was in none."""
    tx.execute(RELEASE, (now_us, json.dumps(ended), dataset, sha256))


def drop(tx: Tx, entry: int, ended: Mapping[str, Any], now_us: int) -> None:
    """End the quarantine of content that will not be taken."""
    tx.execute(DROP, (now_us, json.dumps(ended), entry))
