"""A CSV file read in blocks, and the type a column takes when a later block does not fit the first.

pyarrow guesses each column from the first block and refuses what does not fit in a later one. Its order of guesses,
from the narrowest, is followed on from there, so that a file is typed as if it were read whole.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

REFUSED = re.compile(r"In CSV column #(\d+):.*?CSV conversion error to [^']*: [^']*'(.*)'", re.DOTALL)


def reader(file: Any, separator: str, types: Mapping[str, Any], block: int) -> Any:
    """A pyarrow reader of record batches. Raises pyarrow's errors for a file that is no such CSV."""
    import pyarrow.csv

    return pyarrow.csv.open_csv(
        file,
        read_options=pyarrow.csv.ReadOptions(block_size=block),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True),
    )


def widened(error: Exception, types: Mapping[str, Any]) -> dict[str, Any] | None:
    """All columns' types with the next one for the column an error speaks of; None for an error of another kind.

    `types` are those that the columns had, in their order.
    """
    found = REFUSED.search(str(error))
    if found is None or not types:
        return None
    name = list(types)[int(found[1])]
    return {**types, name: wider(types[name], found[2])}


def wider(held: Any, value: str) -> Any:
    """The next type after `held`, in pyarrow's order of guesses, that can hold a text; text where none can."""
    import pyarrow as pa

    order = _order()
    place = order.index(held) if held in order else len(order) - 1
    return next((kind for kind in order[place + 1 :] if _holds(kind, value)), pa.string())


def _order() -> list[Any]:
    import pyarrow as pa

    times = [pa.timestamp("s"), pa.timestamp("s", "UTC"), pa.timestamp("ns"), pa.timestamp("ns", "UTC")]
    return [pa.null(), pa.int64(), pa.bool_(), pa.date32(), pa.time32("s"), *times, pa.float64(), pa.string()]


def _holds(kind: Any, value: str) -> bool:
    import pyarrow as pa

    quoted = '"' + value.replace('"', '""') + '"'
    try:
        list(reader(io.BytesIO(f"x\n{quoted}\n".encode()), ",", {"x": kind}, 1 << 20))
    except pa.ArrowInvalid:
        return False
    return True
