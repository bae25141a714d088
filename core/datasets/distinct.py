"""How many different values a column has: estimated in a few kilobytes, or counted exactly with the help of a disk."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# The standard error of an estimate is 1.04 / sqrt(2 ** BITS): 0.8 %.
BITS = 14
# Up to so many values are compared in memory; above it 64 bits of each are sorted into files by their first byte.
IN_MEMORY = 1 << 21
SEED = "tocsin distinct!"


class Estimate:
    """A HyperLogLog sketch (Flajolet et al. 2007, with linear counting for few): the same for any order of the values.

    The union of two sketches is the sketch of the union.
    """

    def __init__(self) -> None:
        import numpy as np

        self._seen = np.zeros((1 << BITS) * 64, dtype=bool)

    def add(self, array: Any) -> None:
        """Count in the values of a pyarrow array; missing ones are none."""
        import numpy as np

        hashes = hashed(array)
        place = (hashes >> np.uint64(64 - BITS)).astype(np.int64)
        rest = (hashes << np.uint64(BITS)) >> np.uint64(11)
        # The exponent of a double says how many zeros the other bits begin with.
        rank = np.int64(54) - np.frexp(rest.astype(np.float64))[1]
        self._seen[place * 64 + rank] = True

    def merge(self, other: Estimate) -> None:
        """Count in what another has seen."""
        self._seen |= other._seen

    def __getstate__(self) -> bytes:
        """A byte for each register: of what was seen only the greatest rank counts."""
        return bytes(self._registers().astype("uint8"))

    def __setstate__(self, state: bytes) -> None:
        import numpy as np

        self.__init__()  # type: ignore[misc]
        greatest = np.frombuffer(state, dtype=np.uint8)
        self._seen[np.arange(1 << BITS) * 64 + greatest] = greatest > 0

    def _registers(self) -> Any:
        import numpy as np

        seen = self._seen.reshape(1 << BITS, 64)
        return np.where(seen.any(axis=1), 63 - seen[:, ::-1].argmax(axis=1), 0)

    @property
    def count(self) -> int:
        """About how many different values there were."""
        size = 1 << BITS
        registers = self._registers()
        empty = int((registers == 0).sum())
        raw: float = 0.7213 / (1 + 1.079 / size) * size * size / float((2.0**-registers).sum())
        few = raw <= 2.5 * size and empty > 0
        estimate: float = size * math.log(size / empty) if few else raw
        return round(estimate)


def repeats(batches: Iterable[Any], rows: int) -> int:
    """How many values of a column are those of an earlier row; missing values are none.

    Exact for integers, and for text up to 2 million rows; above, two texts of ten million are taken for one with a
    chance of three in a million. Memory does not grow with the rows.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if rows > IN_MEMORY:
        return _repeats_on_disk(batches)
    chunks = [_decoded(batch) for batch in batches]
    if not chunks:
        return 0
    column = pa.chunked_array(chunks)
    different: int = pc.count_distinct(column, mode="only_valid").as_py()
    return int(len(column) - column.null_count) - different


def hashed(array: Any) -> Any:
    """64 well mixed bits of each value that is there; of a dictionary's, each value in it once and in any order."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        return _texts(array.dictionary.take(array.indices.drop_null().unique()))
    bits = _bits(array)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _bits(array: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    present = array.drop_null()
    if pa.types.is_timestamp(present.type) or pa.types.is_boolean(present.type):
        present = present.cast(pa.int64())
    values = present.to_numpy(zero_copy_only=False)
    # Both zeros are one value; anything odd keeps nought from being a fixed point.
    plain = values + 0.0 if values.dtype.kind == "f" else values
    return plain.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)


def _texts(array: Any) -> Any:
    import pandas as pd

    return pd.util.hash_array(array.to_numpy(zero_copy_only=False), hash_key=SEED, categorize=False)


def _decoded(array: Any) -> Any:
    import pyarrow as pa

    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _every(array: Any) -> Any:
    """64 bits of each row's value, in which two rows of one value are the same."""
    import pyarrow as pa

    plain = _decoded(array).drop_null()
    return _texts(plain) if pa.types.is_string(plain.type) else hashed(plain)


def _repeats_on_disk(batches: Iterable[Any]) -> int:
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        files = [open(Path(folder) / str(number), "w+b") for number in range(256)]  # noqa: SIM115 - closed below
        try:
            for batch in batches:
                bits = np.sort(_every(batch))
                ends = np.searchsorted(bits >> np.uint64(56), np.arange(1, 257))
                for file, part in zip(files, np.split(bits, ends[:-1]), strict=True):
                    part.tofile(file)
            return sum(_repeated(file) for file in files)
        finally:
            for file in files:
                file.close()


def _repeated(file: Any) -> int:
    import numpy as np

    file.seek(0)
    bits = np.sort(np.fromfile(file, dtype=np.uint64))
    return int((bits[1:] == bits[:-1]).sum())
