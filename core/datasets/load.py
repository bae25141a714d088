"""A snapshot's rows as they are kept, and back, for training and measuring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.datasets.rows import Snapshot
from core.desk import Desk
from core.errors import StoreUnusable
from core.measures.tables import ParquetTable

if TYPE_CHECKING:
    import pyarrow

GROUP_ROWS = 131_072


def path(desk: Desk, snapshot: Snapshot) -> Path:
    """The Parquet file of a snapshot, its hash checked; for what reads it in batches.

    Raises NotFound for a missing and StoreUnusable for a damaged blob.
    """
    return desk.blobs.verified(snapshot.blob)


def columns(desk: Desk, snapshot: Snapshot) -> ParquetTable:
    """A snapshot to be read a column at a time, however many rows it has; raises as `path` does."""
    return ParquetTable(path(desk, snapshot))


def load(desk: Desk, snapshot: Snapshot) -> pyarrow.Table:
    """The table of a snapshot: int64, double, string, bool, timestamp[us, UTC] or null columns, in file order.

    All of it is in memory. Raises as `path` does.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = path(desk, snapshot)
    try:
        return pq.ParquetFile(found).read()
    except pa.ArrowException as error:
        raise StoreUnusable(
            f"snapshot {snapshot.dataset} {snapshot.number} cannot be read: {error}", "restore it from a backup"
        ) from error


def parquet_bytes(table: pyarrow.Table) -> bytes:
    """A table as Parquet with fixed settings, so that one table is the same bytes every time."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    write_parquet(sink, [table])
    content: bytes = sink.getvalue().to_pybytes()
    return content


def write_parquet(sink: Any, tables: Iterable[pyarrow.Table], metadata: Mapping[str, str] | None = None) -> int:
    """Write tables of one schema under one another to a path or a stream; how many rows those were.

    The bytes depend on the rows and the file's `metadata` alone, not on where they were cut. One group of
    rows is in memory at a time.
    """
    import pyarrow.parquet as pq

    writer, count = None, 0
    try:
        for group in _groups(table.replace_schema_metadata(metadata) for table in tables):
            writer = writer or pq.ParquetWriter(sink, group.schema, **_settings(group.schema))
            writer.write_table(group, row_group_size=GROUP_ROWS)
            count += group.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count


def _settings(schema: Any) -> dict[str, Any]:
    """Numbers with fractions seldom repeat: to look for a dictionary of them took three quarters of the time."""
    import pyarrow as pa

    repeating = [field.name for field in schema if field.type != pa.float64()]
    return {"compression": "zstd", "version": "2.6", "use_dictionary": repeating}


def ahead(tables: Iterator[pyarrow.Table]) -> Iterator[pyarrow.Table]:
    """The same tables, each read in a thread of its own while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = reader.submit(next, tables, None)
            yield table


def _groups(tables: Iterable[pyarrow.Table]) -> Iterator[pyarrow.Table]:
    """The same rows in tables of a whole group each but the last; an empty table where there are none."""
    import pyarrow as pa

    waiting: Any = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while waiting.num_rows > GROUP_ROWS:
            yield waiting.slice(0, GROUP_ROWS)
            waiting = waiting.slice(GROUP_ROWS)
    if waiting is not None:
        yield waiting
