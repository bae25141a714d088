"""The tables in a file a piece at a time, whichever of the known formats it is, in types that hold for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.datasets import csv_types, json_lines
from core.datasets.plain import UTF_16_MARKS, not_utf8, opened, suffix, unreadable
from core.datasets.source import Source
from core.errors import BadInput
from core.measures.tables import parquet_batches

if TYPE_CHECKING:
    import pyarrow

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
PARQUET_MAGIC = b"PAR1"
PIECE_ROWS = 131_072
CSV_BLOCK = 4 << 20
# How much of a compressed column is in memory at a time, however large the groups of rows are.
PARQUET_BUFFER = 1 << 20


class StartOver(Exception):
    """A later piece does not fit what the earlier ones were read as: read the file again by this reading."""

    def __init__(self, reading: Reading) -> None:
        super().__init__("start over")
        self.reading = reading


@dataclass(frozen=True)
class Reading:
    """How a file is to be read: what separates a CSV's values, which of its columns are text whatever they look like,
    and the Arrow types that an earlier attempt found the whole file to have.
    """

    delimiter: str | None = None
    texts: tuple[str, ...] = ()
    types: Mapping[str, Any] = field(default_factory=dict)


def pieces(source: Source, reading: Reading) -> Iterator[pyarrow.Table]:
    """The rows of a file in order, all pieces of one schema: every column named and none named twice.

    Raises StartOver where a later piece has to change how an earlier one was read; BadInput where the file is not
    what its name says, is not UTF-8, is separated by something else, or changes while it is read.
    """
    import pyarrow as pa

    try:
        if source.parts or is_parquet(source):
            yield from _parquet(source)
        elif suffix(source) in (".jsonl", ".ndjson", ".json"):
            yield from _json(source, reading)
        else:
            yield from _csv(source, reading)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(source, error, parquet=is_parquet(source)) from error
    source.require_unchanged()


def read_table(
    source: Source, *, delimiter: str | None = None, types: Mapping[str, str] | None = None
) -> pyarrow.Table:
    """The whole table in a file, as its format types it; at least one row. `types` as for `reading_for`."""
    import pyarrow as pa

    reading = reading_for(delimiter, types)
    while True:
        try:
            found = list(pieces(source, reading))
        except StartOver as over:
            reading = over.reading
            continue
        if not sum(piece.num_rows for piece in found):
            raise no_rows(source)
        return pa.concat_tables(found)


def reading_for(delimiter: str | None, types: Mapping[str, str] | None) -> Reading:
    """How a file is read at first: `types` (column to contract type) keeps text that looks like numbers text."""
    return Reading(delimiter, tuple(name for name, kind in (types or {}).items() if kind == "text"))


def no_rows(source: Source) -> BadInput:
    """The error of a file that has names and nothing under them."""
    return BadInput(f"{source.path} has a header and no rows", "write at least one row into it")


def is_parquet(source: Source) -> bool:
    """Whether a file is Parquet, by its name or its first bytes."""
    if source.parts or suffix(source) in (".parquet", ".pq"):
        return True
    with source.open() as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def require_names(source: Source, names: list[str]) -> None:
    """Raise BadInput where a column has no name or that of another."""
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise BadInput(f"{source.path}: column {number} has no name", "name it, or leave the index column out")
        if names.index(name) != number - 1:
            raise BadInput(f"{source.path} has two columns called {name!r}", "rename or drop one of them")


def _parquet(source: Source) -> Iterator[pyarrow.Table]:

    if not source.parts:
        with source.open() as file:
            yield from _parquet_pieces(source, file)
        return
    schema: Any = None
    for part in source.parts:
        with open(part, "rb") as file:
            for piece in _parquet_pieces(source, file):
                schema = schema or piece.schema
                if not piece.schema.equals(schema):
                    hint = "write all parts with the same columns of the same types"
                    raise BadInput(f"{part} has other columns than {source.parts[0].name}", hint)
                yield piece


def _parquet_pieces(source: Source, file: Any) -> Iterator[pyarrow.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(file, buffer_size=PARQUET_BUFFER, pre_buffer=False)
    schema = parquet.schema_arrow
    require_names(source, schema.names)
    yield schema.empty_table()
    for batch in parquet_batches(parquet, PIECE_ROWS, threads=True):
        yield pa.Table.from_batches([batch], schema)


def _json(source: Source, reading: Reading) -> Iterator[pyarrow.Table]:
    with opened(source) as file:
        try:
            for piece in json_lines.pieces(source, file, reading.types):
                require_names(source, piece.column_names)
                yield piece
        except json_lines.OtherTypes as other:
            raise StartOver(replace(reading, types=other.types)) from None


def _csv(source: Source, reading: Reading) -> Iterator[pyarrow.Table]:
    import pyarrow as pa
    import pyarrow.csv

    separator = reading.delimiter or ("\t" if suffix(source) == ".tsv" else ",")
    held = dict(reading.types)
    with opened(source) as file:
        start = file.peek(4096)[:4096]
        if start.startswith(UTF_16_MARKS) or b"\0" in start:
            raise not_utf8(source)
        try:
            as_text = dict.fromkeys(reading.texts, pa.string())
            reader = csv_types.reader(file, separator, {**as_text, **reading.types}, CSV_BLOCK)
            held = dict(zip(reader.schema.names, reader.schema.types, strict=True))
            _require_readable(source, reader.schema, separator)
            yield reader.schema.empty_table()
            for batch in reader:
                yield pa.Table.from_batches([batch], reader.schema)
        except pa.ArrowInvalid as error:
            wider = csv_types.widened(error, held)
            if wider is None:
                raise
            raise StartOver(replace(reading, types=wider)) from None


def _require_readable(source: Source, schema: Any, separator: str) -> None:
    import pyarrow as pa

    require_names(source, schema.names)
    _require_separated(source, schema.names, separator)
    if any(pa.types.is_binary(field.type) for field in schema):
        raise not_utf8(source)


def _require_separated(source: Source, names: list[str], used: str) -> None:
    if len(names) != 1:
        return
    for other, spoken in DELIMITERS.items():
        if other != used and other in names[0]:
            option = "'\\t'" if other == "\t" else f"'{other}'"
            raise BadInput(f"{source.path} is one column, separated by {spoken}", f"add --delimiter {option}")
