"""Data sets as text: a line in the list, and the sections of one but for its columns."""

from __future__ import annotations

from typing import Any

from console.pages.layout import heading
from console.view import Line, ago, columns, line, pad, share, when, wrap
from core.briefing.dataset import DatasetPage, SnapshotRow
from core.briefing.datasets import DatasetRow, too_old
from core.clock import iso, span
from core.datasets.contract import Column, Contract
from core.datasets.finding import Finding
from core.datasets.rows import Quarantined

WIDTHS = (14, 10, 14, 10, 8, 9, 11)
TITLES = ("data set", "rows", "newest row", "refused", "contract", "snapshots", "added")
SNAPSHOT_WIDTHS = (8, 10, 17, 8, 11, 10)
SNAPSHOT_TITLES = ("snapshot", "rows", "from - to", "contract", "added", "models")
QUARANTINE_TITLES = columns(("entry", "refused", "why"), (5, 11, 30))


def row_line(row: DatasetRow, now_us: int) -> Line:
    """One data set of the list: its newest rows' age, and what waits in quarantine."""
    old = too_old(row.time_to_us, row.freshness_us, now_us)
    left = columns((row.name, f"{row.rows or 0:,}"), WIDTHS[:2], right=(1,))
    age = _age(row.time_to_us, now_us, old)
    added = when(row.created_us, now_us) if row.created_us is not None else "-"
    contract = f"v{row.contract}" if row.contract else "none"
    rest = columns((contract, str(row.snapshots), added), WIDTHS[4:], right=(1,))
    held = (pad(f"▲ {row.quarantined} held" if row.quarantined else "-", WIDTHS[3]), "warn" if row.quarantined else "")
    return line(f"{left}  ", (pad(age, WIDTHS[2]), "warn" if old else ""), "  ", held, f"  {rest}")


def _age(time_us: int | None, now_us: int, old: bool) -> str:
    if time_us is None:
        return "-"
    return f"◐ stale {ago(time_us, now_us)}" if old else f"{ago(time_us, now_us)} old"


def snapshot_line(row: SnapshotRow, now_us: int) -> Line:
    """One snapshot; one let in although it broke its contract is marked."""
    reach = "-"
    if row.time_from_us is not None and row.time_to_us is not None:
        reach = f"{when(row.time_from_us, now_us).split()[0]} - {when(row.time_to_us, now_us).split()[0]}"
    contract = f"v{row.contract}" if row.contract else "none"
    models = f"{row.models} trained" if row.models else "-"
    values = (str(row.number), f"{row.rows:,}", reach, contract, when(row.created_us, now_us), models)
    waived = (("▲ released ", "warn"),) if row.waived else ()
    return line(columns(values, SNAPSHOT_WIDTHS, right=(0, 1)) + "  ", *waived, (file_of(row.source), "dim"))


def file_of(source: str) -> str:
    """The last part of where a file came from; the ledger has the whole."""
    return source.rpartition("/")[2] or source


def head(page: DatasetPage) -> list[Line]:
    """Which snapshot is looked at, how old it is and where it comes from."""
    shown, at = page.snapshot, page.header.now_us
    if shown is None:
        return [line((page.name, "bold"), "  no snapshot yet")]
    limit = page.contract.contract.freshness_us if page.contract else None
    said = line(
        (f"{shown.dataset}/{shown.number}", "bold"), f"  {shown.rows:,} rows", "" if page.newest else " (older)"
    )
    lines = [(*said, (f"  {file_of(shown.source)}, added {when(shown.created_us, at)}", "dim"))]
    if shown.time_to_us is not None and page.newest:
        age = span(max(0, at - shown.time_to_us))
        if too_old(shown.time_to_us, limit, at):
            lines.append(line(("  ◐ ", "warn"), f"stale: newest row {age} old, the contract allows {span(limit or 0)}"))
        else:
            lines.append(line((f"  newest row {age} old", "dim")))
    return lines


def snapshot_detail(page: DatasetPage, row: SnapshotRow | None) -> list[Line]:
    """What can be done with the snapshots, and what is known of the one that is looked at."""
    if row is None:
        return []
    shown = page.snapshot
    keys = line("  ", ("enter", "key"), " its columns   ", ("space", "key"), " mark   ", ("d", "key"), " compare two")
    lines = [*head(page), (), keys]
    if shown is not None and page.used_by:
        used = ", ".join(f"{model} v{version}" for model, version in page.used_by)
        lines.append(line((f"  trained on {shown.number}: ", "dim"), used))
    if shown is not None and shown.waived:
        told = ". ".join(f"{name}: {value}" for name, value in shown.waived.items())
        lines += [line(("  ▲ ", "warn"), piece) for piece in wrap(f"released. {told}", 90)]
    return lines


