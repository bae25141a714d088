"""The plain bytes of a file that may be compressed, and what to say of one that cannot be read."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.datasets.source import Source
from core.errors import BadInput

GZIP_MAGIC = b"\x1f\x8b"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
BUFFER = 1 << 20


@contextmanager
def opened(source: Source) -> Iterator[io.BufferedReader]:
    """A file's bytes, unpacked where they are gzipped. Raises BadInput where the packing is damaged."""
    with source.open() as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        plain: Any = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
        try:
            yield io.BufferedReader(plain, BUFFER)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadInput(f"{source.path} is damaged: {error}", "copy it again from where it came") from error


def suffix(source: Source) -> str:
    """The end of the file's name that tells its format, in small letters and without `.gz`."""
    return Path(source.name.lower().removesuffix(".gz")).suffix


def not_utf8(source: Source) -> BadInput:
    """The error of a file in another encoding."""
    return BadInput(f"{source.path} is not UTF-8 text", "save it as UTF-8, for instance with `iconv -t utf-8`")


def unreadable(source: Source, error: Exception, *, parquet: bool) -> BadInput:
    """What an error of a parser means for the person who gave the file."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, UnicodeDecodeError) or re.search(r"invalid UTF-?8", first, re.IGNORECASE):
        return not_utf8(source)
    if parquet:
        return BadInput(f"{source.path} is not a readable Parquet file: {first}", "write it again, or copy it whole")
    if "Expected" in first and "columns" in first:
        return BadInput(f"{source.path}: {first}", "every row needs as many values as the header has names")
    return BadInput(f"{source.path} cannot be read: {first}", "CSV, TSV, Parquet and JSON Lines are read")
