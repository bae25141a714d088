"""A scoring's files: the rows it reads in chunks, and the parts it writes until they are joined."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import crashpoint
from core.desk import Desk
from core.home import home_error
from core.scoring.rows import Part, Score, parts, whole_prefix
from core.store.blobs import file_sha256

if TYPE_CHECKING:
    import pyarrow

OPEN_PARTS = "SELECT 1 FROM score WHERE id = ? AND blob IS NULL"


def chunks(path: Path, columns: Sequence[str], start: int, chunk: int) -> Iterator[pyarrow.Table]:
    """The rows of a Parquet file from row `start` on, in tables of `chunk` rows each but the last.

    Groups of rows that end before `start` are not read. A group and about two chunks are in memory at a time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        waiting, held = [], 0
        for batch in _batches(file, columns, start, chunk):
            waiting.append(batch)
            held += batch.num_rows
            while held >= chunk:
                table = pa.Table.from_batches(waiting)
                yield table.slice(0, chunk)
                waiting, held = table.slice(chunk).to_batches(), held - chunk
        if held:
            yield pa.Table.from_batches(waiting)


def _batches(file: Any, columns: Sequence[str], start: int, chunk: int) -> Iterator[Any]:
    group, before = _group_of(file.metadata, start)
    skip = start - before
    # A group at a time: asked for several at once, the reader keeps what it has read of all of them.
    for number in range(group, file.metadata.num_row_groups):
        for batch in file.iter_batches(chunk, row_groups=[number], columns=[*columns]):
            batch, skip = batch.slice(skip), max(0, skip - batch.num_rows)
            yield batch


def _group_of(metadata: Any, start: int) -> tuple[int, int]:
    """The group that holds a row, and the rows before that group; beyond the last row, how many groups there are."""
    before = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if before + rows > start:
            return group, before
        before += rows
    return metadata.num_row_groups, before


def sweep(desk: Desk) -> None:
    """Remove the parts of scorings that have ended, or are not in this store: what ended them died before it did."""
    for folder in desk.home.scores_path.glob("*"):
        number = int(folder.name) if folder.name.isdigit() else 0
        if desk.store.one(OPEN_PARTS, (number,)) is None:
            shutil.rmtree(folder, ignore_errors=True)


class Parts:
    """The part files of one scoring, in a folder of their own; each is flushed to disk before it has its name."""

    def __init__(self, desk: Desk, score: Score) -> None:
        self._desk, self._score = desk, score
        self.folder = desk.home.scores_path / str(score.id)

    def path(self, part: int) -> Path:
        """Where a part is, or would be."""
        return self.folder / f"{part:08d}.arrow"

    def whole(self) -> list[Part]:
        """The recorded parts, from the first on, whose files are still what was recorded."""
        found = whole_prefix(parts(self._desk.store, self._score.id), self._score.chunk, self._score.rows)
        for place, part in enumerate(found):
            path = self.path(part.part)
            if not path.is_file() or file_sha256(path) != part.sha256:
                return found[:place]
        return found

    def write(self, number: int, table: pyarrow.Table) -> Part:
        """Write a part. Raises StoreUnusable where the disk is full; no file of its name is then there."""
        import pyarrow as pa

        path = self.path(number)
        beside = path.with_suffix(f".{os.getpid()}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(beside, "wb") as file:
                with pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
                file.flush()
                os.fsync(file.fileno())
            crashpoint.at("score.written")
            os.replace(beside, path)
            sha256 = file_sha256(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise home_error(self.folder, error) from error
        crashpoint.at("score.named")
        return Part(number, table.num_rows, sha256)

    def tables(self, count: int) -> Iterator[pyarrow.Table]:
        """The first `count` parts in order, one in memory at a time."""
        import pyarrow as pa

        for number in range(count):
            with pa.memory_map(str(self.path(number))) as file:
                yield pa.ipc.open_file(file).read_all()
