"""JSON Lines read in blocks of whole lines, in one schema: the union of what the blocks hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.datasets.source import Source
from core.errors import BadInput

BLOCK = 16 << 20
# A line that is no object, in a file of one object a line: a leading `null` would end the process inside pyarrow.
NO_OBJECT = re.compile(rb"^[ \t\r]*[^{ \t\r\n\xef]", re.MULTILINE)


class OtherTypes(Exception):
    """A later block has columns or types that the first had not: these are the whole file's."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        super().__init__("other types")
        self.types = types


def pieces(source: Source, file: Any, types: Mapping[str, Any]) -> Iterator[Any]:
    """A table for each block. Raises OtherTypes at the end of a file whose blocks differ, BadInput for no JSON Lines.

    `types` are those of an earlier attempt, in the order of the columns.
    """
    import pyarrow as pa

    held: dict[str, Any] | None = dict(types) or None
    differ = False
    for table in _tables(source, file, types):
        found = dict(zip(table.column_names, table.schema.types, strict=True))
        wanted = found if held is None else {**held, **{name: _both(held, name, kind) for name, kind in found.items()}}
        differ = differ or (held is not None and wanted != held)
        held = wanted
        if not differ:
            yield _filled(table, held)
    if differ and held is not None:
        raise OtherTypes(held)
    if held is None:
        yield pa.table({})


def _tables(source: Source, file: Any, types: Mapping[str, Any]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.json

    line = 1
    for block in _blocks(file):
        if line == 1 and block.lstrip()[:1] == b"[":
            raise BadInput(f"{source.path} is one JSON list", "write JSON Lines: one object a line, no list around")
        stray = NO_OBJECT.search(block)
        if stray is not None:
            place = line + block.count(b"\n", 0, stray.start())
            raise BadInput(f"{source.path}, line {place}: no JSON object", "write JSON Lines: one object a line")
        line += block.count(b"\n")
        yield pa.json.read_json(
            pa.BufferReader(block),
            read_options=pa.json.ReadOptions(block_size=max(1 << 20, len(block))),
            parse_options=pa.json.ParseOptions(explicit_schema=pa.schema(types.items()) if types else None),
        )


def _blocks(file: Any) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        block += file.readline()
        if block.strip():
            yield block


def _both(held: Mapping[str, Any], name: str, found: Any) -> Any:
    """The type that holds what two blocks hold of a column."""
    import pyarrow as pa

    known = held.get(name, found)
    if known == found or pa.types.is_null(found):
        return known
    if pa.types.is_null(known):
        return found
    pair = {known, found}
    if pair == {pa.int64(), pa.float64()}:
        return pa.float64()
    if all(pa.types.is_string(kind) or pa.types.is_timestamp(kind) for kind in pair):
        return pa.string()
    raise pa.ArrowInvalid(f"JSON parse error: Column(/{name}) changed from {known} to {found}")


def _filled(table: Any, types: Mapping[str, Any]) -> Any:
    """A block's table with all the columns in their order, those it has not empty."""
    import pyarrow as pa

    held = set(table.column_names)
    columns = {
        name: table.column(name).cast(kind) if name in held else pa.nulls(table.num_rows, kind)
        for name, kind in types.items()
    }
    return pa.table(columns)
