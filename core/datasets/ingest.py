"""Take a file in: an immutable snapshot where it keeps the contract, quarantine where it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import crashpoint
from core.datasets import rows, semantics
from core.datasets.check import Finding, check
from core.datasets.contract import Contract, infer
from core.datasets.load import parquet_bytes
from core.datasets.normal import normal, type_name, with_times
from core.datasets.profile import profile
from core.datasets.source import Source, open_source, read_table
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.store import Tx

if TYPE_CHECKING:
    import pyarrow

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Declared:
    """What is said about a file beside its content: the columns of time, label and leaks, and what separates values."""

    time_column: str | None = None
    label: str | None = None
    leaks: tuple[str, ...] = ()
    delimiter: str | None = None


NOTHING = Declared()


@dataclass(frozen=True)
class Added:
    """What adding a file came to; not `new` where the same content already was a snapshot. Findings are warnings."""

    snapshot: rows.Snapshot
    new: bool
    findings: list[Finding]


@dataclass(frozen=True)
class Examined:
    """A file read, profiled and held against its contract, with nothing written.

    `saved` is the contract in force and None for the first file, whose inferred contract is `contract`.
    """

    source: Source
    table: pyarrow.Table
    profile: dict[str, Any]
    contract: Contract
    saved: rows.SavedContract | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """The findings that refuse the file."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def require_kept(self, dataset: str) -> None:
        """Raise CheckFailed with every reason where the contract is broken."""
        if self.errors:
            reasons = "; ".join(str(finding) for finding in self.errors)
            raise CheckFailed(
                f"{self.source.path} breaks the contract of {dataset!r}: {reasons}",
                f"mend the file, or change the contract: `tocsin dataset contract show {dataset}`",
            )


def add(
    desk: Desk,
    path: str | Path,
    *,
    dataset: str,
    time_column: str | None = None,
    label: str | None = None,
    leaks: Sequence[str] = (),
    delimiter: str | None = None,
) -> Added:
    """Make a snapshot of a CSV, TSV, Parquet or JSON Lines file. The same content twice is one snapshot.

    The first file of a data set makes its contract, with the time column, label and leaks given; later ones must keep
    it. Raises NotFound for no file, BadInput for one that cannot be read or does not have the columns named (nothing is
    written), CheckFailed for one that breaks the contract (it is kept in quarantine, with its reasons).
    """
    require_name(dataset)
    return take(desk, open_source(path), dataset, Declared(time_column, label, tuple(leaks), delimiter))


def take(desk: Desk, source: Source, dataset: str, declared: Declared = NOTHING) -> Added:
    """What `add` does, of a file that has been read already."""
    known = rows.by_content(desk.store, dataset, source.sha256)
    if known is not None:
        return Added(known, False, [])
    examined = examine(desk, source, dataset, declared)
    crashpoint.at("ingest.read")
    if examined.errors:
        refuse(desk, dataset, source, "; ".join(str(finding) for finding in examined.errors))
        examined.require_kept(dataset)
    return _keep(desk, dataset, examined)


def examine(desk: Desk, source: Source, dataset: str, declared: Declared = NOTHING) -> Examined:
    """Read a file and judge it as `add` would, writing nothing."""
    saved = rows.contract_or_none(desk.store, dataset)
    types = {column.name: column.type for column in saved.contract.columns} if saved else None
    table = normal(read_table(source, delimiter=declared.delimiter, types=types), types)
    _require_columns(source, table, [declared.time_column, declared.label, *declared.leaks])
    if saved is None:
        return _first(source, table, declared)
    _require_agreement(dataset, saved.contract, declared)
    return _later(desk, dataset, source, table, saved)


def require_name(dataset: str) -> None:
    """Raise BadInput for a name that a file, a column of a table and a shell could not all hold."""
    if not NAME.fullmatch(dataset):
        raise BadInput(f"{dataset!r} cannot name a data set", "use letters, digits, dots, dashes and underscores")


def _first(source: Source, table: pyarrow.Table, declared: Declared) -> Examined:
    if declared.time_column is not None:
        table = with_times(table, declared.time_column)
    facts = profile(table)
    contract = infer(facts, time_column=declared.time_column, label=declared.label, leaks=declared.leaks)
    if contract.time_column is not None:
        table = with_times(table, contract.time_column)
    findings = [*semantics.blanks(facts), *semantics.giveaways(contract, table)]
    return Examined(source, table, facts, contract, None, findings)


