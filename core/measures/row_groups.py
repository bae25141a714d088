"""The bytes of some columns of a few row groups of a Parquet file: what is sent to who cannot read the file."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A file is cut into at most about so many pieces, since each carries the file's whole footer.
MOST_PIECES = 64


@dataclass(frozen=True)
class RowGroups:
    """Row groups that were read as bytes and not decoded: `held` are their places in the file with their bytes."""

    metadata: Any
    groups: tuple[int, ...]
    held: tuple[tuple[int, bytes], ...]

    @property
    def rows(self) -> int:
        """How many rows they have."""
        return sum(self.metadata.row_group(number).num_rows for number in self.groups)

    def batches(self, name: str, rows: int, *, coded: bool) -> Iterator[Any]:
        """A column's pyarrow arrays of at most so many rows, in order; as dictionaries where it is `coded`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [name] if coded else None
        source = pa.PythonFile(_Holes(self.held), mode="r")
        with pq.ParquetFile(source, metadata=self.metadata, read_dictionary=texts) as file:
            for batch in file.iter_batches(rows, row_groups=[*self.groups], columns=[name], use_threads=False):
                yield batch.column(0)


def row_groups(path: Path, metadata: Any, names: Sequence[str]) -> Iterator[RowGroups]:
    """A file's row groups in order, with the bytes of the columns that are named; a piece is in memory at a time."""
    many = range(metadata.num_row_groups)
    step = -(-len(many) // MOST_PIECES) or 1
    with open(path, "rb") as file:
        for first in many[::step]:
            groups = tuple(many[first : first + step])
            held = []
            for start, length in sorted(each for number in groups for each in _chunks(metadata, number, set(names))):
                file.seek(start)
                held.append((start, file.read(length)))
            yield RowGroups(metadata, groups, tuple(held))


def missing_values(metadata: Any, groups: Sequence[int], name: str) -> int | None:
    """How many values of a column are missing in row groups, by their statistics; None where these do not tell."""
    known = []
    for number in groups:
        group = metadata.row_group(number)
        known += [group.column(place).statistics for place in _places(metadata, {name})]
    if not known or any(each is None or not each.has_null_count for each in known):
        return 0 if not groups else None
    return sum(int(each.null_count) for each in known)


def _places(metadata: Any, names: set[str]) -> list[int]:
    return [place for place in range(metadata.num_columns) if metadata.schema.column(place).path in names]


def _chunks(metadata: Any, number: int, names: set[str]) -> Iterator[tuple[int, int]]:
    """Where the columns' bytes begin in the file, and how many there are."""
    group = metadata.row_group(number)
    for place in _places(metadata, names):
        chunk = group.column(place)
        start = chunk.data_page_offset
        if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
            start = min(start, chunk.dictionary_page_offset)
        yield start, chunk.total_compressed_size


class _Holes(io.RawIOBase):
    """A file of which only some stretches are there; the others read as noughts."""

    def __init__(self, held: Sequence[tuple[int, bytes]]) -> None:
        self._held, self._starts, self._place = held, [start for start, _ in held], 0
        self._size = held[-1][0] + len(held[-1][1]) if held else 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._place = place + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, count: int = -1) -> bytes:
        count = self._size - self._place if count < 0 else min(count, max(0, self._size - self._place))
        first = max(0, bisect_right(self._starts, self._place) - 1)
        found = bytearray(count)
        for start, content in self._held[first:]:
            # Reads of neighbouring columns come as one.
            low, high = max(start, self._place), min(start + len(content), self._place + count)
            if low < high:
                found[low - self._place : high - self._place] = content[low - start : high - start]
            elif start >= self._place + count:
                break
        self._place += count
        return bytes(found)
