"""Read a file and judge it: by its contract where there is one, and beside the snapshot before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.datasets import arrangement, load, rows, semantics
from core.datasets.check import Before, check
from core.datasets.contract import Contract
from core.datasets.finding import Finding, require_kept
from core.datasets.infer import infer
from core.datasets.leaks import giveaways
from core.datasets.normal import require_times
from core.datasets.profile import profile
from core.datasets.shifts import shifted
from core.datasets.source import Source
from core.datasets.stage import Wanted, stage
from core.desk import Desk
from core.errors import BadInput, NotFound, StoreUnusable
from core.measures.tables import ParquetTable

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Declared:
    """What is said about a file beside its content: the columns of time, label and leaks, and what separates values.

    `strict` refuses it for warnings too.
    """

    time_column: str | None = None
    label: str | None = None
    leaks: tuple[str, ...] = ()
    delimiter: str | None = None
    strict: bool = False


NOTHING = Declared()


@dataclass(frozen=True)
class Examined:
    """A file read, profiled and held against its contract, with nothing written.

    `saved` is the contract in force and None for the first file, whose inferred contract is `contract`. The rows of
    `table` can be read until the file is kept or let go.
    """

    source: Source
    table: ParquetTable
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
        require_kept(self.findings, str(self.source.path), dataset)


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
    repeated, facts["repeated"] = arrangement.repeated_rows(contract, table, None)
    findings = [*semantics.blanks(facts), *repeated, *giveaways(contract, table)]
    findings += arrangement.clustered(table, contract.used_as("feature"))
    return Examined(source, table, facts, contract, None, _judged(findings, declared.strict))


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
    earlier = rows.last_good_or_none(desk.store, dataset)
    before = Before(earlier.rows, earlier.time_to_us) if earlier else None
    findings += check(contract, table, now_us=desk.now_us(), before=before)
    facts = profile(table, threads=desk.settings.threads)
    repeated, facts["repeated"] = arrangement.repeated_rows(contract, table, earlier.profile if earlier else None)
    findings += [*repeated, *giveaways(contract, table), *arrangement.clustered(table, contract.used_as("feature"))]
    if earlier is not None:
        findings += _beside(desk, earlier, contract, table, facts)
    return Examined(source, table, facts, contract, saved, _judged(findings, declared.strict or contract.strict))


def _beside(
    desk: Desk, earlier: rows.Snapshot, contract: Contract, table: ParquetTable, facts: dict[str, Any]
) -> list[Finding]:
    """Warnings about what moved since the last snapshot that kept its contract."""
    used = [*contract.used_as("feature"), *contract.used_as("label")]
    found = semantics.compare(earlier.profile, facts, used)
    try:
        old = load.path(desk, earlier)
    except (NotFound, StoreUnusable) as error:
        text = f"the snapshot before cannot be compared with: {error.message}"
        return [*found, Finding(None, "warning", text, "shift")]
    return [*found, *shifted(old, table.path, used, (earlier.profile, facts), threads=desk.settings.threads)]


def _judged(findings: list[Finding], strict: bool) -> list[Finding]:
    return [finding.refused() for finding in findings] if strict else findings


def _require_columns(source: Source, table: ParquetTable, declared: Declared) -> None:
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
