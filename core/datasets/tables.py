"""A file of any known format as a table to be read one column at a time."""

from __future__ import annotations

from pathlib import Path

from core.datasets.formats import PARQUET_MAGIC, read_table
from core.datasets.source import open_source
from core.measures.tables import MemoryTable, ParquetTable, Table


def open_table(path: Path) -> Table:
    """A CSV, TSV, Parquet or JSON Lines file. Raises NotFound or BadInput where it cannot be read."""
    try:
        with open(path, "rb") as file:
            if file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC:
                return ParquetTable(path)
    except OSError:
        # What is wrong with the file is said where every format is opened.
        pass
    return MemoryTable(read_table(open_source(path)))
