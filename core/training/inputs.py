"""Which columns a model may see: the contract's features, less the label and what was left out by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from core.errors import BadInput
from core.features.columns import Feature
from core.measures.bins import top_levels
from core.measures.values import CATEGORY, NUMBER


def choose_features(allowed: Sequence[str], table: Any, label: str, exclude: Collection[str]) -> tuple[Feature, ...]:
    """The raw inputs of a model, in the table's order, with the levels of its text columns.

    `allowed` are the contract's feature columns. Raises BadInput for a column left out that is not there, one that is
    missing in every row or holds times, or where nothing remains.
    """
    unknown = sorted(set(exclude) - set(table.column_names))
    if unknown:
        raise BadInput(f"there is no column {unknown[0]!r} to leave out", f"there are {', '.join(table.column_names)}")
    skipped = {label, *exclude}
    names = [name for name in table.column_names if name in set(allowed) - skipped]
    if not names:
        raise BadInput("no feature remains to train on", "mark columns as features with `tocsin dataset contract`")
    return tuple(_feature(name, table.column(name)) for name in names)


def _feature(name: str, column: Any) -> Feature:
    import pyarrow as pa

    if column.null_count == len(column) or not _has_values(column):
        raise BadInput(f"the feature {name!r} is missing in every labelled row", f"leave it out: --exclude {name}")
    if pa.types.is_temporal(column.type):
        raise BadInput(f"the feature {name!r} holds times, which are no input", f"leave it out: --exclude {name}")
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        return Feature(name, CATEGORY, top_levels(column))
    return Feature(name, NUMBER)


def _has_values(column: Any) -> bool:
    """Whether a number column holds anything finite; other columns are judged by their nulls alone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return not pa.types.is_floating(column.type) or bool(pc.any(pc.is_finite(column)).as_py())
