"""Which columns a model may see: the contract's features, less the label and what was left out by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core.errors import BadInput
from core.expressions.whole import times_as_text
from core.features.columns import Feature
from core.features.learn import inputs_of
from core.features.saved import SavedView
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


def viewed_features(
    view: SavedView, uses: Mapping[str, str], table: Any, label: str
) -> tuple[tuple[Feature, ...], Any]:
    """The raw inputs that a declared view reads, in the table's order, and the table with times as ISO 8601 texts.

    The table holds its aggregates already: they come last. Raises BadInput naming the column that reads what is not
    there, the label, or anything the contract does not call a feature, a leak above all.
    """
    reads = inputs_of(view.view)
    for name, column in reads.items():
        _require_feature(f"{view.text}: column {column!r} reads {name!r}", name, uses, table, label)
    features = []
    for name in [name for name in table.column_names if name in reads]:
        column = table.column(name)
        texts = times_as_text(column)
        if texts is not column:
            table = table.set_column(table.column_names.index(name), name, texts)
            features.append(Feature(name, CATEGORY))
        else:
            features.append(_feature(name, column))
    return (*features, *(_aggregate(one.name, table.column(one.name)) for one in view.view.aggregate)), table


def _aggregate(name: str, column: Any) -> Feature:
    if column.null_count == len(column):
        raise BadInput(
            f"aggregate {name!r} is missing in every labelled row",
            "are its keys written alike in both data sets, and is its source as early as the rows?",
        )
    return Feature(name, NUMBER)


def _require_feature(said: str, name: str, uses: Mapping[str, str], table: Any, label: str) -> None:
    if name not in table.column_names:
        raise BadInput(f"{said}, which is not in the data", f"there are {', '.join(table.column_names)}")
    use = "label" if name == label else uses.get(name, "other")
    if use != "feature":
        why = {"label": "the label", "leak": "a leak, known only after the event", "time": "the time of the event"}
        raise BadInput(f"{said}, which is {why.get(use, f'no feature but {use!r}')}", "read the contract's features")


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
