"""The target of a model: which task its label makes, its classes, and the label of every row as a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.measures.tasks import BINARY, MULTICLASS, REGRESSION, TASKS
from core.training.label import Label, label_values

MOST_CLASSES = 100
# Whole numbers of at most this many different values are taken for classes where nothing is said.
FEW = 20
LEAST_NUMBERS = 2


@dataclass(frozen=True)
class Target:
    """`values` are NumPy floats, not-a-number where there is no label: 0 and 1, the places of `classes`, or numbers.

    `classes` are the texts of a multiclass label in order, else empty; `why` tells how the task was found.
    """

    task: str
    classes: tuple[str, ...]
    values: Any
    why: str


def target_of(label: Label, table: Any, task: str = "") -> Target:
    """The target of a label in a table, of the task given or else of the one its values make.

    A comparison and a column of zeros and ones are binary, text and whole numbers of few values multiclass, other
    numbers regression. Raises BadInput for an unknown task or a label that the task cannot be learned from.
    """
    if task and task not in TASKS:
        raise BadInput(f"{task!r} is no task", f"choose one of {', '.join(TASKS)}")
    if label.op and task not in ("", BINARY):
        raise BadInput(f"the label {label.text!r} is true or false, which is no {task}", "leave the comparison out")
    taken, why = (task, "asked for") if task else _inferred(label, table.column(label.column))
    if taken == BINARY:
        return Target(BINARY, (), label_values(label, table), why)
    if taken == MULTICLASS:
        classes, values = _classes(label, table.column(label.column))
        return Target(MULTICLASS, classes, values, why)
    return Target(REGRESSION, (), _numbers(label, table.column(label.column)), why)


def known_values(label: Label, table: Any, task: str, classes: Sequence[str]) -> Any:
    """The labels of a table for a model that has been fitted: as `Target.values`, with its own classes.

    Not-a-number where there is no label, or one of a class the model does not know. Raises BadInput for labels that
    are no numbers where the task needs them.
    """
    from core.measures.reading import by_rule

    if task == BINARY:
        return label_values(label, table)
    if task == REGRESSION:
        return _numbers(label, table.column(label.column), least=0)
    places = {name: float(place) for place, name in enumerate(classes)}
    column = table.column(label.column)
    return by_rule(column, lambda value: math.nan if value is None else places.get(_text(value), math.nan), float)


def _inferred(label: Label, column: Any) -> tuple[str, str]:
    import pyarrow as pa

    if label.op:
        return BINARY, "the label is a comparison"
    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        return BINARY, "the label is true or false"
    known = column.drop_null().unique()
    if pa.types.is_string(column.type):
        return (BINARY, "the label has two values") if len(known) <= 2 else (MULTICLASS, "the label is text")
    values = {value for value in known.slice(0, 4 * FEW).to_pylist() if value == value}
    if len(values) <= 2:
        return BINARY, "the label has two values"
    if len(values) <= FEW and all(float(value).is_integer() for value in values):
        return MULTICLASS, f"the label has {len(values)} whole values"
    return REGRESSION, "the label is a number of many values"


def _classes(label: Label, column: Any) -> tuple[tuple[str, ...], Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from core.measures.reading import by_rule

    if pa.types.is_temporal(column.type):
        raise BadInput(f"the label's column {label.column!r} holds times", "name a column of classes with --label")
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_finite(column), column, None)
    known = sorted(column.drop_null().unique().to_pylist())
    if not 2 <= len(known) <= MOST_CLASSES:
        raise BadInput(
            f"the label {label.text!r} has {len(known)} classes",
            f"multiclass takes 2 to {MOST_CLASSES}: choose another label, or --task regression for a number",
        )
    places = {value: float(place) for place, value in enumerate(known)}
    return tuple(_text(value) for value in known), by_rule(column, lambda value: places.get(value, math.nan), float)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _numbers(label: Label, column: Any, least: int = LEAST_NUMBERS) -> Any:
    import numpy as np
    import pyarrow as pa

    from core.measures.reading import floats

    if pa.types.is_string(column.type) or pa.types.is_temporal(column.type):
        raise BadInput(f"the label {label.text!r} is no number", "regression needs one: choose another --label or task")
    numbers = floats(column)
    values = np.where(np.isfinite(numbers), numbers, np.nan)
    if len(np.unique(values[~np.isnan(values)])) < least:
        raise BadInput(f"the label {label.text!r} is the same number in every row", "choose another --label")
    return values


def class_counts(target_values: Any, classes: Sequence[str]) -> list[int]:
    """How many rows each class has; `target_values` hold no not-a-number."""
    import numpy as np

    counts: list[int] = np.bincount(target_values.astype(np.int64), minlength=len(classes)).tolist()
    return counts
