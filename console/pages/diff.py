"""What differs between two snapshots, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.pages.layout import heading
from console.view import Line, columns, line, meter, pad, share

WIDTHS = (14, 8, 7, 6, 7)
TITLES = ("column", "kind", "PSI", "KS", "p")
BAR = 8
KINDS = {"categorical": "category"}
TINY = 1e-12
# A displayed PSI of this much fills the bar.
FULL = 0.5


def body(found: Mapping[str, Any]) -> list[Line]:
    """A difference as `core.datasets.diff` tells it, the columns that moved farthest first."""
    old, new = found["rows"]
    change = f" ({(new - old) / old:+.1%})" if old else ""
    lines = [heading("ROWS"), line(f"  {old:,} → {new:,}{change}"), (), *_schema(found)]
    lines += [heading("DISTRIBUTIONS", "PSI over deciles; ● moved by more than chance, and far")]
    lines += [line((f"  {columns(TITLES, WIDTHS, right=(2, 3, 4))}  {pad('', BAR)}  missing", "dim"))]
    lines += [_column(one, found["missing"]) for one in found["columns"]] or [line(("  none can be compared", "dim"))]
    lines += [line((f"  not compared: {name}: {why}", "dim")) for name, why in _skipped(found["not_compared"])]
    return [*lines, *_levels(found["levels"])]


def _schema(found: Mapping[str, Any]) -> list[Line]:
    told = [("+ added", name) for name in found["added"]] + [("- removed", name) for name in found["removed"]]
    told += [("≠ retyped", f"{name}: {old} → {new}") for name, (old, new) in found["retyped"].items()]
    told += [("? perhaps renamed", f"{old} → {new}") for old, new in found["renamed"].items()]
    if not told:
        return [heading("SCHEMA"), line(("  ✓ ", "good"), "the same columns of the same types"), ()]
    return [heading("SCHEMA"), *(line((f"  {pad(mark, 18)}", "warn"), text) for mark, text in told), ()]


def _column(one: Mapping[str, Any], missing: Mapping[str, Any]) -> Line:
    pair = missing.get(one["name"])
    lost = f"{share(pair[0])} → {share(pair[1])}" if pair else ""
    chance = f"{one['adjusted']:.1g}" if one["adjusted"] >= TINY else "<1e-12"
    values = (one["name"], KINDS.get(one["kind"], one["kind"]), f"{one['psi']:.3f}", _short(one["ks"]), chance)
    moved = bool(one["drifted"])
    mark = ("● ", "bad") if moved else ("▲ ", "warn") if one["missing_jumped"] else ("· ", "dim")
    bar = (meter(one["psi"] / FULL, BAR), "bad" if moved else "info")
    return line(mark, columns(values, WIDTHS, right=(2, 3, 4)) + "  ", bar, f"  {lost}")


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _skipped(skipped: Any) -> list[tuple[str, str]]:
    return list(skipped.items()) if isinstance(skipped, Mapping) else [(str(one), "") for one in skipped]


def _levels(levels: Mapping[str, Mapping[str, list[str]]]) -> list[Line]:
    if not levels:
        return []
    told = [
        line(f"  {pad(name, 16)} ", (f"{word} ", "warn"), ", ".join(which))
        for name, found in levels.items()
        for word, which in found.items()
        if which
    ]
    return [(), heading("LEVELS"), *told]
