"""Whole columns in expressions: numbers as NumPy floats, texts as codes of a vocabulary.

A rule that NumPy does not share to the last bit is asked once for each distinct value, so that a table is computed by
the very functions that serving calls.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.measures.reading import encoded
from core.measures.values import NAN, NUMBER

LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Texts:
    """A column of texts: `codes` are places in `levels`, -1 stands for a missing one."""

    levels: list[str]
    codes: Any


def finite(value: float) -> float:
    """A number; missing where it is infinite. Nought has one sign, so that equal numbers are the same bits."""
    return value + 0.0 if -LARGEST <= value <= LARGEST else NAN


def finite_whole(values: Any) -> Any:
    """`finite` over a column."""
    import numpy as np

    return np.where(np.isfinite(values), values, NAN) + 0.0


def texts(column: Any) -> Texts:
    """A pyarrow column, or a sequence, as texts; what is neither text nor time is missing."""
    import numpy as np

    if not hasattr(column, "type"):
        return _texts([value if isinstance(value, str) else None for value in column])
    places: dict[str, int] = {}
    parts = []
    for chunk in encoded(times_as_text(column)).chunks:
        known = [places.setdefault(v, len(places)) if isinstance(v, str) else -1 for v in chunk.dictionary.to_pylist()]
        codes = chunk.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        parts.append(np.array([*known, -1], dtype=np.int64)[codes])
    return Texts([*places], np.concatenate(parts) if parts else np.empty(0, np.int64))


def times_as_text(column: Any) -> Any:
    """A pyarrow column of times as ISO 8601 texts, as a request would send them; any other column as it is."""
    import pyarrow as pa

    return column.cast(pa.string()) if pa.types.is_temporal(column.type) else column


def fill(kind: str, value: Any, rows: int) -> Any:
    """A column of one value."""
    import numpy as np

    if kind == NUMBER:
        return np.full(rows, value, dtype=float)
    return Texts([value], np.zeros(rows, np.int64))


def mapped(rule: Callable[..., Any], kind: str, columns: Sequence[Any]) -> Any:
    """A scalar rule over columns of one length, asked once for each distinct combination of their values."""
    import numpy as np

    answers, codes = answered(rule, columns)
    if kind == NUMBER:
        return np.array(answers, dtype=float)[codes]
    found = _texts(answers)
    return Texts(found.levels, found.codes[codes])


def answered(rule: Callable[..., Any], columns: Sequence[Any]) -> tuple[list[Any], Any]:
    """A rule's answers for the distinct combinations of values, and each row's place among them."""
    import numpy as np

    values, codes = _distinct(columns[0])
    seen: list[tuple[Any, ...]] = [(value,) for value in values]
    for column in columns[1:]:
        values, more = _distinct(column)
        pairs, codes = np.unique(codes * max(1, len(values)) + more, return_inverse=True)
        seen = [(*seen[pair // len(values)], values[pair % len(values)]) for pair in pairs.tolist()]
    return [rule(*each) for each in seen], codes


def codes_of(column: Texts, levels: Sequence[str]) -> Any:
    """Texts as the float codes of known levels; not-a-number for every other."""
    import numpy as np

    known = {level: float(code) for code, level in enumerate(levels)}
    return np.array([*(known.get(level, NAN) for level in column.levels), NAN], dtype=float)[column.codes]


def values_of(column: Any) -> list[Any]:
    """A column's values one by one: floats, or texts and None."""
    if isinstance(column, Texts):
        known = [*column.levels, None]
        return [known[code] for code in column.codes.tolist()]
    found: list[Any] = column.tolist()
    return found


def is_absent(column: Any) -> Any:
    """Where a column is missing, as NumPy booleans."""
    import numpy as np

    return column.codes < 0 if isinstance(column, Texts) else np.isnan(column)


def choose(where: Any, left: Any, right: Any) -> Any:
    """The left column's value where a mask says so, else the right one's."""
    import numpy as np

    if not isinstance(left, Texts):
        return np.where(where, left, right)
    levels, first, second = merged(left, right)
    return Texts(levels, np.where(where, first, second))


def merged(left: Texts, right: Texts) -> tuple[list[str], Any, Any]:
    """Two columns of texts as codes of one vocabulary."""
    import numpy as np

    places = {level: place for place, level in enumerate(left.levels)}
    moved = [places.setdefault(level, len(places)) for level in right.levels]
    return [*places], left.codes, np.array([*moved, -1], dtype=np.int64)[right.codes]


def as_arrow(column: Texts) -> Any:
    """Texts as a pyarrow column."""
    import pyarrow as pa

    codes = pa.array(column.codes, pa.int64(), mask=column.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.levels, pa.string()))


def _texts(values: Sequence[str | None]) -> Texts:
    import numpy as np

    places: dict[str, int] = {}
    codes = [-1 if value is None else places.setdefault(value, len(places)) for value in values]
    return Texts([*places], np.array(codes, dtype=np.int64))


def _distinct(column: Any) -> tuple[list[Any], Any]:
    """The values that occur, and each row's place among them."""
    import numpy as np

    if isinstance(column, Texts):
        used, codes = np.unique(column.codes, return_inverse=True)
        return [None if code < 0 else column.levels[code] for code in used.tolist()], codes
    if len(column) and (column == column[0]).all():
        return [float(column[0])], np.zeros(len(column), np.int64)
    values, codes = np.unique(column, return_inverse=True)
    return values.tolist(), codes
