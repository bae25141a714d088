"""A file of any size as the Parquet that would be kept of it: read piece by piece, written beside, nothing recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.datasets.formats import Reading, StartOver, no_rows, pieces, reading_for
from core.datasets.load import ahead, write_parquet
from core.datasets.normal import normal, require_times, times
from core.datasets.source import Source
from core.errors import BadInput
from core.measures.tables import ParquetTable

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Wanted:
    """What the rows are to become: the contract's types where there is one, and the column of times in text.

    `lenient` leaves a time column that holds something else as it is, and says why in `Staged.untimed`.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    time_column: str | None = None
    lenient: bool = False


@dataclass(frozen=True)
class Staged:
    """The rows in the six types, in a Parquet file; `untimed` is what kept the time column from being one."""

    columns: ParquetTable
    untimed: BadInput | None = None


class _Unfit(Exception):
    """A column does not hold the contract's type in a later piece, though it does in the first."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class _Untimed(Exception):
    """The time column holds something else."""

    def __init__(self, error: BadInput) -> None:
        super().__init__(error.message)
        self.error = error


def stage(source: Source, wanted: Wanted, place: Path) -> Staged:
    """Write the rows of a file to `place`, a piece at a time; once more where a later piece widens a column.

    Raises BadInput where the file cannot be read, has no rows, or (unless `lenient`) its time column holds no times.
    """
    reading, untimed = reading_for(wanted.delimiter, wanted.types), None
    while True:
        try:
            return Staged(_written(source, reading, wanted, place), untimed)
        except StartOver as over:
            reading = over.reading
        except _Unfit as unfit:
            types = {name: kind for name, kind in wanted.types.items() if name != unfit.name}
            wanted = replace(wanted, types=types)
        except _Untimed as found:
            if not wanted.lenient:
                raise found.error from None
            untimed, wanted = found.error, replace(wanted, time_column=None)


def _written(source: Source, reading: Reading, wanted: Wanted, place: Path) -> ParquetTable:
    if not write_parquet(place, ahead(_same(_normal(source, reading, wanted)))):
        raise no_rows(source)
    columns = ParquetTable(place)
    name = wanted.time_column
    if name is not None and name in columns.types:
        try:
            require_times(name, columns.types[name], columns.missing(name), columns.rows)
        except BadInput as error:
            raise _Untimed(error) from None
    return columns


def _normal(source: Source, reading: Reading, wanted: Wanted) -> Iterator[pyarrow.Table]:
    rows = 0
    for piece in pieces(source, reading):
        table = normal(piece, wanted.types)
        yield _timed(table, wanted.time_column, rows)
        rows += table.num_rows


def _timed(table: pyarrow.Table, name: str | None, before: int) -> pyarrow.Table:
    if name is None or name not in table.column_names:
        return table
    try:
        column = times(table.column(name), name, before)
    except BadInput as error:
        raise _Untimed(error) from None
    return table.set_column(table.column_names.index(name), name, column)


def _same(tables: Iterator[pyarrow.Table]) -> Iterator[pyarrow.Table]:
    """The tables, as long as they are of one schema."""
    schema = None
    for table in tables:
        schema = schema or table.schema
        for name, held, found in zip(schema.names, schema.types, table.schema.types, strict=True):
            if held != found:
                raise _Unfit(name)
        yield table
