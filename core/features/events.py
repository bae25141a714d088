"""The rows of a source data set as an aggregate sees them: a key, a value, and when the value was known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.expressions.grammar import parse
from core.expressions.whole import answered
from core.features.columns import Feature
from core.features.computed import expression_of
from core.features.declared import Aggregate
from core.features.view import raw_columns
from core.features.window import LARGEST, key_text
from core.measures.values import CATEGORY, NUMBER


@dataclass(frozen=True)
class Events:
    """Known values: `codes` are places in `keys`, `known_us` and `values` stand beside them (NumPy).

    They are in order of code, then of time, then of value.
    """

    keys: list[str]
    codes: Any
    known_us: Any
    values: Any

    def __len__(self) -> int:
        """How many values there are."""
        return len(self.values)

    def between(self, after_us: int, to_us: int) -> Events:
        """Those known in (after, to]."""
        part = (self.known_us > after_us) & (self.known_us <= to_us)
        return Events(self.keys, self.codes[part], self.known_us[part], self.values[part])


def events_of(aggregate: Aggregate, table: Any, times: Any) -> Events:
    """The values of a source's rows, which happened at `times` (microseconds, -1 for never).

    A row's value counts from the microsecond after its own time at the earliest, whatever `known` or `delay` say: so
    no row ever sees its own. A row without time, key, value or known time is left out, and so is a value beyond
    1e150. Raises BadInput naming the aggregate where the source lacks a column, or the value is no number.
    """
    import numpy as np

    said = f"aggregate {aggregate.name!r}"
    parsed = parse(aggregate.value)
    read = [*aggregate.key, *parsed.inputs, *([aggregate.known] if aggregate.known else [])]
    for name in read:
        if name not in table.column_names:
            raise BadInput(f"{said}: {aggregate.source} has no column {name!r}", f"there are {_listed(table)}")
    features = features_of(table, parsed.inputs)
    node = expression_of(aggregate.value, features)
    if node.kind != NUMBER:
        raise BadInput(f"{said}: its value is a text", "write a number or a comparison, as in arr_delay >= 15")
    with np.errstate(all="ignore"):
        values = np.asarray(node.whole(raw_columns(features, table), table.num_rows), dtype=float) + 0.0
    known = known_times(aggregate, table, times)
    keys, codes = keyed(aggregate, table)
    there = (codes >= 0) & (known >= 0) & (np.abs(values) <= LARGEST)
    codes, known, values = codes[there], known[there], values[there]
    order = np.lexsort((values, known, codes))
    return Events(keys, codes[order], known[order], values[order])


def event_times(table: Any, column: str | None, dataset: str) -> Any:
    """When each row happened, in microseconds, as NumPy integers; -1 where it is not known.

    Raises BadInput where the data set has no time column: order in a file is not time.
    """
    if column is None or column not in table.column_names:
        raise BadInput(
            f"data set {dataset!r} has no time column, so nothing tells which row comes after which",
            "name it when adding the data: `tocsin dataset add NAME FILE --time COLUMN`; without any time, train with "
            "--split grouped --group COLUMN, or --split stratified",
        )
    return instants(table.column(column))


def instants(column: Any) -> Any:
    """A pyarrow column of times in microseconds, as NumPy integers; -1 where one is missing."""
    import pyarrow as pa

    return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(-1).to_numpy()


def known_times(aggregate: Aggregate, table: Any, times: Any) -> Any:
    """When each row's value is known, in microseconds; -1 for never. Raises BadInput for a column without times."""
    import numpy as np
    import pyarrow as pa

    if not aggregate.known:
        return np.where(times < 0, -1, times + max(1, aggregate.delay_us))
    column = table.column(aggregate.known)
    if not pa.types.is_timestamp(column.type):
        raise BadInput(f"aggregate {aggregate.name!r}: {aggregate.known!r} holds no times", "name a column of times")
    known = instants(column)
    return np.where((times < 0) | (known < 0), -1, np.maximum(known, times + 1))


def keyed(aggregate: Aggregate, table: Any) -> tuple[list[str], Any]:
    """The keys there are, as texts, and each row's place among them; -1 for a row without."""
    import numpy as np

    if not aggregate.key:
        return ["[]"], np.zeros(table.num_rows, np.int64)
    texts, codes = answered(key_text, raw_columns(features_of(table, aggregate.key), table))
    places: dict[str, int] = {}
    found = [-1 if text is None else places.setdefault(text, len(places)) for text in texts]
    return [*places], np.array(found, dtype=np.int64)[codes]


def features_of(table: Any, names: Any) -> list[Feature]:
    """Columns as the inputs of an expression: times and texts are texts."""
    import pyarrow as pa

    def kind(column: Any) -> str:
        held = column.type
        tests = (pa.types.is_string, pa.types.is_temporal, pa.types.is_dictionary)
        return CATEGORY if any(test(held) for test in tests) else NUMBER

    return [Feature(name, kind(table.column(name))) for name in names]


def _listed(table: Any) -> str:
    return ", ".join(table.column_names)
