"""A table in the six types, read one column at a time: what profiles and checks look at, however many rows it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.datasets.normal import type_name
from core.measures.row_groups import RowGroups, missing_values, row_groups

if TYPE_CHECKING:
    import pyarrow

# Large enough that the cost of a call does not count, small enough to stay in the processor's cache.
BATCH_ROWS = 131_072


class Columns:
    """`types` maps the columns' names, in order, to the contract's words for their types."""

    rows: int
    types: Mapping[str, str]

    def batches(self, name: str) -> Iterator[Any]:
        """A column's pyarrow arrays in order, none empty; text as dictionaries. Each call reads it anew."""
        raise NotImplementedError

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Batches of several columns by name, in the order given, as `batches` has them; all columns without a name."""
        raise NotImplementedError

    def missing(self, name: str) -> int:
        """How many rows have no value in a column."""
        return sum(batch.null_count for batch in self.batches(name))

    def pieces(self, names: Sequence[str]) -> Iterator[Columns]:
        """The same rows in order in tables of some columns, which can be pickled."""
        raise NotImplementedError

    def head(self, name: str, rows: int) -> Any:
        """The first values of a column as one pyarrow array, at most `rows`."""
        import pyarrow as pa

        found: list[Any] = []
        for batch in self.batches(name):
            found.append(batch.slice(0, rows))
            rows -= len(found[-1])
            if rows <= 0:
                break
        return pa.chunked_array(found) if found else pa.chunked_array([pa.nulls(0)])


class MemoryColumns(Columns):
    """A pyarrow table in the six types."""

    def __init__(self, table: pyarrow.Table) -> None:
        self._table = table
        self.rows = table.num_rows
        self.types = {field.name: type_name(field.type) for field in table.schema}

    def batches(self, name: str) -> Iterator[Any]:
        for chunk in self._table.column(name).chunks:
            for start in range(0, len(chunk), BATCH_ROWS):
                yield _coded(chunk.slice(start, BATCH_ROWS))

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        chosen = self._table.select(list(names or self.types))
        for batch in chosen.to_batches(max_chunksize=BATCH_ROWS):
            if batch.num_rows:
                yield {name: _coded(batch.column(name)) for name in chosen.column_names}

    def pieces(self, names: Sequence[str]) -> Iterator[Columns]:
        chosen = self._table.select([*names])
        for start in range(0, self.rows, BATCH_ROWS):
            yield MemoryColumns(chosen.slice(start, BATCH_ROWS))


class ParquetColumns(Columns):
    """A Parquet file that we wrote, of which one batch of a column is in memory at a time."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self._metadata = pq.read_metadata(path)
        self.rows = self._metadata.num_rows
        self.types = {field.name: type_name(field.type) for field in self._metadata.schema.to_arrow_schema()}

    def batches(self, name: str) -> Iterator[Any]:
        import pyarrow.parquet as pq

        texts = [name] if self.types[name] == "text" else None
        with pq.ParquetFile(self.path, metadata=self._metadata, read_dictionary=texts) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=[name], use_threads=False):
                yield _coded(batch.column(0))

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        import pyarrow.parquet as pq

        chosen = list(names or self.types)
        texts = [name for name in chosen if self.types[name] == "text"]
        with pq.ParquetFile(self.path, metadata=self._metadata, read_dictionary=texts) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=chosen, use_threads=False):
                yield {name: _coded(batch.column(batch.schema.get_field_index(name))) for name in chosen}

    def missing(self, name: str) -> int:
        known = missing_values(self._metadata, range(self._metadata.num_row_groups), name)
        return super().missing(name) if known is None else known

    def pieces(self, names: Sequence[str]) -> Iterator[Columns]:
        for groups in row_groups(self.path, self._metadata, names):
            yield PieceColumns(groups, {name: self.types[name] for name in names})


class PieceColumns(Columns):
    """A few row groups of a Parquet file that we wrote."""

    def __init__(self, groups: RowGroups, types: Mapping[str, str]) -> None:
        self._groups, self.rows, self.types = groups, groups.rows, types

    def batches(self, name: str) -> Iterator[Any]:
        for batch in self._groups.batches(name, BATCH_ROWS, coded=self.types[name] == "text"):
            yield _coded(batch)

    def missing(self, name: str) -> int:
        known = missing_values(self._groups.metadata, self._groups.groups, name)
        return super().missing(name) if known is None else known


def columns_of(table: pyarrow.Table | Columns) -> Columns:
    """A table in memory as columns; columns as they are."""
    return table if isinstance(table, Columns) else MemoryColumns(table)


def _coded(array: Any) -> Any:
    import pyarrow as pa

    return array.dictionary_encode() if pa.types.is_string(array.type) else array