def contract_lines(page: DatasetPage, column: Column | None, width: int) -> list[Line]:
    """What a column may hold in full, and what the whole of a file must keep, in words."""
    if page.contract is None:
        return [line(("  no contract yet: the first file makes one", "dim"))]
    kept, at = page.contract, page.header.now_us
    by = f" by {kept.saved_by}" if kept.saved_by else ""
    said = f"v{kept.version}, saved {when(kept.created_us, at)}{by}{f': {kept.reason}' if kept.reason else ''}"
    rules = list(_whole(kept.contract))
    change = line((f"  tocsin dataset contract edit {page.name} changes it", "dim"))
    told = [] if column is None else [f"{allowed(column)}; up to {share(column.tolerance)} of the rows may be outside"]
    full = [line(f"  {piece}") for one in told for piece in wrap(one, width - 2)]
    named = [line((column.name, "bold"), f"  {column.type}, {column.use}"), *full, ()] if column is not None else []
    return [*named, heading("OF THE WHOLE FILE", said), *rules, change]


def _whole(contract: Contract) -> list[Line]:
    limits = contract.rows
    told = [f"{limits.least:,} rows at least"] if limits.least is not None else []
    told += [f"{limits.most:,} rows at most"] if limits.most is not None else []
    told += [f"{limits.jump:g} times more or fewer rows than before at most"] if limits.jump is not None else []
    told += [f"newest row at most {span(contract.freshness_us)} old"] if contract.freshness_us is not None else []
    told += [f"{' and '.join(key)} together are unique" for key in contract.unique_together]
    told += ["rows in order of time"] if contract.in_order else []
    told += ["no row earlier than the snapshot before"] if contract.after_last else []
    told += ["warnings refuse as well"] if contract.strict else []
    rules = [_rule(one.said, one.expression, one.tolerance) for one in contract.rules]
    return [*(line(f"  {text}") for text in told), *rules] or [line(("  no rule of the whole", "dim"))]


def _rule(said: str, expression: str, tolerance: float) -> Line:
    but = f", but for {share(tolerance)} of the rows" if tolerance else ""
    return line("  rule ", (said, "bold"), "" if said == expression else f": {expression}", (but, "dim"))


def allowed(column: Column | None) -> str:
    """The values a column may have, in words."""
    if column is None:
        return "not in the contract"
    told = ["unique"] if column.unique else []
    told += [] if column.nullable else ["never missing"]
    told += [f"missing at most {share(column.null_share)}"] if column.null_share is not None else []
    if column.values is not None or column.levels is not None:
        told.append("one of " + ", ".join(str(one) for one in (column.values or column.levels or ())))
    elif column.min is not None or column.max is not None:
        ends = [None if end is None else f"{end:,.6g}" for end in (column.min, column.max)]
        told.append(f"{ends[0] or 'any'} to {ends[1] or 'any'}")
    told += [f"like {column.pattern}"] if column.pattern else []
    told += [f"kept {column.sensitive}"] if column.sensitive else []
    return ", ".join(told) or "anything"


def findings_lines(found: list[dict[str, Any]], width: int) -> list[Line]:
    """What a check of the rows by the contract in force says, the errors first."""
    if not found:
        return [line(("  ✓ ", "good"), "it keeps the contract; nothing to mind")]
    ordered = sorted((Finding.from_json(one) for one in found), key=lambda one: one.severity)
    return [each for one in ordered for each in finding_lines(one, width)]


def finding_lines(one: Finding, width: int) -> list[Line]:
    """One finding with the first rows that offend."""
    mark = ("  ● error    ", "bad") if one.severity == "error" else ("  ▲ warning  ", "warn")
    told = wrap(str(one), max(20, width - 13))
    lines = [line(mark, told[0]), *(line(" " * 13 + more) for more in told[1:])]
    if one.examples:
        rows = "; ".join(f"row {each.row:,}: {_values(each.values)}" for each in one.examples[:5])
        lines += [line((" " * 13 + piece, "dim")) for piece in wrap(rows, max(20, width - 13))]
    return lines


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={'nothing' if value is None else value}" for name, value in values.items())


def quarantine_line(row: Quarantined, now_us: int) -> Line:
    """One refused file."""
    told = columns((str(row.id), when(row.created_us, now_us)), (5, 11), right=(0,))
    return line(f"{told}  ", ("▲ ", "warn"), row.reason)


def quarantine_detail(row: Quarantined | None, width: int) -> list[Line]:
    """A refused file in full: where it came from, every rule it breaks, the first rows that do."""
    if row is None:
        return [line(("  Nothing waits: a file that breaks the contract would be kept here.", "dim"))]
    told = [each for one in row.report for each in finding_lines(one, width)]
    reason = [line(f"  {piece}") for piece in wrap(row.reason, width - 2)]
    return [
        line((f"entry {row.id}", "bold"), f"  {file_of(row.source)}", (f"  refused {iso(row.created_us)}", "dim")),
        line("  ", ("r", "key"), " release: take it in   ", ("D", "key"), " drop: never take it"),
        *(told or reason),
        line((f"  sha256 {row.sha256[:16]}; the bytes are kept", "dim")),
    ]
