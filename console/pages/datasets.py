"""Data sets as text: a snapshot's line in the list, and its page with every column."""

from __future__ import annotations

from typing import Any

from console.pages.layout import heading
from console.view import Line, columns, fit, line, share, spread, when
from core.briefing.datasets import SnapshotPage, SnapshotRow

WIDTHS = (14, 10, 7, 23, 8, 11)
TITLES = ("snapshot", "rows", "columns", "from - to", "contract", "added")
COLUMN_WIDTHS = (15, 8, 7, 7, 8, 22)


def row_line(row: SnapshotRow, now_us: int) -> Line:
    """One snapshot of the list."""
    reach = "-"
    if row.time_from_us is not None and row.time_to_us is not None:
        reach = f"{when(row.time_from_us, now_us).split()[0]} - {when(row.time_to_us, now_us).split()[0]}"
    contract = f"v{row.contract}" if row.contract else "none"
    values = (
        f"{row.dataset}/{row.number}",
        f"{row.rows:,}",
        str(row.columns),
        reach,
        contract,
        when(row.created_us, now_us),
    )
    held = line((f"  ▲ {row.quarantined} quarantined", "warn")) if row.quarantined else ()
    return (*line(columns(values, WIDTHS, right=(1, 2))), *held)


def body(page: SnapshotPage, width: int) -> list[Line]:
    """One snapshot, top to bottom."""
    row, at = page.row, page.header.now_us
    found = page.profile.get("columns") or {}
    agreed = {one.get("name"): one for one in page.contract.get("columns") or []}
    titles = columns(("column", "type", "use", "missing", "distinct", "values"), COLUMN_WIDTHS, right=(3, 4))
    used = ", ".join(f"{model} v{version}" for model, version in page.used_by) or "no model yet"
    lines = [
        spread(
            line((f"{row.dataset}/{row.number}", "bold"), f"  {row.rows:,} rows"), ((page.sha256[:12], "dim"),), width
        ),
        line((f"  from {row.source.rpartition('/')[2]}, added {when(row.created_us, at)}", "dim")),
        line(f"  trained on it: {used}"),
        (),
        heading("COLUMNS", f"contract v{row.contract}" if row.contract else "no contract"),
        line((f"  {titles}", "dim")),
        *(_column(name, facts, agreed.get(name) or {}, row.rows) for name, facts in found.items()),
        *_quarantine(page, at),
    ]
    return [fit(one, width) for one in lines]


def _column(name: str, facts: dict[str, Any], agreed: dict[str, Any], rows: int) -> Line:
    missing = share(facts.get("missing", 0) / rows) if rows else "-"
    distinct = facts.get("distinct")
    use = agreed.get("use") or "-"
    values = (
        name,
        facts.get("type") or "-",
        use,
        missing,
        f"{distinct:,}" if distinct is not None else "many",
        _values(facts),
    )
    style = "dim" if use in ("leak", "other", "id") else "bold" if use in ("label", "time") else ""
    return line((f"  {columns(values, COLUMN_WIDTHS, right=(3, 4))}", style))


def _values(facts: dict[str, Any]) -> str:
    levels = facts.get("levels")
    if levels:
        return " ".join(list(levels)[:6])
    low, middle, high = facts.get("min"), facts.get("p50"), facts.get("max")
    if low is None or high is None:
        return ""
    if facts.get("type") == "time":
        return f"{when(low, high)} … {when(high, high)}"
    return " … ".join(_number(value) for value in (low, middle, high) if value is not None)


def _number(value: float) -> str:
    # Years and clock times are whole numbers as well: only what is larger is grouped by thousands.
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"


def _quarantine(page: SnapshotPage, at: int) -> list[Line]:
    if not page.quarantine:
        return []
    told = (
        line(("  ▲ ", "warn"), f"{source}: {reason}", (f"  {when(made, at)}", "dim"))
        for source, reason, made in page.quarantine
    )
    return [(), heading("QUARANTINE"), *told]
