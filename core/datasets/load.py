"""A snapshot's rows as they are kept, and back, for training and measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.datasets.rows import Snapshot
from core.desk import Desk
from core.errors import StoreUnusable

if TYPE_CHECKING:
    import pyarrow


def load(desk: Desk, snapshot: Snapshot) -> pyarrow.Table:
    """The table of a snapshot: int64, double, string, bool, timestamp[us, UTC] or null columns, in file order.

    The content is checked against its hash. Raises NotFound for a missing and StoreUnusable for a damaged blob.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = desk.blobs.read(snapshot.blob)
    try:
        return pq.ParquetFile(pa.BufferReader(content)).read()
    except pa.ArrowException as error:
        raise StoreUnusable(
            f"snapshot {snapshot.dataset} {snapshot.number} cannot be read: {error}", "restore it from a backup"
        ) from error


def parquet_bytes(table: pyarrow.Table) -> bytes:
    """A table as Parquet with fixed settings, so that one table is the same bytes every time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    plain = table.replace_schema_metadata(None)
    pq.write_table(plain, sink, row_group_size=131_072, compression="zstd", version="2.6")
    content: bytes = sink.getvalue().to_pybytes()
    return content
