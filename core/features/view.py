"""The feature view: raw inputs to the booster's columns, one row in serving and a whole table in training.

Both go through the same scalar rules; whole columns only save asking twice for one value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import BadInput
from core.expressions.operations import cycle
from core.expressions.whole import Texts, texts
from core.expressions.whole import codes_of as codes_of_texts
from core.features.columns import CYCLES, IDENTITY, OPS, Feature, ViewColumn, Viewed
from core.features.computed import AGAIN, check_computed, node_of
from core.measures.reading import by_rule, floats
from core.measures.values import CATEGORY, NAN, as_number

Row = Callable[[Mapping[str, Any]], tuple[list[float], list[str]]]
Rule = Callable[[float], float]
Step = Callable[[list[float], list[Any]], float]


def default_view(features: Sequence[Feature], cycles: Mapping[str, float]) -> tuple[ViewColumn, ...]:
    """One column for each feature as it is; a feature with a cycle becomes its sine and cosine over that period.

    Raises BadInput for a cycle of a column that is no number here, or a period that is not positive.
    """
    kinds = {feature.name: feature.kind for feature in features}
    for name, period in cycles.items():
        if kinds.get(name) in (None, CATEGORY):
            raise BadInput(f"{name!r} is no number among the features", "--encode takes COLUMN=PERIOD of a number")
        if not (math.isfinite(period) and period > 0):
            raise BadInput(f"the period of {name!r} must be above zero", "write --encode minutes=1440")
    return tuple(column for feature in features for column in _columns(feature.name, cycles.get(feature.name)))


def _columns(name: str, period: float | None) -> list[ViewColumn]:
    if period is None:
        return [ViewColumn(name, IDENTITY, name)]
    return [ViewColumn(f"{name}.{op[7:]}", op, name, float(period)) for op in CYCLES]


def compile_view(viewed: Viewed) -> Row:
    """A function from one request's inputs to the booster's row and the names of the missing inputs.

    A category becomes its level's code; an unknown level, text for a number and anything missing become
    not-a-number. Inputs the view does not know are passed over. Raises BadInput for a view that does not fit, or a
    function that is not installed with the source the view was trained with.
    """
    check_view(viewed.features, viewed.view)
    read = _reader(viewed.features)
    if any(column.computed for column in viewed.view):
        return _computed_row(viewed, read)
    places = {feature.name: place for place, feature in enumerate(viewed.features)}
    steps = [(places[column.column], rule_of(column)) for column in viewed.view]
    if steps == [(place, None) for place in range(len(viewed.features))]:
        return read

    def row(inputs: Mapping[str, Any]) -> tuple[list[float], list[str]]:
        raw, missing = read(inputs)
        return [raw[place] if rule is None else rule(raw[place]) for place, rule in steps], missing

    return row


def _reader(features: Sequence[Feature]) -> Row:
    """Each raw input as a float, a category as its code, in the order of the features, and the missing ones."""
    readers = [(feature.name, _codes(feature)) for feature in features]

    def read(inputs: Mapping[str, Any]) -> tuple[list[float], list[str]]:
        raw: list[float] = []
        missing: list[str] = []
        get = inputs.get
        for name, codes in readers:
            value = get(name)
            if value is None or value != value:
                missing.append(name)
                raw.append(NAN)
            elif codes is None:
                raw.append(value if value.__class__ is float else as_number(value))
            else:
                raw.append(codes.get(value, NAN) if value.__class__ is str else NAN)
        return raw, missing

    return read


def _computed_row(viewed: Viewed, read: Row) -> Row:
    """A row where columns are computed as well: those see texts as they came, not their codes."""
    texts_at = [(place, one.name) for place, one in enumerate(viewed.features) if one.kind == CATEGORY]
    places = {feature.name: place for place, feature in enumerate(viewed.features)}
    steps = [_step(column, viewed.features, places) for column in viewed.view]

    def row(inputs: Mapping[str, Any]) -> tuple[list[float], list[str]]:
        raw, missing = read(inputs)
        values: list[Any] = [*raw]
        for place, name in texts_at:
            value = inputs.get(name)
            values[place] = value if value.__class__ is str else None
        return [step(raw, values) for step in steps], missing

    return row


def _step(column: ViewColumn, features: Sequence[Feature], places: Mapping[str, int]) -> Step:
    """One column of a row, from the raw floats and the raw values."""
    if column.computed:
        ask = node_of(column, features).row
        if column.kind != CATEGORY:
            return lambda _, values: ask(values)
        codes = {level: float(code) for code, level in enumerate(column.levels)}
        return lambda _, values: codes.get(ask(values), NAN)
    place, rule = places[column.column], rule_of(column)
    return lambda raw, _: raw[place] if rule is None else rule(raw[place])


def apply(view: Sequence[ViewColumn], features: Sequence[Feature], table: Any) -> Any:
    """The booster's matrix of a table: NumPy floats, rows by view columns, equal to `compile_view` row by row.

    Raises BadInput where the table lacks a raw input, and for a function that is not the one trained with.
    """
    import numpy as np

    check_view(features, view)
    named = {feature.name: feature for feature in features}
    raw = raw_columns(features, table) if any(column.computed for column in view) else []

    def whole(column: ViewColumn) -> Any:
        if column.computed:
            values = node_of(column, features).whole(raw, table.num_rows)
            return codes_of_texts(values, column.levels) if isinstance(values, Texts) else values
        feature = named[column.column]
        return _transformed(codes_of(feature, _column(table, feature.name)), rule_of(column))

    with np.errstate(all="ignore"):
        columns = [whole(column) for column in view]
    return np.column_stack(columns) if columns else np.empty((table.num_rows, 0))


def raw_columns(features: Sequence[Feature], table: Any) -> list[Any]:
    """The raw values that computed columns read: floats, or texts. Raises BadInput where the table lacks one."""
    columns = [(feature.kind, _column(table, feature.name)) for feature in features]
    return [texts(column) if kind == CATEGORY else floats(column) for kind, column in columns]


def check_view(features: Sequence[Feature], view: Sequence[ViewColumn]) -> None:
    """Raises BadInput where a view column names an unknown operation, an unknown input, or a cycle without length."""
    known = {feature.name for feature in features}
    for column in view:
        if column.computed:
            check_computed(column, features)
        elif column.op not in OPS or column.column not in known or (column.op in CYCLES and not column.period > 0):
            raise BadInput(f"the view's column {column.name!r} cannot be computed", AGAIN)


def rule_of(column: ViewColumn) -> Rule | None:
    """The scalar rule of a view column; None where the raw value passes through."""
    if column.op == IDENTITY:
        return None
    return cycle(math.sin if column.op == "cyclic_sin" else math.cos, column.period)


def codes_of(feature: Feature, column: Any) -> Any:
    """A raw column as floats: a category's codes, a number's values."""
    codes = _codes(feature)
    if codes is None:
        return floats(column)
    return by_rule(column, lambda value: codes.get(value, NAN) if value.__class__ is str else NAN, float)


def _codes(feature: Feature) -> dict[str, float] | None:
    if feature.kind != CATEGORY:
        return None
    return {level: float(code) for code, level in enumerate(feature.levels)}


def _column(table: Any, name: str) -> Any:
    if name not in table.column_names:
        raise BadInput(f"the data has no column {name!r}", "use a snapshot of the data set the model was trained on")
    return table.column(name)


def _transformed(raw: Any, rule: Rule | None) -> Any:
    import numpy as np

    if rule is None:
        return raw
    # NumPy's own sine may differ from the scalar one in the last bit; parity is exact, so the scalar one is used.
    values, places = np.unique(raw, return_inverse=True)
    return np.array([rule(value) for value in values.tolist()], dtype=float)[places]
