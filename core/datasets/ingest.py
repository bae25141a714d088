"""Take a file in: an immutable snapshot where it keeps the contract, quarantine where it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import crashpoint
from core.datasets import rows, semantics
from core.datasets.check import check
from core.datasets.columns import ParquetColumns
from core.datasets.contract import Contract
from core.datasets.finding import Finding
from core.datasets.infer import infer
from core.datasets.normal import require_times
from core.datasets.profile import profile
from core.datasets.source import Source, open_source
from core.datasets.stage import Wanted, stage
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.store import Tx

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

    `saved` is the contract in force and None for the first file, whose inferred contract is `contract`. The rows of
    `table` can be read until the file is kept or let go.
    """

    source: Source
    table: ParquetColumns
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
    with examined(desk, source, dataset, declared) as found:
        crashpoint.at("ingest.read")
        if found.errors:
            refuse(desk, dataset, source, "; ".join(str(finding) for finding in found.errors))
            found.require_kept(dataset)
        return _keep(desk, dataset, found)


def examine(desk: Desk, source: Source, dataset: str, declared: Declared = NOTHING) -> Examined:
    """Read a file and judge it as `add` would, leaving nothing written; its rows can no longer be read."""
    with examined(desk, source, dataset, declared) as found:
        return found


@contextmanager
def examined(desk: Desk, source: Source, dataset: str, declared: Declared) -> Iterator[Examined]:
    """A file read and judged, its rows in a file of their own that is gone at the end unless it was kept."""
    saved = rows.contract_or_none(desk.store, dataset)
    with desk.blobs.part() as place:
        if saved is None:
            yield _first(desk, source, declared, place)
        else:
            yield _later(desk, dataset, source, declared, saved, place)


def require_name(dataset: str) -> None:
    """Raise BadInput for a name that a file, a column of a table and a shell could not all hold."""
    if not NAME.fullmatch(dataset):
        raise BadInput(f"{dataset!r} cannot name a data set", "use letters, digits, dots, dashes and underscores")


def _first(desk: Desk, source: Source, declared: Declared, place: Path) -> Examined:
    wanted = Wanted(delimiter=declared.delimiter, time_column=declared.time_column)
    table = stage(source, wanted, place).columns
    _require_columns(source, table, declared)
    facts = profile(table, threads=desk.settings.threads)
    contract = infer(facts, time_column=declared.time_column, label=declared.label, leaks=declared.leaks)
    name = contract.time_column
    if name is not None:
        require_times(name, table.types[name], facts["columns"][name]["missing"], table.rows)
    findings = [*semantics.blanks(facts), *semantics.giveaways(contract, table)]
    return Examined(source, table, facts, contract, None, findings)


def _later(
    desk: Desk, dataset: str, source: Source, declared: Declared, saved: rows.SavedContract, place: Path
) -> Examined:
    contract = saved.contract
    types = {column.name: column.type for column in contract.columns}
    staged = stage(source, Wanted(types, declared.delimiter, contract.time_column, lenient=True), place)
    table = staged.columns
    _require_columns(source, table, declared)
    _require_agreement(dataset, contract, declared)
    untimed = staged.untimed
    findings = [Finding(contract.time_column, "error", untimed.message)] if untimed else []
    findings += check(contract, table, now_us=desk.now_us())
    facts = profile(table, threads=desk.settings.threads)
    earlier = rows.latest_or_none(desk.store, dataset)
    if earlier is not None:
        used = [*contract.used_as("feature"), *contract.used_as("label")]
        findings += semantics.compare(earlier.profile, facts, used)
    return Examined(source, table, facts, contract, saved, findings)


def _require_columns(source: Source, table: ParquetColumns, declared: Declared) -> None:
    for name in (declared.time_column, declared.label, *declared.leaks):
        if name is not None and name not in table.types:
            raise BadInput(f"{source.path} has no column {name!r}", f"its columns are {', '.join(table.types)}")


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
    blob = desk.blobs.adopt(examined.table.path)
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


def save_contract(desk: Desk, tx: Tx, dataset: str, contract: Contract) -> rows.SavedContract:
    """Save the next version of a contract with its event, in the caller's transaction."""
    saved = rows.insert_contract(tx, dataset, contract, desk.now_us())
    desk.record(tx, "contract.saved", data={"dataset": dataset, "version": saved.version})
    return saved


def refuse(desk: Desk, dataset: str, source: Source, reason: str) -> None:
    """Keep a file in quarantine with its reason; content that is there already stays as it is."""
    _put(desk, source)
    with desk.write() as tx:
        if rows.is_quarantined(tx, dataset, source.sha256):
            return
        rows.insert_quarantine(tx, dataset, str(source.path), source.sha256, reason, desk.now_us())
        desk.record(tx, "dataset.quarantined", data={"dataset": dataset, "reason": reason})


def _put(desk: Desk, source: Source) -> None:
    if isinstance(source.content, bytes):
        desk.blobs.put(source.content)
    elif desk.blobs.put_file(source.content) != source.sha256:
        raise BadInput(f"{source.path} changed while it was read", "wait until it is written, then add it again")
