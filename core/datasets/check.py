"""Hold a table against its contract: column by column, then as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.clock import iso, span
from core.datasets.column_checks import masked, named, value_findings
from core.datasets.contract import Column, Contract
from core.datasets.finding import ABSENT, Finding, Offenders, Severity, share
from core.datasets.rowbits import repeats, row_bits
from core.datasets.rules import rule_findings
from core.measures.tables import Table, table_of

if TYPE_CHECKING:
    import pyarrow

FITS = {("integer", "number"), ("unknown", "unknown")}


@dataclass(frozen=True)
class Before:
    """What is asked of the last snapshot: its rows, and its newest time in microseconds."""

    rows: int
    newest_us: int | None = None


def check(
    contract: Contract, table: pyarrow.Table | Table, *, now_us: int | None = None, before: Before | None = None
) -> list[Finding]:
    """Everything in a table that breaks the contract or strains it, columns first; empty where it fits.

    `now_us` is what freshness is measured from, `before` what a jump of the rows and the order of snapshots are; what
    is not given is not asked. Memory does not grow with the rows of `Table`.
    """
    held = table_of(table)
    found = [finding for column in contract.columns for finding in _column(column, held)]
    known = {column.name for column in contract.columns}
    found += [
        Finding(name, "warning", "is not in the contract: it is kept and not used", "columns")
        for name in held.types
        if name not in known
    ]
    hidden = masked(*contract.columns)
    found += [*_rows(contract, held, before), *_keys(contract, held), *_times(contract, held, now_us, before)]
    return [*found, *(finding for rule in contract.rules for finding in rule_findings(rule, held, hidden))]


def _column(column: Column, table: Table) -> list[Finding]:
    kind = table.types.get(column.name)
    if kind is None:
        return [Finding(column.name, "error", ABSENT, "columns")]
    missing = table.missing(column.name)
    if missing == table.rows:
        limited = not column.nullable or (column.null_share is not None and column.null_share < 1)
        severity: Severity = "error" if limited else "warning"
        return [Finding(column.name, severity, "has no value in any row", "missing", missing, table.rows)]
    if kind != column.type and (kind, column.type) not in FITS and column.type != "unknown":
        text = f"holds {kind} where the contract says {column.type}"
        return [Finding(column.name, "error", text, "type", table.rows - missing, table.rows)]
    return value_findings(column, table, kind, missing)


def _rows(contract: Contract, table: Table, before: Before | None) -> list[Finding]:
    limits, rows, found = contract.rows, table.rows, []
    if limits.least is not None and rows < limits.least:
        found.append(f"it has {rows:,} rows; the contract asks for {limits.least:,} at least")
    if limits.most is not None and rows > limits.most:
        found.append(f"it has {rows:,} rows; the contract allows {limits.most:,} at most")
    if limits.jump is not None and before is not None and max(rows, before.rows) > limits.jump * min(rows, before.rows):
        allowed = f"the contract allows {limits.jump:g} times more or fewer"
        found.append(f"it has {rows:,} rows where the snapshot before had {before.rows:,}; {allowed}")
    return [Finding(None, "error", text, "rows") for text in found]


def _keys(contract: Contract, table: Table) -> list[Finding]:
    """Keys of several columns; a row that lacks a part of one is not compared."""
    found = []
    for key in contract.unique_together:
        if not all(name in table.types for name in key):
            continue
        again = repeats(lambda names=key: row_bits(table, names), table.rows)  # type: ignore[misc]
        if again.count:
            first = named(table, list(key), again.places, *contract.columns).examples
            text = f"{' and '.join(key)} repeat together in {share(again.count, table.rows)}"
            found.append(Finding(None, "error", text, "unique_together", again.count, table.rows, tuple(first)))
    return found


def _times(contract: Contract, table: Table, now_us: int | None, before: Before | None) -> list[Finding]:
    name = contract.time_column
    if name is None or table.types.get(name) != "time":
        return []
    since = before.newest_us if before is not None and contract.after_last else None
    found = [] if not contract.in_order else _disorder(name, table)
    if since is not None:
        found += _earlier(name, table, since)
    return [*_freshness(contract, name, table, now_us), *found]


def _disorder(name: str, table: Table) -> list[Finding]:
    import numpy as np

    def backwards(times: Any, last: int) -> Any:
        return np.diff(times, prepend=last) < 0

    return _walk(name, table, backwards, "order", "earlier than the row above")


def _earlier(name: str, table: Table, since_us: int) -> list[Finding]:
    said = f"earlier than the newest row of the snapshot before ({iso(since_us)})"
    return _walk(name, table, lambda times, _: times < since_us, "after_last", said)


def _walk(name: str, table: Table, broken: Any, rule: str, said: str) -> list[Finding]:
    """The rows whose time breaks a rule that knows the time above; rows without a time are passed over."""
    import numpy as np

    found, first, last = Offenders(), 0, np.iinfo(np.int64).min // 2
    for batch in table.batches(name):
        there = batch.is_valid().to_numpy(zero_copy_only=False)
        times = batch.drop_null().cast("int64").to_numpy(zero_copy_only=False)
        wrong = np.zeros(len(batch), bool)
        if len(times):
            wrong[there] = broken(times, last)
            last = int(times[-1])
        found.add(first, wrong, {name: batch})
        first += len(batch)
    return found.judged(name, rule, table.rows, 0.0, said)


def _freshness(contract: Contract, name: str, table: Table, now_us: int | None) -> list[Finding]:
    import pyarrow.compute as pc

    if contract.freshness_us is None or now_us is None:
        return []
    ends = [pc.max(batch.cast("int64")).as_py() for batch in table.batches(name)]
    newest = max((end for end in ends if end is not None), default=None)
    if newest is None or now_us - newest <= contract.freshness_us:
        return []
    age, limit = span(now_us - newest), span(contract.freshness_us)
    return [Finding(name, "error", f"its newest row is {age} old; the contract allows {limit}", "freshness")]
