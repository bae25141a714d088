"""Tables read one column at a time: Parquet is streamed in batches, what is in memory is sliced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.measures.row_groups import RowGroups, missing_values, row_groups
from core.measures.values import CATEGORY, NUMBER

# Large enough that the cost of a call does not count, small enough to stay in the processor's cache.
BATCH_ROWS = 131_072


class Table:
    """Columns by name; `kinds` says which are numbers and which categories, None for those that are neither."""

    rows: int
    kinds: Mapping[str, str | None]

    def batches(self, name: str) -> Iterator[Any]:
        """The column's pyarrow arrays, in order; a category's are dictionaries. Each call reads it anew."""
        raise NotImplementedError

    def missing(self, name: str) -> int:
        """How many rows have no value in a column."""
        return sum(batch.null_count for batch in self.batches(name))

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        """The same rows in order in tables of some columns, which can be pickled."""
        raise NotImplementedError


class ParquetTable(Table):
    """A Parquet file of which one batch of a column is in memory at a time. Raises BadInput for an unreadable file."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        try:
            self._metadata = pq.read_metadata(path)
            schema = self._metadata.schema.to_arrow_schema()
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error
        self.rows = self._metadata.num_rows
        self.kinds = {field.name: kind_of(field.type) for field in schema}

    def batches(self, name: str) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [name] if self.kinds[name] == CATEGORY else None
        try:
            with pq.ParquetFile(self._path, metadata=self._metadata, read_dictionary=texts) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=[name], use_threads=False):
                    yield _as_kind(batch.column(0), self.kinds[name])
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self._path, error) from error

    def missing(self, name: str) -> int:
        known = missing_values(self._metadata, range(self._metadata.num_row_groups), name)
        return super().missing(name) if known is None else known

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        try:
            for groups in row_groups(self._path, self._metadata, names):
                yield PieceTable(groups, {name: self.kinds[name] for name in names})
        except OSError as error:
            raise _unreadable(self._path, error) from error


class PieceTable(Table):
    """A few row groups of a Parquet file."""

    def __init__(self, groups: RowGroups, kinds: Mapping[str, str | None]) -> None:
        self._groups, self.rows, self.kinds = groups, groups.rows, kinds

    def batches(self, name: str) -> Iterator[Any]:
        kind = self.kinds[name]
        for batch in self._groups.batches(name, BATCH_ROWS, coded=kind == CATEGORY):
            yield _as_kind(batch, kind)

    def missing(self, name: str) -> int:
        known = missing_values(self._groups.metadata, self._groups.groups, name)
        return super().missing(name) if known is None else known


class MemoryTable(Table):
    """A pyarrow table."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.rows = table.num_rows
        self.kinds = {field.name: kind_of(field.type) for field in table.schema}

    def batches(self, name: str) -> Iterator[Any]:
        for chunk in self._table.column(name).chunks:
            yield _as_kind(chunk, self.kinds[name])

    def pieces(self, names: Sequence[str]) -> Iterator[Table]:
        chosen = self._table.select([*names])
        for start in range(0, self.rows, BATCH_ROWS):
            yield MemoryTable(chosen.slice(start, BATCH_ROWS))


def kind_of(arrow_type: Any) -> str | None:
    """Number, category, or None for times and nested values, which have no distribution of their own here."""
    import pyarrow as pa

    held = arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    if pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_decimal(held):
        return NUMBER
    if pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_boolean(held):
        return CATEGORY
    return None


def _as_kind(array: Any, kind: str | None) -> Any:
    """A category as a dictionary of texts, a number without dictionary or decimals."""
    import pyarrow as pa

    coded = pa.types.is_dictionary(array.type)
    if kind == CATEGORY:
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.string())
        return array if coded else array.dictionary_encode()
    plain = array.dictionary_decode() if coded else array
    return plain.cast(pa.float64()) if pa.types.is_decimal(plain.type) else plain


def _unreadable(path: Path, error: Exception) -> BadInput:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadInput(f"{path} is not a readable Parquet file: {first}", "write it again, or copy it whole")
