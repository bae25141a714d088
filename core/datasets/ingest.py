"""Take a file in: an immutable snapshot where it keeps the contract, quarantine where it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import crashpoint
from core.datasets import rows
from core.datasets.contract import Contract
from core.datasets.examine import NOTHING, Declared, Examined, examined, require_name
from core.datasets.finding import Finding, errors_told
from core.datasets.given import given
from core.datasets.source import Source
from core.desk import Desk
from core.errors import CheckFailed
from core.store import Tx


@dataclass(frozen=True)
class Added:
    """What adding a file came to; not `new` where the same content already was a snapshot. Findings are warnings."""

    snapshot: rows.Snapshot
    new: bool
    findings: list[Finding]


def add(
    desk: Desk,
    path: str | Path,
    *,
    dataset: str,
    query: str | None = None,
    time_column: str | None = None,
    label: str | None = None,
    leaks: Sequence[str] = (),
    delimiter: str | None = None,
) -> Added:
    """Make a snapshot of a file, a folder of Parquet parts, or the rows of a `query` at a database's address.

    The same content twice is one snapshot.

    The first file of a data set makes its contract, with the time column, label and leaks given; later ones must keep
    it. Raises NotFound for no file, BadInput for one that cannot be read or does not have the columns named (nothing is
    written), CheckFailed for one that breaks the contract (it is kept in quarantine, with its reasons).
    """
    require_name(dataset)
    with given(desk, path, query) as source:
        return take(desk, source, dataset, Declared(time_column, label, tuple(leaks), delimiter))


def take(desk: Desk, source: Source, dataset: str, declared: Declared = NOTHING) -> Added:
    """What `add` does, of a file that has been read already."""
    known = rows.by_content(desk.store, dataset, source.sha256)
    if known is not None:
        return Added(known, False, [])
    with examined(desk, source, dataset, declared) as found:
        crashpoint.at("ingest.read")
        if found.errors:
            reason = errors_told(found.errors)
            refuse(desk, dataset, source, reason, found, declared.delimiter)
            found.require_kept(dataset)
        return keep(desk, dataset, found)


@dataclass(frozen=True)
class Waiver:
    """Why a file is taken in although it breaks its contract: the number of its entry in quarantine, and a reason."""

    entry: int
    reason: str


def keep(desk: Desk, dataset: str, examined: Examined, waiver: Waiver | None = None) -> Added:
    """Make a snapshot of a file whose rows can still be read, or find the one that was made of it meanwhile.

    Raises CheckFailed where its entry in quarantine has ended meanwhile, or another process made the data set.
    """
    blob = desk.blobs.adopt(examined.table.path)
    crashpoint.at("ingest.kept")
    now_us = desk.now_us()
    with desk.write() as tx:
        if waiver is not None:
            rows.require_waiting(tx, waiver.entry)
        # Another process may have added the same file since it was looked for.
        known = rows.by_content(tx, dataset, examined.source.sha256)
        if known is not None:
            return Added(known, False, [])
        if examined.saved is None and rows.contract_or_none(tx, dataset) is not None:
            raise CheckFailed(f"another process made {dataset!r} in this moment", "add the file again, to be checked")
        saved = examined.saved or save_contract(desk, tx, dataset, examined.contract)
        values = _values(examined, dataset, blob, saved.id, now_us)
        snapshot = rows.insert_snapshot(tx, {**values, "waived": _waived(desk, examined, waiver)})
        how = "released" if waiver else "added"
        ended = {"how": how, "by": desk.actor, "reason": waiver.reason if waiver else "", "snapshot": snapshot.number}
        rows.release(tx, dataset, snapshot.sha256, ended, now_us)
        _tell(desk, tx, snapshot, waiver)
        crashpoint.at("ingest.recorded")
    return Added(snapshot, True, examined.findings)


def _tell(desk: Desk, tx: Tx, snapshot: rows.Snapshot, waiver: Waiver | None) -> None:
    told = {"dataset": snapshot.dataset, "snapshot": snapshot.number, "rows": snapshot.rows, "sha256": snapshot.sha256}
    if waiver is not None:
        data = {"dataset": snapshot.dataset, "quarantine": waiver.entry, "reason": waiver.reason}
        desk.record(tx, "dataset.released", data={**data, "snapshot": snapshot.number})
    desk.record(tx, "dataset.added", data=told)


def _waived(desk: Desk, examined: Examined, waiver: Waiver | None) -> str | None:
    if waiver is None:
        return None
    broken = [str(finding) for finding in examined.errors]
    return json.dumps({"by": desk.actor, "reason": waiver.reason, "quarantine": waiver.entry, "broken": broken})


def _values(examined: Examined, dataset: str, blob: str, contract_id: int, now_us: int) -> dict[str, Any]:
    time = examined.contract.time_column
    timed = time is not None and examined.table.types.get(time) == "time"
    times = examined.profile["columns"][time] if timed else {"min": None, "max": None}
    return {
        "dataset": dataset,
        "sha256": examined.source.sha256,
        "blob": blob,
        "source": examined.source.origin,
        "rows": examined.table.rows,
        "columns": dict(examined.table.types),
        "profile": examined.profile,
        "time_column": time,
        "time_from_us": times["min"],
        "time_to_us": times["max"],
        "contract_id": contract_id,
        "created_us": now_us,
    }


def save_contract(desk: Desk, tx: Tx, dataset: str, contract: Contract, reason: str = "") -> rows.SavedContract:
    """Save the next version of a contract with its event, in the caller's transaction: who is the desk's actor."""
    saved = rows.insert_contract(tx, dataset, contract, desk.now_us(), desk.actor, reason)
    told = {"reason": reason} if reason else {}
    desk.record(tx, "contract.saved", data={"dataset": dataset, "version": saved.version, **told})
    return saved


def refuse(
    desk: Desk,
    dataset: str,
    source: Source,
    reason: str,
    found: Examined | None = None,
    delimiter: str | None = None,
) -> None:
    """Keep a file in quarantine with its reason and what was `found`; content that is there already stays as it is.

    Of what came as no single file the rows are kept as they were read.
    """
    blob = desk.blobs.put_file(found.table.path) if source.rows_only and found else _put(desk, source)
    report = json.dumps([finding.to_json() for finding in found.findings] if found else [])
    with desk.write() as tx:
        if rows.is_quarantined(tx, dataset, source.sha256):
            return
        named = {"dataset": dataset, "source": source.origin, "sha256": source.sha256, "blob": blob}
        told = {"reason": reason, "report": report, "delimiter": delimiter, "created_us": desk.now_us()}
        rows.insert_quarantine(tx, {**named, **told})
        desk.record(tx, "dataset.quarantined", data={"dataset": dataset, "reason": reason})


def _put(desk: Desk, source: Source) -> str:
    if isinstance(source.content, bytes):
        return desk.blobs.put(source.content)
    blob = desk.blobs.put_file(source.content)
    source.require_unchanged()
    return blob
