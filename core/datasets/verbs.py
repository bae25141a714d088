"""What else people do with data sets: try a file, and change a contract."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from core.datasets import rows
from core.datasets.check import check
from core.datasets.contract import Contract
from core.datasets.examine import NOTHING, Declared, Examined, examine, require_name
from core.datasets.finding import Finding
from core.datasets.given import given
from core.datasets.infer import infer
from core.datasets.ingest import save_contract
from core.datasets.load import columns
from core.datasets.profile import profile
from core.desk import Desk
from core.engines.engine import Choice


def validate(
    desk: Desk, path: str | Path, dataset: str, declared: Declared = NOTHING, *, query: str | None = None
) -> Examined:
    """Judge a file by the contract in force, writing nothing; `Examined.errors` is what would refuse it.

    Raises NotFound for no file or no contract, BadInput for a file that cannot be read.
    """
    rows.contract(desk.store, dataset)
    with given(desk, path, query) as source:
        return examine(desk, source, dataset, declared)


def validated(desk: Desk, dataset: str, number: int | None = None, *, strict: bool = False) -> list[Finding]:
    """What a snapshot (the latest without a number) would be told under the contract in force. Raises NotFound."""
    snapshot = rows.snapshot(desk.store, dataset, number)
    contract = rows.contract(desk.store, dataset).contract
    found = check(contract, columns(desk, snapshot))
    return [finding.refused() for finding in found] if strict or contract.strict else found


def profiled(desk: Desk, snapshot: rows.Snapshot, engine: Choice) -> dict[str, Any]:
    """The profile of a snapshot's rows, gathered anew by an engine and written nowhere.

    Raises what `load.path` and the opening of an engine do.
    """
    found, threads = columns(desk, snapshot), desk.settings.threads
    with engine.open(threads) as working:
        return profile(found, threads=threads, engine=working)


def set_contract(desk: Desk, dataset: str, contract: Contract, reason: str = "") -> rows.SavedContract:
    """Save a contract as the next version, in force for every later file; one equal to it is not saved twice.

    It may come before the first file: that one is then held against it. Raises BadInput for an impossible name.
    """
    require_name(dataset)
    with desk.write() as tx:
        now = rows.contract_or_none(tx, dataset)
        if now is not None and now.contract == contract:
            return now
        return save_contract(desk, tx, dataset, contract, reason.strip())


def strain(desk: Desk, dataset: str, contract: Contract) -> list[Finding]:
    """What the latest snapshot would have been told under another contract; empty without a snapshot."""
    latest = rows.latest_or_none(desk.store, dataset)
    return check(contract, columns(desk, latest)) if latest else []


def inferred(desk: Desk, dataset: str, number: int | None = None) -> Contract:
    """The contract a snapshot's profile suggests, the latest without a number; what people said of each column's use,
    and of the whole, stays. Raises NotFound.
    """
    snapshot = rows.snapshot(desk.store, dataset, number)
    now = rows.contract(desk.store, dataset).contract
    fresh = infer(snapshot.profile, time_column=now.time_column, label=now.label, leaks=now.used_as("leak"))
    uses = {column.name: column.use for column in now.columns}
    kept = tuple(dataclasses.replace(column, use=uses.get(column.name, column.use)) for column in fresh.columns)
    return dataclasses.replace(now, columns=kept)
