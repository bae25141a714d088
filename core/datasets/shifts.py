"""How a table differs from the snapshot before: which columns moved, and by what people do to them.

A column that moved is one whose distance is more than chance (Holm over the columns, rows taken as independent) and
large (a displayed PSI of 0.2). Only such a column is asked what became of it: another unit, other names for its
levels, the values of another column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from core.datasets.finding import Finding
from core.measures.compare import compare
from core.measures.comparison import FeatureDrift
from core.measures.distance import kolmogorov_smirnov_raw
from core.measures.tables import ParquetTable
from core.measures.values import NUMBER

# A sample of so many values of a column says within 0.06 how far two distributions are apart.
SAMPLE = 1024
# The transformed old values must be so close to the new, and so many times closer than as they were.
FITS = 0.15
TIMES_CLOSER = 3.0
# A level of less than this share of the rows is too rare to be recognised by its share.
COMMON = 0.02
# Two names for one level have shares within this factor.
ALIKE = 1.25
TINY = 1e-12


def _to_minutes(values: Any) -> Any:
    return values // 100 * 60 + values % 100


def _to_clock(values: Any) -> Any:
    return values // 60 * 100 + values % 60


# What is done to numbers by mistake, the commonest first: of two that fit equally the earlier is told.
UNITS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("it looks multiplied by 1000", lambda v: v * 1000),
    ("it looks divided by 1000", lambda v: v / 1000),
    ("it looks multiplied by 60, as hours or minutes read as a smaller unit", lambda v: v * 60),
    ("it looks divided by 60, as seconds or minutes read as a larger unit", lambda v: v / 60),
    ("it looks like Fahrenheit turned into Celsius", lambda v: (v - 32) / 1.8),
    ("it looks like Celsius turned into Fahrenheit", lambda v: v * 1.8 + 32),
    ("clock times HHMM look turned into minutes", _to_minutes),
    ("minutes look turned into clock times HHMM", _to_clock),
    ("shares look turned into percent", lambda v: v * 100),
    ("percent look turned into shares", lambda v: v / 100),
    ("miles look turned into kilometres", lambda v: v * 1.609344),
    ("kilometres look turned into miles", lambda v: v / 1.609344),
    ("pounds look turned into kilograms", lambda v: v * 0.45359237),
    ("kilograms look turned into pounds", lambda v: v / 0.45359237),
    ("its sign looks turned round", lambda v: -v),
)


def shifted(
    before: Path,
    after: Path,
    names: Sequence[str],
    profiles: tuple[Mapping[str, Any], Mapping[str, Any]],
    *,
    threads: int = 1,
) -> list[Finding]:
    """Warnings about the columns named that moved, the farthest first, with what seems to have become of them.

    Tables are Parquet files read a column at a time; the profiles are theirs.
    """
    old, new = ParquetTable(before), ParquetTable(after)
    wanted = {name: kind for name, kind in old.kinds.items() if name in names}
    old.kinds, new.kinds = wanted, {name: kind for name, kind in new.kinds.items() if name in wanted}
    moved = [column for column in compare(old, new, threads=threads).columns if column.drifted]
    samples = _samples(before, after, [column.name for column in moved if column.kind == NUMBER])
    swaps = _swapped(samples)
    return [_finding(rank, column, swaps, samples, profiles) for rank, column in enumerate(moved, 1)]


def _finding(
    rank: int,
    column: FeatureDrift,
    swaps: Mapping[str, str],
    samples: Mapping[str, tuple[list[float], list[float]]],
    profiles: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Finding:
    text = (
        f"its distribution moved (PSI {column.psi:.2f}, p {_chance(column.adjusted)}; number {rank} of those that did)"
    )
    other, both = swaps.get(column.name), samples.get(column.name)
    unit = unit_change(*both) if both else None
    levels = [profile["columns"].get(column.name, {}).get("levels") for profile in profiles]
    renamed = relabelled(*levels) if all(levels) else {}
    if other is not None:
        return Finding(column.name, "warning", f"{text}: its values look swapped with those of {other!r}", "swapped")
    if unit is not None:
        return Finding(column.name, "warning", f"{text}: {unit}", "unit")
    if renamed:
        said = ", ".join(f"{old!r} is now {new!r}" for old, new in list(renamed.items())[:5])
        return Finding(column.name, "warning", f"{text}: levels look renamed, {said}", "renamed")
    return Finding(column.name, "warning", text, "shift")


def _chance(p: float) -> str:
    return f"{p:.1g}" if p >= TINY else "below 1e-12"


def unit_change(old: Sequence[float], new: Sequence[float]) -> str | None:
    """What turns the old values into ones like the new, where something does far better than leaving them; or None."""
    import numpy as np

    if len(old) < 30 or len(new) < 30:
        return None
    values = np.asarray(old)
    apart = kolmogorov_smirnov_raw(old, new)
    gaps = [(kolmogorov_smirnov_raw(turned(values).tolist(), new), told) for told, turned in UNITS]
    gap, told = min(gaps, key=lambda pair: pair[0])
    return told if gap <= FITS and gap * TIMES_CLOSER <= apart else None


def relabelled(old: Mapping[str, int], new: Mapping[str, int]) -> dict[str, str]:
    """Old names of levels and the new ones that seem to stand for the same: in other letters, or with a like share.

    A share is only believed where one level that came has it and one that went, and both are common.
    """
    gone = [level for level in old if level not in new]
    come = [level for level in new if level not in old]
    folded = {level.strip().casefold(): level for level in come}
    found = {level: folded[level.strip().casefold()] for level in gone if level.strip().casefold() in folded}
    n, m = sum(old.values()), sum(new.values())
    for level in gone:
        alike = [other for other in come if _alike(old[level] / n, new[other] / m)]
        rivals = [other for other in gone if alike and _alike(old[other] / n, new[alike[0]] / m)]
        if level not in found and len(alike) == 1 and len(rivals) == 1:
            found[level] = alike[0]
    return found


def _alike(share: float, other: float) -> bool:
    return min(share, other) >= COMMON and max(share, other) <= ALIKE * min(share, other)


def _swapped(samples: Mapping[str, tuple[list[float], list[float]]]) -> dict[str, str]:
    """Pairs of columns of which each new one is like the other old one, and neither like itself."""
    found: dict[str, str] = {}
    for a, b in combinations(samples, 2):
        (old_a, new_a), (old_b, new_b) = samples[a], samples[b]
        if not all((old_a, new_a, old_b, new_b)):
            continue
        crossed = max(kolmogorov_smirnov_raw(old_a, new_b), kolmogorov_smirnov_raw(old_b, new_a))
        straight = min(kolmogorov_smirnov_raw(old_a, new_a), kolmogorov_smirnov_raw(old_b, new_b))
        if crossed <= FITS and crossed * TIMES_CLOSER <= straight:
            found |= {a: b, b: a}
    return found


def _samples(before: Path, after: Path, names: Sequence[str]) -> dict[str, tuple[list[float], list[float]]]:
    old, new = ParquetTable(before), ParquetTable(after)
    return {name: (sampled(old, name), sampled(new, name)) for name in names}


def sampled(table: ParquetTable, name: str) -> list[float]:
    """About 1024 values of a numeric column, evenly spread over the rows; missing and infinite ones are left out."""
    import numpy as np

    step, first, found = max(1, table.rows // SAMPLE), 0, [np.empty(0)]
    for batch in table.batches(name):
        found.append(batch.cast("double").to_numpy(zero_copy_only=False)[first::step])
        first = (first - len(batch)) % step
    values = np.concatenate(found)
    kept: list[float] = values[np.isfinite(values)].tolist()
    return kept
