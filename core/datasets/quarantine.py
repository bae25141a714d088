"""Let a refused file in after all, or say that it never will be."""

from __future__ import annotations

from pathlib import Path

from core.datasets import rows
from core.datasets.examine import Declared, Examined, examine, examined
from core.datasets.ingest import Added, Waiver, keep
from core.datasets.source import Source
from core.desk import Desk
from core.errors import BadInput


def release(desk: Desk, entry: int, reason: str) -> Added:
    """Make a snapshot of the bytes kept in quarantine although they break the contract; an approver's to do.

    The snapshot and the ledger say who and why, and what was broken. Raises NotFound for no such entry, CheckFailed
    where it no longer waits, BadInput without a reason or where nobody can read the file.
    """
    found = _waiting(desk, entry, reason)
    with examined(desk, _source(desk, found), found.dataset, Declared(delimiter=found.delimiter)) as seen:
        return keep(desk, found.dataset, seen, Waiver(entry, reason.strip()))


def planned(desk: Desk, entry: int, reason: str) -> Examined:
    """What a release would take in, with nothing written; raises as it does."""
    found = _waiting(desk, entry, reason)
    return examine(desk, _source(desk, found), found.dataset, Declared(delimiter=found.delimiter))


def drop(desk: Desk, entry: int, reason: str, *, dry_run: bool = False) -> rows.Quarantined:
    """End the waiting of a file that will not be taken; its bytes and its report stay. Raises as `release` does."""
    found = _waiting(desk, entry, reason)
    if dry_run:
        return found
    with desk.write() as tx:
        rows.require_waiting(tx, entry)
        rows.drop(tx, entry, {"how": "dropped", "by": desk.actor, "reason": reason.strip()}, desk.now_us())
        told = {"dataset": found.dataset, "quarantine": entry, "reason": reason.strip()}
        desk.record(tx, "dataset.dropped", data=told)
        return rows.quarantined(tx, entry)


def _waiting(desk: Desk, entry: int, reason: str) -> rows.Quarantined:
    if not reason.strip():
        raise BadInput("there is no reason", "say why, as in --reason 'checked with the airline'")
    return rows.require_waiting(desk.store, entry)


def _source(desk: Desk, found: rows.Quarantined) -> Source:
    """The bytes as they are kept, under the name and the hash they came by."""
    return Source(Path(found.source), desk.blobs.verified(found.blob), found.sha256, found.source)
