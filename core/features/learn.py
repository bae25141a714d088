"""From a declared view to a model's columns: kinds are found and levels learnt on the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import BadInput
from core.expressions.expression import Node
from core.expressions.grammar import parse
from core.expressions.whole import Texts, answered, as_arrow, is_absent
from core.features.columns import EXPRESSION, FUNCTION, IDENTITY, Feature, ViewColumn
from core.features.computed import asked, expression_of, function_node, places_of
from core.features.declared import Column, FeatureView, Pinned, naming
from core.features.functions import installed
from core.features.view import raw_columns
from core.measures.bins import top_levels
from core.measures.values import CATEGORY, NUMBER


def reads(column: Column) -> tuple[str, ...]:
    """The raw inputs that a declared column reads."""
    return parse(column.expression).inputs if column.expression else tuple(dict.fromkeys(column.inputs))


def inputs_of(view: FeatureView) -> dict[str, str]:
    """The raw inputs of a view, each with the first column that reads it; aggregates are none, their keys are."""
    found: dict[str, str] = {}
    for column in view.column:
        for name in reads(column):
            found.setdefault(name, column.name)
    for aggregate in view.aggregate:
        for name in aggregate.key:
            found.setdefault(name, aggregate.name)
    for aggregate in view.aggregate:
        found.pop(aggregate.name, None)
    return found


def learn(pinned: Pinned, features: Sequence[Feature], table: Any) -> tuple[ViewColumn, ...]:
    """The columns of a declared view over a pyarrow table of its raw inputs, with the levels of its categories.

    An aggregate has been joined to the table: it is an input among the others, and a column as it is.

    Raises BadInput naming the column: for an expression that does not fit the inputs' kinds, a function installed
    with another source than the view was saved with, and a column that is missing in every row.
    """
    raw = raw_columns(features, table)
    columns = []
    for column in pinned.view.column:
        with naming(column.name):
            columns.append(_learnt(column, pinned, features, raw, table.num_rows))
    return (*columns, *(ViewColumn(one.name, IDENTITY, one.name) for one in pinned.view.aggregate))


def _learnt(column: Column, pinned: Pinned, features: Sequence[Feature], raw: Sequence[Any], rows: int) -> ViewColumn:
    if column.function:
        return _function(column, pinned.functions[column.function], features, raw, rows)
    parsed = parse(column.expression)
    if parsed.names_an_input:
        return _identity(column.name, parsed.inputs[0], features)
    node = expression_of(column.expression, features)
    levels = _levels(node, raw, rows)
    return ViewColumn(
        column.name, EXPRESSION, text=column.expression, inputs=parsed.inputs, kind=node.kind, levels=levels
    )


def _identity(name: str, column: str, features: Sequence[Feature]) -> ViewColumn:
    feature = features[places_of([column], features)[0]]
    if feature.kind == CATEGORY and not feature.levels:
        raise BadInput(f"{column!r} holds times, which are no column by themselves", "take hour() or weekday() of it")
    return ViewColumn(name, IDENTITY, column)


def _function(column: Column, sha256: str, features: Sequence[Feature], raw: Sequence[Any], rows: int) -> ViewColumn:
    found, places = installed(column.function, sha256), places_of(column.inputs, features)
    answers, _ = answered(asked(found), [raw[place] for place in places])
    kind = CATEGORY if any(isinstance(answer, str) for answer in answers) else NUMBER
    levels = _levels(function_node(found, kind, places), raw, rows)
    return ViewColumn(
        column.name, FUNCTION, text=column.function, inputs=column.inputs, sha256=sha256, kind=kind, levels=levels
    )


def _levels(node: Node, raw: Sequence[Any], rows: int) -> tuple[str, ...]:
    """The levels of a category, commonest first; none of a number. Raises BadInput where every row is missing."""
    values = node.whole(raw, rows)
    if is_absent(values).all():
        raise BadInput("it is missing in every labelled row", "look at its inputs with `tocsin dataset profile`")
    return top_levels(as_arrow(values)) if isinstance(values, Texts) else ()
