"""Six types instead of Arrow's many: every column becomes int64, double, string, bool, UTC microseconds, or null."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.measures.tables import type_name

if TYPE_CHECKING:
    import pyarrow

ZONED = r"(Z|z|[+-]\d\d(:?\d\d)?)$"
TIME_HINT = "write times as 2013-04-01 or 2013-04-01T12:30:00Z; without a zone they are read as UTC"


def normal(table: pyarrow.Table, types: Mapping[str, str] | None = None) -> pyarrow.Table:
    """The same rows in the six types, without metadata; a column that fits its contract type losslessly takes it.

    Not-a-numbers are missing values. Raises BadInput for a nested or binary column.
    """
    import pyarrow as pa

    wanted = types or {}
    names = table.column_names
    columns = [_fitted(_plain(table.column(name), name), wanted.get(name)) for name in names]
    return pa.table(columns, names=names)


def times(column: Any, name: str, before: int = 0) -> Any:
    """A column of ISO-8601 text as UTC microseconds; one of anything else is left as it is.

    Raises BadInput where a value is no time; `before` is how many rows stand above it.
    """
    return _parsed(column, name, before) if type_name(column.type) == "text" else column


def require_times(name: str, kind: str, missing: int, rows: int) -> None:
    """Raise BadInput where a time column holds something else than times, or has none in some rows."""
    if kind != "time":
        raise BadInput(f"the time column {name!r} holds {_held(kind)}, not times", TIME_HINT)
    if missing:
        raise BadInput(
            f"the time column {name!r} is empty in {missing} of {rows} rows",
            "every row needs its time; leave the rows out or take another column",
        )


def _held(kind: str) -> str:
    return {"integer": "integers", "number": "numbers", "boolean": "yes and no"}.get(kind, "nothing")


def _plain(column: Any, name: str) -> Any:
    import pyarrow as pa

    held = column.type
    if pa.types.is_dictionary(held):
        return _plain(column.cast(held.value_type), name)
    target = _target(held)
    if target is None:
        raise BadInput(f"column {name!r} holds {held}, which is not read", "flatten or drop it before adding the file")
    if pa.types.is_timestamp(target):
        return _instants(column)
    if target == pa.string() and not pa.types.is_time(held):
        return _text(column, name)
    # Decimals and unsigned integers round to the nearest double where they have too many digits for one.
    plain = column.cast(target, safe=target != pa.float64())
    return _without_nan(plain) if target == pa.float64() else plain


def _text(column: Any, name: str) -> Any:
    """Text whose bytes have been looked at: Parquet and JSON Lines are read without a check of their UTF-8."""
    import pyarrow as pa

    try:
        return column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid as error:
        hint = "save it as UTF-8, for instance with `iconv -t utf-8`"
        raise BadInput(f"column {name!r} is not UTF-8 text", hint) from error


def _target(held: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if types.is_uint64(held) or types.is_floating(held) or types.is_decimal(held):
        return pa.float64()
    if types.is_integer(held):
        return pa.int64()
    if types.is_timestamp(held) or types.is_date(held):
        return pa.timestamp("us", tz="UTC")
    texts = (types.is_string, types.is_large_string, types.is_string_view, types.is_time)
    if any(test(held) for test in texts):
        return pa.string()
    return held if types.is_boolean(held) or types.is_null(held) else None


def _instants(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type) and column.type.tz:
        return column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    return pc.assume_timezone(column.cast(pa.timestamp("us"), safe=False), "UTC")


def _without_nan(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)


def _fitted(column: Any, wanted: str | None) -> Any:
    import pyarrow as pa

    targets = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "text": pa.string()}
    held = type_name(column.type)
    widens = (held, wanted) in (("integer", "number"), ("number", "integer")) or held == "unknown"
    if not widens or wanted not in (*targets, "time"):
        return column
    try:
        return column.cast(targets.get(wanted, pa.timestamp("us", tz="UTC")))
    except pa.ArrowInvalid:
        # Fractions where the contract says integer: it stays as it is, and the check says so.
        return column


def _parsed(column: Any, name: str, before: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    utc = pa.timestamp("us", tz="UTC")
    zoned = pc.match_substring_regex(column, r"\d\d:\d\d.*" + ZONED)
    nothing = pa.scalar(None, pa.string())
    try:
        with_zone = pc.if_else(zoned, column, nothing).cast(utc)
        without = pc.assume_timezone(pc.if_else(zoned, nothing, column).cast(pa.timestamp("us")), "UTC")
    except pa.ArrowInvalid:
        row, value = _first_bad(column)
        said = f"the time column {name!r} holds {value!r} in row {before + row}, which is no time"
        raise BadInput(said, TIME_HINT) from None
    return pc.coalesce(with_zone, without)


def _first_bad(column: Any) -> tuple[int, str]:
    values = [(row, value) for row, value in enumerate(column.to_pylist(), 1) if value is not None]
    return next((pair for pair in values if not _is_time(pair[1])), values[0])


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) >= 10
