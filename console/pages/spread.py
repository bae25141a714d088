"""The columns of a snapshot as text: a line with a small histogram, and one column drawn large."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from console.pages.datasets import allowed
from console.view import Line, columns, line, pad, share, spark, squeeze
from core.briefing.dataset import ColumnRow
from core.clock import iso

WIDTHS = (15, 8, 16, 8, 8, 8)
TITLES = ("column", "use", "distribution", "missing", "type", "distinct")
CONTRACT_TITLES = columns(("column", "type", "use", "may be"), (16, 8, 8, 12))
# Draws counts as columns of a width and height: given by the screen, because plots need a library.
Bars = Callable[[Sequence[float], int, int], list[str]]
SMALL = 16
LEVELS = 12


def counts_of(row: ColumnRow, shapes: Mapping[str, Any] | None) -> list[float]:
    """The counts that a column's histogram is drawn of: levels and yes and no from the profile, numbers and times from
    the bins; empty while those are being counted, and where there is nothing to count."""
    levels = row.facts.get("levels")
    if levels:
        return [float(count) for count in list(levels.values())[:SMALL]]
    if "true" in row.facts:
        return [float(row.facts["true"])]
    return [float(one) for one in ((shapes or {}).get(row.id) or {}).get("counts", ())]


def column_line(row: ColumnRow, rows: int, shapes: Mapping[str, Any] | None) -> Line:
    """One column with a small histogram."""
    facts, use = row.facts, row.agreed.use if row.agreed else "-"
    if not facts:
        return line(f"{pad(row.id, WIDTHS[0])}  {pad(use, WIDTHS[1])}  ", ("● the snapshot lacks it", "bad"))
    missing = share(facts.get("missing", 0) / rows) if rows else "-"
    style = "dim" if use in ("leak", "other", "id") else "bold" if use in ("label", "time") else ""
    rest = columns((missing, facts.get("type") or "-", _distinct(facts)), WIDTHS[3:], right=(0, 2))
    return line(
        (columns((row.id, use), WIDTHS[:2]) + "  ", style),
        (_small(row, rows, shapes), "info"),
        f"  {rest}  ",
        _values(facts),
    )


def _small(row: ColumnRow, rows: int, shapes: Mapping[str, Any] | None) -> str:
    counts = counts_of(row, shapes)
    if "true" in row.facts:
        there = rows - row.facts.get("missing", 0)
        return pad(f"{share(counts[0] / there)} true" if there else "", SMALL)
    if not counts:
        return pad("" if shapes is not None else "◐", SMALL)
    # A rare value is still one: what is not empty is never drawn as nothing.
    told = squeeze(counts, SMALL)
    drawn = spark(told, SMALL, low=0.0, high=max(told))
    return pad("".join(" " if not value else bar for value, bar in zip(told, drawn, strict=True)), SMALL)


def _about(count: float) -> str:
    """A count that is only known to a few hundredths, as short as it can be told."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"~{count / size:.0f}{unit}"
    return f"~{count:.0f}"


def _distinct(facts: Mapping[str, Any]) -> str:
    distinct, about = facts.get("distinct"), facts.get("about")
    return f"{distinct:,}" if distinct is not None else _about(about) if about else "many"


def _values(facts: Mapping[str, Any]) -> str:
    levels = facts.get("levels")
    if levels:
        return " ".join(list(levels)[:6])
    low, middle, high = facts.get("min"), facts.get("p50"), facts.get("max")
    if low is None or high is None:
        return ""
    if facts.get("type") == "time":
        return f"{_instant(low)} … {_instant(high)}"
    return " … ".join(number(value) for value in (low, middle, high) if value is not None)


def number(value: float) -> str:
    """A value as it was, only what is larger than a year or a clock time grouped by thousands."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"


def contract_line(row: ColumnRow) -> Line:
    """What the contract says of one column."""
    agreed = row.agreed
    if agreed is None:
        return line((columns((row.id, row.facts.get("type", "-"), "-"), (16, 8, 8)), "dim"), ("  not in it", "warn"))
    told = columns((row.id, agreed.type, agreed.use), (16, 8, 8))
    return line(f"{told}  {allowed(agreed)}")


def column_detail(
    row: ColumnRow | None, rows: int, shapes: Mapping[str, Any] | None, width: int, height: int, bars: Bars
) -> list[Line]:
    """One column drawn large, with its figures; levels as bars of their own, the commonest first."""
    if row is None or not row.facts:
        return [line(("  nothing to draw", "dim"))]
    title = line((row.id, "bold"), f"  {row.facts.get('type')}", (f"  may be: {allowed(row.agreed)}", "dim"))
    if row.facts.get("levels"):
        return [title, *_level_bars(row.facts["levels"], rows, width, height)]
    counts = counts_of(row, shapes)
    figures = [line(("  " + _figures(row.facts), "dim"))] if row.facts.get("mean") is not None else []
    shape = (shapes or {}).get(row.id)
    if not counts or shape is None:
        return [title, *figures, *([] if shapes is not None else [line(("  ◐ counting the rows", "dim"))])]
    drawn = [line((" ", ""), (text, "info")) for text in bars(counts, width - 2, max(3, height - 4 - len(figures)))]
    return [title, *figures, *drawn, _ends(shape, row.facts, width), *_outside(shape)]


def _level_bars(levels: Mapping[str, int], rows: int, width: int, height: int) -> list[Line]:
    most, shown = max(levels.values()), list(levels.items())[: max(3, min(LEVELS, height - 3))]
    room = max(10, width - 36)
    told = [
        line(f"  {pad(name, 16)} ", (pad("█" * max(1, round(count / most * room)), room), "info"), f" {count:>9,} ")
        + line((share(count / rows) if rows else "", "dim"))
        for name, count in shown
    ]
    more = len(levels) - len(shown)
    return [*told, *([line((f"  and {more:,} more", "dim"))] if more else [])]


def _figures(facts: Mapping[str, Any]) -> str:
    names = ("mean", "std", "p05", "p50", "p95")
    return "  ".join(f"{name} {number(facts[name])}" for name in names if facts.get(name) is not None)


def _instant(at_us: float) -> str:
    return iso(int(at_us))[:16].replace("T", " ")


def _ends(shape: Mapping[str, Any], facts: Mapping[str, Any], width: int) -> Line:
    low, high = shape["low"], shape["high"]
    ends = (_instant(low), _instant(high)) if facts.get("type") == "time" else (number(low), number(high))
    return line((" " + ends[0] + " " * max(1, width - 3 - len(ends[0]) - len(ends[1])) + ends[1], "dim"))


def _outside(shape: Mapping[str, Any]) -> list[Line]:
    told = [f"{shape[side]:,} {side}" for side in ("below", "above") if shape[side]]
    return [line((f"  not drawn: {', '.join(told)}", "warn"))] if told else []
