"""A snapshot's rows as they are kept, and back, for training and measuring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.datasets.columns import ParquetColumns
from core.datasets.rows import Snapshot
from core.desk import Desk
from core.errors import StoreUnusable

if TYPE_CHECKING:
    import pyarrow

GROUP_ROWS = 131_072


def path(desk: Desk, snapshot: Snapshot) -> Path:
    """The Parquet file of a snapshot, its hash checked; for what reads it in batches.

    Raises NotFound for a missing and StoreUnusable for a damaged blob.
    """
    return desk.blobs.verified(snapshot.blob)


def columns(desk: Desk, snapshot: Snapshot) -> ParquetColumns:
    """A snapshot to be read a column at a time, however many rows it has; raises as `path` does."""
    return ParquetColumns(path(desk, snapshot))


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


def write_parquet(sink: Any, tables: Iterable[pyarrow.Table]) -> int:
    """Write tables of one schema under one another to a path or a stream; how many rows those were.

    The bytes depend on the rows alone, not on where they were cut. One group of rows is in memory at a time.
    """
    import pyarrow.parquet as pq

    writer, count = None, 0
    try:
        for group in _groups(table.replace_schema_metadata(None) for table in tables):
            writer = writer or pq.ParquetWriter(sink, group.schema, compression="zstd", version="2.6")
            writer.write_table(group, row_group_size=GROUP_ROWS)
            count += group.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count


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
