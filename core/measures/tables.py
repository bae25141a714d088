"""Tables read one column at a time: Parquet is streamed in batches, what is in memory is sliced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import BadInput
from core.measures.row_groups import RowGroups, missing_values, row_groups
from core.measures.values import CATEGORY, NUMBER

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")

# Large enough that the cost of a call does not count, small enough to stay in the processor's cache.
BATCH_ROWS = 131_072


class Table:
    """Columns by name, in order: `kinds` says which are numbers and which categories, None for those that are neither;
    `types` has the contracts' words for their types.
    """

    rows: int
    kinds: Mapping[str, str | None]
    types: Mapping[str, str]

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Batches of pyarrow arrays by name, in the order given, none empty; all columns without a name.

        Text comes as dictionaries, all else as it is. Each call reads the columns anew.
        """
        raise NotImplementedError

    def batches(self, name: str) -> Iterator[Any]:
        """One column's arrays, in order, as `together` has them."""
        return (batch[name] for batch in self.together([name]))

    def missing(self, name: str) -> int:
        """How many rows have no value in a column."""
        return sum(batch.null_count for batch in self.batches(name))

    def head(self, name: str, rows: int) -> Any:
        """The first values of a column as one chunked pyarrow array, at most `rows`."""
        import pyarrow as pa

        found: list[Any] = []
        for batch in self.batches(name):
            found.append(batch.slice(0, rows))
            rows -= len(found[-1])
            if rows <= 0:
                break
        return pa.chunked_array(found) if found else pa.chunked_array([pa.nulls(0)])

    def _describe(self, schema: Any) -> None:
        self.kinds = {field.name: kind_of(field.type) for field in schema}
        self.types = {field.name: type_name(field.type) for field in schema}

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        """The same rows in order in tables of some columns, which can be pickled."""
        raise NotImplementedError


class ParquetTable(Table):
    """A Parquet file of which one batch is in memory at a time. Raises BadInput for an unreadable file."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        try:
            self._metadata = pq.read_metadata(path)
            self._describe(self._metadata.schema.to_arrow_schema())
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error
        self.rows = self._metadata.num_rows

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        chosen = list(names or self.types)
        texts = [name for name in chosen if self.kinds[name] == CATEGORY and self.types[name] != "boolean"]
        try:
            with pq.ParquetFile(self.path, metadata=self._metadata, read_dictionary=texts) as file:
                for batch in parquet_batches(file, BATCH_ROWS, chosen, threads=False):
                    yield {name: _coded(batch.column(batch.schema.get_field_index(name))) for name in chosen}
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.path, error) from error

    def missing(self, name: str) -> int:
        known = missing_values(self._metadata, range(self._metadata.num_row_groups), name)
        return super().missing(name) if known is None else known

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        try:
            for groups in row_groups(self.path, self._metadata, names):
                yield PieceTable(groups, _of(names, self.kinds), _of(names, self.types))
        except OSError as error:
            raise _unreadable(self.path, error) from error


class PieceTable(Table):
    """Some columns of a few row groups of a Parquet file."""

    def __init__(self, groups: RowGroups, kinds: Mapping[str, str | None], types: Mapping[str, str]) -> None:
        self._groups, self.rows, self.kinds, self.types = groups, groups.rows, kinds, types

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        for found in zip(*(self._column(name) for name in names), strict=True):
            yield dict(zip(names, found, strict=True))

    def _column(self, name: str) -> Iterator[Any]:
        text = self.kinds[name] == CATEGORY and self.types[name] != "boolean"
        return (_coded(batch) for batch in self._groups.batches(name, BATCH_ROWS, coded=text))

    def missing(self, name: str) -> int:
        known = missing_values(self._groups.metadata, self._groups.groups, name)
        return super().missing(name) if known is None else known


class MemoryTable(Table):
    """A pyarrow table."""

    def __init__(self, table: pyarrow.Table) -> None:
        self._table = table
        self.rows = table.num_rows
        self._describe(table.schema)

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        chosen = self._table.select(list(names or self.types))
        for batch in chosen.to_batches(max_chunksize=BATCH_ROWS):
            if batch.num_rows:
                yield {name: _coded(batch.column(name)) for name in chosen.column_names}

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        chosen = self._table.select([*names])
        for start in range(0, self.rows, BATCH_ROWS):
            yield MemoryTable(chosen.slice(start, BATCH_ROWS))


def table_of(table: pyarrow.Table | Table) -> Table:
    """A pyarrow table to be read a column at a time; one that can be as it is."""
    return table if isinstance(table, Table) else MemoryTable(table)


def parquet_batches(file: Any, rows: int, columns: Sequence[str] | None = None, *, threads: bool) -> Iterator[Any]:
    """The batches of a pyarrow ParquetFile, a few groups of rows at a time.

    pyarrow 26 keeps what it has read of all the groups it was asked for until the last of them is read.
    """
    asked: list[int] = []
    held, last = 0, file.num_row_groups - 1
    for group in range(file.num_row_groups):
        asked.append(group)
        held += file.metadata.row_group(group).num_rows
        if held >= rows or group == last:
            found = file.iter_batches(rows, row_groups=asked, columns=columns, use_threads=threads)
            yield from (batch for batch in found if batch.num_rows)
            asked, held = [], 0


def kind_of(arrow_type: Any) -> str | None:
    """Number, category, or None for times and nested values, which have no distribution of their own here."""
    import pyarrow as pa

    held = arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    if pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_decimal(held):
        return NUMBER
    if pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_boolean(held):
        return CATEGORY
    return None


def type_name(arrow_type: Any) -> str:
    """The contracts' word for one of the six types that snapshots have; "unknown" for any other."""
    import pyarrow as pa

    words = {pa.int64(): "integer", pa.float64(): "number", pa.string(): "text", pa.bool_(): "boolean"}
    return "time" if pa.types.is_timestamp(arrow_type) else words.get(arrow_type, "unknown")


def as_kind(array: Any, kind: str | None) -> Any:
    """A category as a dictionary of texts, a number without dictionary or decimals; anything else as it is."""
    import pyarrow as pa

    coded = pa.types.is_dictionary(array.type)
    if kind == CATEGORY:
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.string())
        return array if coded else array.dictionary_encode()
    plain = array.dictionary_decode() if coded else array
    return plain.cast(pa.float64()) if pa.types.is_decimal(plain.type) else plain


def _of(names: Sequence[str], known: Mapping[str, T]) -> dict[str, T]:
    return {name: known[name] for name in names}


def _coded(array: Any) -> Any:
    import pyarrow as pa

    text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return array.dictionary_encode() if text else array


def _unreadable(path: Path, error: Exception) -> BadInput:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadInput(f"{path} is not a readable Parquet file: {first}", "write it again, or copy it whole")
