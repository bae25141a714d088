"""Tables read one column at a time: Parquet is streamed in batches, what is in memory is sliced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import BadInput
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


class MemoryTable(Table):
    """A pyarrow table."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.rows = table.num_rows
        self.kinds = {field.name: kind_of(field.type) for field in table.schema}

    def batches(self, name: str) -> Iterator[Any]:
        for chunk in self._table.column(name).chunks:
            yield _as_kind(chunk, self.kinds[name])


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
