"""A file as it came: its bytes, their hash, and the table in them, whichever of the known formats it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pyarrow

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"
# A line that is no object, in a file of one object a line: a leading `null` would end the process inside pyarrow.
NO_OBJECT = re.compile(rb"^[ \t\r]*[^{ \t\r\n\xef]", re.MULTILINE)
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Source:
    """The bytes of a file, read once so that what is hashed is what is parsed."""

    path: Path
    content: bytes
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name, without its folder."""
        return self.path.name


def open_source(path: str | Path) -> Source:
    """Read a file whole. Raises NotFound where there is none, BadInput for a folder, an empty or a closed file."""
    path = Path(path).expanduser()
    if path.is_dir():
        raise BadInput(f"{path} is a folder", "give one file in it: CSV, TSV, Parquet or JSON Lines")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "check the path; it is read from the current folder") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    if not content:
        raise BadInput(f"{path} is empty", "write a header line and rows into it")
    return Source(path, content, hashlib.sha256(content).hexdigest())


def read_table(
    source: Source, *, delimiter: str | None = None, types: Mapping[str, str] | None = None
) -> pyarrow.Table:
    """The table in a file, as its format types it; at least one row, every column named and none named twice.

    `types` (column to contract type) keeps text that looks like numbers text. Raises BadInput where the file is not
    what its name says, is not UTF-8, or is separated by something else.
    """
    import pyarrow as pa

    try:
        if _is_parquet(source):
            table = _parquet(source)
        elif _suffix(source) in (".jsonl", ".ndjson", ".json"):
            table = _json_lines(source)
        else:
            table = _csv(source, delimiter, types or {})
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(source, error) from error
    _require_names(source, names)
    if table.num_rows == 0:
        raise BadInput(f"{source.path} has a header and no rows", "write at least one row into it")
    return table


def _suffix(source: Source) -> str:
    name = source.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _is_parquet(source: Source) -> bool:
    return _suffix(source) in (".parquet", ".pq") or source.content.startswith(PARQUET_MAGIC)


def _plain(source: Source) -> bytes:
    import gzip
    import zlib

    if not source.content.startswith(GZIP_MAGIC):
        return source.content
    try:
        return gzip.decompress(source.content)
    except (EOFError, zlib.error) as error:
        raise BadInput(f"{source.path} is damaged: {error}", "copy it again from where it came") from error


def _parquet(source: Source) -> pyarrow.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(source.content))
    _require_names(source, file.schema_arrow.names)
    return file.read()


def _json_lines(source: Source) -> pyarrow.Table:
    import pyarrow as pa
    import pyarrow.json

    content = _plain(source)
    if content.lstrip()[:1] == b"[":
        raise BadInput(f"{source.path} is one JSON list", "write JSON Lines: one object a line, no list around")
    stray = NO_OBJECT.search(content)
    if stray is not None:
        line = content.count(b"\n", 0, stray.start()) + 1
        raise BadInput(f"{source.path}, line {line}: no JSON object", "write JSON Lines: one object a line")
    block = min(max(1 << 20, len(content)), (1 << 31) - 1)
    return pa.json.read_json(pa.BufferReader(content), read_options=pa.json.ReadOptions(block_size=block))


def _csv(source: Source, delimiter: str | None, types: Mapping[str, str]) -> pyarrow.Table:
    import pyarrow as pa
    import pyarrow.csv

    content = _plain(source)
    if content.startswith(UTF_16_MARKS) or b"\0" in content[:4096]:
        raise _not_utf8(source)
    separator = delimiter or ("\t" if _suffix(source) == ".tsv" else ",")
    as_text = {name: pa.string() for name, kind in types.items() if kind == "text"}
    table = pa.csv.read_csv(
        pa.BufferReader(content),
        parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(column_types=as_text, strings_can_be_null=True),
    )
    _require_separated(source, table.column_names, separator)
    if any(pa.types.is_binary(field.type) for field in table.schema):
        raise _not_utf8(source)
    return table


def _require_separated(source: Source, names: list[str], used: str) -> None:
    if len(names) != 1:
        return
    for other, spoken in DELIMITERS.items():
        if other != used and other in names[0]:
            option = "'\\t'" if other == "\t" else f"'{other}'"
            raise BadInput(f"{source.path} is one column, separated by {spoken}", f"add --delimiter {option}")


def _require_names(source: Source, names: list[str]) -> None:
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise BadInput(f"{source.path}: column {number} has no name", "name it, or leave the index column out")
        if names.index(name) != number - 1:
            raise BadInput(f"{source.path} has two columns called {name!r}", "rename or drop one of them")


def _not_utf8(source: Source) -> BadInput:
    return BadInput(f"{source.path} is not UTF-8 text", "save it as UTF-8, for instance with `iconv -t utf-8`")


def _unreadable(source: Source, error: Exception) -> BadInput:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, UnicodeDecodeError) or re.search(r"invalid UTF-?8", first, re.IGNORECASE):
        return _not_utf8(source)
    if _is_parquet(source):
        return BadInput(f"{source.path} is not a readable Parquet file: {first}", "write it again, or copy it whole")
    if "Expected" in first and "columns" in first:
        return BadInput(f"{source.path}: {first}", "every row needs as many values as the header has names")
    return BadInput(f"{source.path} cannot be read: {first}", "CSV, TSV, Parquet and JSON Lines are read")
