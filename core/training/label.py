"""What a model learns to predict: a column of zeros and ones, or a comparison such as `arr_delay>=15`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
COMPARISON = re.compile(r"^(?P<column>.+?)\s*(?P<op>>=|<=|==|>|<)\s*(?P<value>\S.*)$")
HINT = "write --label COLUMN, or a comparison: --label 'arr_delay>=15', --label 'state==late'"


@dataclass(frozen=True)
class Label:
    """A parsed label: the column it reads and, for a comparison, the operator and the value compared with."""

    text: str
    column: str
    op: str = ""
    value: str = ""


def parse_label(text: str, columns: list[str]) -> Label:
    """Read a label against the columns there are. Raises BadInput where it names none of them."""
    text = text.strip()
    if text in columns:
        return Label(text, text)
    found = COMPARISON.match(text)
    column = found["column"] if found else text
    if column not in columns:
        raise BadInput(f"the label's column {column!r} is not in the data", f"there are {', '.join(columns)}; {HINT}")
    assert found is not None
    value = found["value"].strip().strip("'\"")
    return Label(f"{column}{found['op']}{value}", column, found["op"], value)


def label_values(label: Label, table: Any) -> Any:
    """1.0 for positive, 0.0 for negative, not-a-number for unlabelled rows, as NumPy floats.

    Raises BadInput for a column that is not binary, a text compared with a number, or labels of one class alone.
    """
    import numpy as np
    import pyarrow as pa

    column = table.column(label.column)
    if pa.types.is_string(column.type):
        values = _text_values(label, column)
    elif label.op:
        values = _compared(label, column)
    else:
        values = _binary(label, column)
    classes = np.unique(values[~np.isnan(values)])
    if len(classes) < 2:
        what = f"only {int(classes[0])}" if len(classes) else "nothing"
        raise BadInput(f"the label {label.text!r} has one class alone: {what} is ever seen", f"choose another; {HINT}")
    return values


def _text_values(label: Label, column: Any) -> Any:
    from core.measures.reading import by_rule

    if label.op != "==":
        known = ", ".join(repr(level) for level in column.drop_null().unique().to_pylist()[:5])
        raise BadInput(
            f"the label {label.text!r} is text and no number",
            f"say which text is positive: --label '{label.column}==TEXT', of {known}",
        )
    return by_rule(column, lambda value: math.nan if value is None else float(value == label.value), float)


def _compared(label: Label, column: Any) -> Any:
    import numpy as np

    try:
        bound = float(label.value)
    except ValueError:
        raise BadInput(f"{label.value!r} in the label {label.text!r} is no number", HINT) from None
    numbers = _numbers(label, column)
    return np.where(np.isnan(numbers), np.nan, OPERATORS[label.op](numbers, bound))


def _binary(label: Label, column: Any) -> Any:
    import numpy as np

    numbers = _numbers(label, column)
    if not np.isin(numbers[~np.isnan(numbers)], (0.0, 1.0)).all():
        raise BadInput(f"the label {label.text!r} holds more than zeros and ones", HINT)
    return numbers


def _numbers(label: Label, column: Any) -> Any:
    import pyarrow as pa

    from core.measures.reading import floats

    if pa.types.is_temporal(column.type):
        raise BadInput(f"the label's column {label.column!r} holds times", HINT)
    return floats(column)
