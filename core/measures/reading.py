"""Read whole columns exactly as single values are read: NumPy where that is safe, else the scalar rule itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.measures.values import as_number


def floats(column: Any) -> Any:
    """A column (pyarrow, NumPy or a sequence) as NumPy floats, each as `as_number` reads it."""
    quick = quick_floats(column)
    return quick if quick is not None else by_rule(column, as_number, float)


def quick_floats(column: Any) -> Any:
    """NumPy and pyarrow numbers as floats, missing ones not-a-number; None for a column of anything else."""
    import numpy as np

    if isinstance(column, np.ndarray):
        return column.astype(float) if column.dtype.kind in "biuf" else None
    if not hasattr(column, "type"):
        return None
    import pyarrow as pa

    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    return column.to_numpy(zero_copy_only=False).astype(float, copy=False)


def by_rule(column: Any, rule: Callable[[Any], float], dtype: Any) -> Any:
    """A scalar rule over a column as a NumPy vector; a pyarrow column asks it once for each distinct value."""
    import numpy as np

    if not hasattr(column, "type"):
        return np.array([rule(value) for value in column], dtype=dtype)
    parts = [_mapped(chunk, rule, dtype) for chunk in encoded(column).chunks]
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def encoded(column: Any) -> Any:
    """A pyarrow column as a chunked, dictionary-encoded one."""
    import pyarrow as pa

    chunks = column.chunks if hasattr(column, "chunks") else [column]
    whole = pa.chunked_array(chunks, column.type)
    return whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()


def _mapped(chunk: Any, rule: Callable[[Any], float], dtype: Any) -> Any:
    import numpy as np

    values = [*chunk.dictionary.to_pylist(), None]
    answers = np.array([rule(value) for value in values], dtype=dtype)
    return answers[chunk.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)]