def _later(desk: Desk, dataset: str, source: Source, table: pyarrow.Table, saved: rows.SavedContract) -> Examined:
    contract = saved.contract
    table, findings = _with_contract_time(table, contract)
    findings += check(contract, table, now_us=desk.now_us())
    facts = profile(table)
    earlier = rows.latest_or_none(desk.store, dataset)
    if earlier is not None:
        used = [*contract.used_as("feature"), *contract.used_as("label")]
        findings += semantics.compare(earlier.profile, facts, used)
    return Examined(source, table, facts, contract, saved, findings)


def _with_contract_time(table: pyarrow.Table, contract: Contract) -> tuple[pyarrow.Table, list[Finding]]:
    name = contract.time_column
    if name is None or name not in table.column_names:
        return table, []
    try:
        return with_times(table, name), []
    except BadInput as error:
        return table, [Finding(name, "error", error.message)]


def _require_columns(source: Source, table: pyarrow.Table, names: list[str | None]) -> None:
    for name in names:
        if name is not None and name not in table.column_names:
            raise BadInput(f"{source.path} has no column {name!r}", f"its columns are {', '.join(table.column_names)}")


def _require_agreement(dataset: str, contract: Contract, declared: Declared) -> None:
    leaks = ((name, "leak") for name in declared.leaks)
    asked = [(declared.time_column, "time"), (declared.label, "label"), *leaks]
    for name, use in asked:
        column = contract.column(name) if name is not None else None
        if name is not None and (column is None or column.use != use):
            says = f"{column.use!r}" if column else "nothing"
            raise BadInput(
                f"the contract of {dataset!r} says {says} of {name!r}, not {use!r}",
                f"edit what `tocsin dataset contract show {dataset} --json` prints and set it with `contract set`",
            )


def _keep(desk: Desk, dataset: str, examined: Examined) -> Added:
    blob = desk.blobs.put(parquet_bytes(examined.table))
    crashpoint.at("ingest.kept")
    now_us = desk.now_us()
    with desk.write() as tx:
        # Another process may have added the same file since it was looked for.
        known = rows.by_content(tx, dataset, examined.source.sha256)
        if known is not None:
            return Added(known, False, [])
        if examined.saved is None and rows.contract_or_none(tx, dataset) is not None:
            raise CheckFailed(f"another process made {dataset!r} in this moment", "add the file again, to be checked")
        saved = examined.saved or save_contract(desk, tx, dataset, examined.contract)
        values = _values(examined, dataset, blob, saved.id, now_us)
        snapshot = rows.insert_snapshot(tx, values)
        rows.release(tx, dataset, snapshot.sha256, now_us)
        told = {"dataset": dataset, "snapshot": snapshot.number, "rows": snapshot.rows, "sha256": snapshot.sha256}
        desk.record(tx, "dataset.added", data=told)
        crashpoint.at("ingest.recorded")
    return Added(snapshot, True, examined.findings)


def _values(examined: Examined, dataset: str, blob: str, contract_id: int, now_us: int) -> dict[str, Any]:
    time = examined.contract.time_column
    times = examined.profile["columns"][time] if time else {"min": None, "max": None}
    return {
        "dataset": dataset,
        "sha256": examined.source.sha256,
        "blob": blob,
        "source": str(examined.source.path),
        "rows": examined.table.num_rows,
        "columns": {field.name: type_name(field.type) for field in examined.table.schema},
        "profile": examined.profile,
        "time_column": time,
        "time_from_us": times["min"],
        "time_to_us": times["max"],
        "contract_id": contract_id,
        "created_us": now_us,
    }


def save_contract(desk: Desk, tx: Tx, dataset: str, contract: Contract) -> rows.SavedContract:
    """Save the next version of a contract with its event, in the caller's transaction."""
    saved = rows.insert_contract(tx, dataset, contract, desk.now_us())
    desk.record(tx, "contract.saved", data={"dataset": dataset, "version": saved.version})
    return saved


def refuse(desk: Desk, dataset: str, source: Source, reason: str) -> None:
    """Keep a file in quarantine with its reason; content that is there already stays as it is."""
    desk.blobs.put(source.content)
    with desk.write() as tx:
        if rows.is_quarantined(tx, dataset, source.sha256):
            return
        rows.insert_quarantine(tx, dataset, str(source.path), source.sha256, reason, desk.now_us())
        desk.record(tx, "dataset.quarantined", data={"dataset": dataset, "reason": reason})
