"""What differs between two snapshots: schema, rows, missing values, levels, and the distance of every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.datasets import load
from core.datasets.rowbits import common, row_bits
from core.datasets.rows import Snapshot
from core.datasets.shifts import FITS, sampled
from core.desk import Desk
from core.errors import BadInput
from core.measures.compare import Comparison, compare
from core.measures.distance import kolmogorov_smirnov_raw, total_variation
from core.measures.tables import ParquetTable

# Of the levels that came or went, so many are named.
NAMED = 20


@dataclass(frozen=True)
class Difference:
    """`renamed` guesses which removed column an added one is; `retyped` maps names to the old and the new type.

    `missing` maps columns to their share of missing rows on both sides; `levels` to those that came and went.
    """

    rows: tuple[int, int]
    added: list[str]
    removed: list[str]
    retyped: dict[str, tuple[str, str]]
    renamed: dict[str, str]
    missing: dict[str, tuple[float, float]]
    levels: dict[str, dict[str, list[str]]]
    comparison: Comparison

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys."""
        drift = [asdict(column) for column in self.comparison.columns]
        plain = {name: getattr(self, name) for name in ("added", "removed", "retyped", "renamed", "missing", "levels")}
        return {"rows": list(self.rows), **plain, "columns": drift, "not_compared": self.comparison.skipped}


@dataclass(frozen=True)
class Overlap:
    """How many rows of one snapshot are in the other as well, by the columns asked."""

    columns: tuple[str, ...]
    rows: int
    shared: int

    @property
    def share(self) -> float:
        """The share of the rows."""
        return self.shared / self.rows if self.rows else 0.0


def diff(desk: Desk, old: Snapshot, new: Snapshot) -> Difference:
    """Compare two snapshots, read a column at a time. Raises NotFound or StoreUnusable for a lost or damaged blob."""
    places = load.path(desk, old), load.path(desk, new)
    removed = [name for name in old.columns if name not in new.columns]
    added = [name for name in new.columns if name not in old.columns]
    both = [name for name in old.columns if name in new.columns]
    facts = old.profile["columns"], new.profile["columns"]
    shares = {n: (facts[0][n]["missing"] / old.rows, facts[1][n]["missing"] / new.rows) for n in both}
    return Difference(
        (old.rows, new.rows),
        added,
        removed,
        {name: (old.columns[name], new.columns[name]) for name in both if old.columns[name] != new.columns[name]},
        _renamed(places, (old, new), removed, added),
        {name: pair for name, pair in shares.items() if pair[0] != pair[1]},
        {name: found for name in both if (found := _levels(facts[0][name], facts[1][name]))},
        compare(ParquetTable(places[0]), ParquetTable(places[1]), threads=desk.settings.threads),
    )


def overlap(desk: Desk, first: Snapshot, second: Snapshot, by: Sequence[str] = ()) -> Overlap:
    """How many rows of the second snapshot are in the first, in the columns named, or in all that both have.

    With columns named, rows that lack a value in one are not compared. Raises BadInput for a column that one lacks.
    """
    shared = [name for name in first.columns if name in second.columns]
    unknown = [name for name in by if name not in shared]
    if unknown or not shared:
        raise BadInput(f"not both have a column {(unknown or ['in common'])[0]!r}", f"both have {', '.join(shared)}")
    names = list(by or shared)
    left, right = load.columns(desk, first), load.columns(desk, second)
    found = common(
        lambda: row_bits(left, names, whole=not by), lambda: row_bits(right, names, whole=not by), first.rows
    )
    return Overlap(tuple(names), second.rows, found)


def _levels(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[str]]:
    before, after = old.get("levels"), new.get("levels")
    if before is None or after is None:
        return {}
    found = {
        "new": [v for v in after if v not in before][:NAMED],
        "gone": [v for v in before if v not in after][:NAMED],
    }
    return found if found["new"] or found["gone"] else {}


def _renamed(
    places: tuple[Path, Path], snapshots: tuple[Snapshot, Snapshot], removed: Sequence[str], added: Sequence[str]
) -> dict[str, str]:
    """For each removed column the added one of its type with the nearest values, where they are near."""
    found: dict[str, str] = {}
    old, new = ParquetTable(places[0]), ParquetTable(places[1])
    for name in removed:
        free = [one for one in added if one not in found.values() and old.types[name] == new.types[one]]
        gaps = sorted((_gap(old, new, snapshots, name, one), one) for one in free)
        if gaps and gaps[0][0] <= FITS:
            found[name] = gaps[0][1]
    return found


def _gap(old: ParquetTable, new: ParquetTable, snapshots: tuple[Snapshot, Snapshot], name: str, other: str) -> float:
    """How far the values of two columns of one type are apart, from 0 to 1."""
    if old.types[name] in ("integer", "number"):
        left, right = sampled(old, name), sampled(new, other)
        return kolmogorov_smirnov_raw(left, right) if left and right else 1.0
    facts = snapshots[0].profile["columns"][name], snapshots[1].profile["columns"][other]
    before, after = (each.get("levels") or {} for each in facts)
    names = sorted({*before, *after})
    if not before or not after:
        return 1.0
    return total_variation([before.get(v, 0) for v in names], [after.get(v, 0) for v in names])
