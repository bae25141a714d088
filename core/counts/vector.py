"""Vectors of counts as bytes: LEB128 integers, sparse where that is shorter."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from core.errors import StoreUnusable

_DENSE, _SPARSE = 0, 1
LONGEST = 65_536


def encode(vec: Sequence[int]) -> bytes:
    """Bytes of a vector of counts of 0 or more. Raises ValueError for a negative count: counts only add."""
    if vec and min(vec) < 0:
        raise ValueError("a count is never negative")
    filled = [(index, count) for index, count in enumerate(vec) if count]
    if 2 * len(filled) >= len(vec):
        return bytes([_DENSE]) + _varints([len(vec), *vec])
    pairs: list[int] = []
    before = 0
    for index, count in filled:
        pairs += (index - before, count)
        before = index
    return bytes([_SPARSE]) + _varints([len(vec), *pairs])


def decode(blob: bytes) -> list[int]:
    """The vector that `encode` made bytes of. Raises StoreUnusable for bytes that it cannot have made."""
    try:
        length, *values = _integers(blob)
        if blob[0] == _DENSE and len(values) == length:
            return values
        if blob[0] == _SPARSE and len(values) % 2 == 0:
            return _spread(length, values)
    except (IndexError, ValueError):
        pass
    raise StoreUnusable("a window of counts is damaged", "run `tocsin doctor`, or restore a backup")


def _spread(length: int, pairs: list[int]) -> list[int]:
    if length > LONGEST:
        raise ValueError("longer than any vector")
    vec = [0] * length
    index = 0
    for step, count in zip(pairs[::2], pairs[1::2], strict=True):
        index += step
        vec[index] = count
    return vec


def add(left: Sequence[int], right: Sequence[int]) -> list[int]:
    """The sum, element by element; a shorter vector stands for one with zeros behind it."""
    if len(left) < len(right):
        left, right = right, left
    return [*map(operator.add, left, right), *left[len(right) :]]


def sparse(vec: Sequence[int]) -> dict[str, object]:
    """The form counts have on the wire: `i` indices, `n` counts, `len` the length."""
    filled = [(index, count) for index, count in enumerate(vec) if count]
    return {"i": [index for index, _ in filled], "n": [count for _, count in filled], "len": len(vec)}


def dense(indices: Sequence[int], counts: Sequence[int], length: int) -> list[int]:
    """The vector of a wire form. Raises ValueError where an index lies outside, or a count is negative."""
    if len(indices) != len(counts) or length < 0 or length > LONGEST:
        raise ValueError("indices and counts do not fit")
    vec = [0] * length
    for index, count in zip(indices, counts, strict=True):
        if not 0 <= index < length or count < 0:
            raise ValueError("an index or a count is out of range")
        vec[index] += count
    return vec


def _varints(values: Sequence[int]) -> bytes:
    if max(values) < 0x80:
        return bytes(values)
    out = bytearray()
    for value in values:
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
    return bytes(out)


def _integers(blob: bytes) -> list[int]:
    if blob[1:].isascii():
        return list(blob[1:])
    values: list[int] = []
    value = shift = 0
    for byte in blob[1:]:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            values.append(value)
            value = shift = 0
    if shift:
        raise ValueError("cut short")
    return values
