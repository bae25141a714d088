"""Rows told apart by 64 bits of each: which are repeated, and where whole blocks of them are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from core.datasets.distinct import hashed
from core.measures.tables import Table

# So many rows are told apart at once, in about 150 MB; of a larger table one part of the hashes after another.
AT_ONCE = 1 << 22
# A run of so many repeated rows is a block.
BLOCK = 20
# Of so many repeated rows it is remembered where they stand.
REMEMBERED = 1 << 20
ABSENT = 0x9E3779B97F4A7C15
STEP = 0xD6E8FEB86659FD93


Read = Callable[[], Iterator[tuple[Any, Any]]]


@dataclass(frozen=True)
class Repeats:
    """How many rows are like an earlier one; `places` are the first of them, counted from 0.

    `block` is the longest run of rows that repeats an earlier one: its first row, the earlier one's, and its length.
    """

    count: int
    places: tuple[int, ...] = ()
    block: tuple[int, int, int] | None = None


def row_bits(table: Table, names: Sequence[str], *, whole: bool = False) -> Iterator[tuple[Any, Any]]:
    """For each batch 64 bits of every row over these columns, and which rows have a value in each of them.

    `whole` takes a missing value as one like any other: every row then counts.
    """
    import numpy as np

    for batch in table.together(names):
        rows = len(next(iter(batch.values())))
        bits, there = np.zeros(rows, np.uint64), np.ones(rows, bool)
        for column in batch.values():
            bits = (bits * np.uint64(STEP)) ^ _bits(column)
            bits ^= bits >> np.uint64(32)
            if column.null_count and not whole:
                there &= column.is_valid().to_numpy(zero_copy_only=False)
        yield bits, there


def repeats(read: Read, rows: int) -> Repeats:
    """The rows whose bits an earlier one has; above four million rows the bits are sorted into files on the way."""
    import numpy as np

    parts = max(1, -(-rows // AT_ONCE))
    found = [_again(*_whole(read()))] if parts == 1 else _on_disk(read(), parts)
    count = sum(len(later) for later, _ in found)
    if not count:
        return Repeats(0)
    later = np.concatenate([part[0][:REMEMBERED] for part in found])
    earlier = np.concatenate([part[1][:REMEMBERED] for part in found])
    order = np.argsort(later)
    return Repeats(count, tuple(later[order][:REMEMBERED].tolist()), _block(later[order], earlier[order]))


def common(left: Read, right: Read, rows: int) -> int:
    """How many rows on the right have the bits of any of the `rows` on the left. Memory grows with neither."""
    import numpy as np

    count, parts = 0, max(1, -(-rows // AT_ONCE))
    for part in range(parts):
        known = np.unique(np.concatenate([_chosen(*batch, part, parts)[0] for batch in left()]))
        count += sum(int(np.isin(_chosen(*batch, part, parts)[0], known).sum()) for batch in right())
    return count


def _numbered(read: Iterator[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """The bits that count with the numbers of their rows, batch by batch."""
    import numpy as np

    first = 0
    for bits, there in read:
        where = np.flatnonzero(there)
        yield bits[where], where + first
        first += len(bits)


def _whole(read: Iterator[tuple[Any, Any]]) -> tuple[Any, Any]:
    import numpy as np

    nothing = (np.empty(0, np.uint64), np.empty(0, np.int64))
    bits, rows = zip(nothing, *_numbered(read), strict=True)
    return np.concatenate(bits), np.concatenate(rows)


def _on_disk(read: Iterator[tuple[Any, Any]], parts: int) -> list[tuple[Any, Any]]:
    """What `_again` finds in each part of the hashes, of which one is in memory at a time."""
    import numpy as np

    with ExitStack() as held:
        files = [held.enter_context(tempfile.TemporaryFile(prefix="tocsin-")) for _ in range(parts)]
        for bits, rows in _numbered(read):
            part = bits % np.uint64(parts)
            for number, file in enumerate(files):
                where = np.flatnonzero(part == number)
                np.column_stack([bits[where], rows[where].view(np.uint64)]).tofile(file)
        return [_again(*_read(file)) for file in files]


def _read(file: Any) -> tuple[Any, Any]:
    import numpy as np

    file.seek(0)
    both = np.fromfile(file, np.uint64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].view(np.int64).copy()


def _again(bits: Any, rows: Any) -> tuple[Any, Any]:
    """The rows, in order, whose bits are those of an earlier one, and the first row that each is like."""
    import numpy as np

    order = np.argsort(bits, kind="stable")
    ordered, rows = bits[order], rows[order]
    again = np.r_[False, ordered[1:] == ordered[:-1]]
    starts = np.maximum.accumulate(np.where(again, 0, np.arange(len(again))))
    later = np.sort(rows[again])
    earlier = rows[starts[again]][np.argsort(rows[again], kind="stable")]
    return later, earlier


def _chosen(bits: Any, there: Any, part: int, parts: int) -> tuple[Any, Any]:
    """The bits of one part of the hashes that count, and their places."""
    import numpy as np

    where = np.flatnonzero(there if parts == 1 else there & (bits % np.uint64(parts) == part))
    return bits[where], where


def _block(later: Any, earlier: Any) -> tuple[int, int, int] | None:
    """The longest run of neighbouring rows that are as far from those they repeat."""
    import numpy as np

    apart = later - earlier
    breaks = np.flatnonzero((np.diff(later) != 1) | (np.diff(apart) != 0)) + 1
    starts = np.r_[0, breaks]
    lengths = np.diff(np.r_[starts, len(later)])
    longest = int(lengths.argmax())
    if lengths[longest] < BLOCK:
        return None
    at = starts[longest]
    return int(later[at]), int(earlier[at]), int(lengths[longest])


def _bits(column: Any) -> Any:
    """64 bits of each row's value; missing ones have bits of their own."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        known = np.r_[_levels(column.dictionary), np.uint64(ABSENT)]
        codes = column.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
        return known[codes]
    bits = np.full(len(column), ABSENT, np.uint64)
    if not pa.types.is_null(column.type):
        bits[column.is_valid().to_numpy(zero_copy_only=False)] = hashed(column)
    return bits


def _levels(dictionary: Any) -> Any:
    import numpy as np
    import pandas as pd

    if not len(dictionary):
        return np.empty(0, np.uint64)
    return pd.util.hash_array(dictionary.to_numpy(zero_copy_only=False), hash_key="tocsin distinct!", categorize=False)
