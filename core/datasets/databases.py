"""Three databases, each read in a read-only transaction: pyarrow tables of one schema, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, RemoteUnreachable

if TYPE_CHECKING:
    import pyarrow

FETCH_ROWS = 16_384
QUERY_HINT = "give one SELECT; only reading is allowed"
# PostgreSQL's numbers for its types; every other type is read as text.
INTEGERS, FLOATS, BOOLEAN, DATE, TIME, ZONED = (20, 21, 23, 26), (700, 701, 1700), 16, 1082, 1114, 1184

Tables = Iterator["pyarrow.Table"]


@contextmanager
def sqlite(path: Path, query: str) -> Iterator[Tables]:
    """An SQLite file. Its columns may hold anything: a first reading finds the types, a second takes the rows."""
    import sqlite3

    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA query_only = on")
            connection.execute("BEGIN")
            yield _typed(connection, query)
    except sqlite3.Error as error:
        raise _refused(error) from error


def _typed(connection: Any, query: str) -> Tables:
    import pyarrow as pa

    cursor = connection.execute(query)
    names = _names(cursor.description)
    kinds: list[Any] = [pa.null()] * len(names)
    while some := cursor.fetchmany(FETCH_ROWS):
        for place, values in enumerate(zip(*some, strict=True)):
            kinds[place] = _both(names[place], kinds[place], {type(value) for value in values})
    yield from _fetched(connection.execute(query), pa.schema(list(zip(names, kinds, strict=True))))


def _both(name: str, known: Any, found: set[type]) -> Any:
    import pyarrow as pa

    arrow = {int: pa.int64(), float: pa.float64(), str: pa.string(), type(None): pa.null()}
    if not found <= arrow.keys():
        raise BadInput(f"column {name!r} holds bytes, which are not read", "leave it out of the query")
    kinds = ({arrow[kind] for kind in found} | {known}) - {pa.null()}
    if len(kinds) > 1 and pa.string() in kinds:
        raise BadInput(f"column {name!r} holds numbers and text", f'CAST it in the query, as in CAST("{name}" AS TEXT)')
    return pa.float64() if len(kinds) > 1 else next(iter(kinds), pa.null())


def _fetched(cursor: Any, schema: Any, text: tuple[int, ...] = ()) -> Tables:
    import pyarrow as pa

    yield schema.empty_table()
    while some := cursor.fetchmany(FETCH_ROWS):
        columns = [list(values) for values in zip(*some, strict=True)]
        for place in text:
            columns[place] = [value if value is None else str(value) for value in columns[place]]
        for place, kind in enumerate(schema.types):
            if pa.types.is_floating(kind):
                columns[place] = [value if value is None else float(value) for value in columns[place]]
        yield pa.Table.from_arrays(
            [pa.array(c, kind) for c, kind in zip(columns, schema.types, strict=True)], schema=schema
        )


@contextmanager
def duckdb(path: Path, query: str) -> Iterator[Tables]:
    """A DuckDB file. Raises BadInput where the extra `duckdb` is not installed."""
    try:
        import duckdb as engine
    except ImportError:
        raise BadInput("the package duckdb is not installed", "pip install 'tocsin[duckdb]'") from None
    try:
        with engine.connect(str(path), read_only=True, config={"enable_external_access": "false"}) as connection:
            yield _batches(connection.execute(query))
    except engine.Error as error:
        raise _refused(error) from error


def _batches(result: Any) -> Tables:
    import pyarrow as pa

    reader = result.to_arrow_reader(FETCH_ROWS)
    _names([(name,) for name in reader.schema.names])
    yield reader.schema.empty_table()
    for batch in reader:
        yield pa.Table.from_batches([batch])


@contextmanager
def postgresql(where: Mapping[str, Any], password: str | None, query: str) -> Iterator[Tables]:
    """A PostgreSQL database, by a cursor on its side. Raises BadInput where the extra `postgres` is not installed,
    RemoteUnreachable where it does not answer or refuses the user.
    """
    try:
        import psycopg
    except ImportError:
        raise BadInput("the package psycopg is not installed", "pip install 'tocsin[postgres]'") from None
    try:
        connection = psycopg.connect(**where, password=password, connect_timeout=10)
    except psycopg.OperationalError as error:
        said = str(error).splitlines()[0]
        raise RemoteUnreachable(f"{where['host']} does not let us in: {said}", "check address and password") from error
    try:
        with connection:
            connection.read_only = True
            with connection.cursor(name="tocsin") as cursor:
                cursor.execute(query.encode())
                yield _served(cursor)
    except psycopg.Error as error:
        raise _refused(error) from error


def _served(cursor: Any) -> Tables:
    import pyarrow as pa

    names = _names(cursor.description)
    kinds = [_arrow(column.type_code) for column in cursor.description]
    texts = tuple(place for place, kind in enumerate(kinds) if pa.types.is_string(kind))
    yield from _fetched(cursor, pa.schema(list(zip(names, kinds, strict=True))), texts)


def _arrow(code: int) -> Any:
    import pyarrow as pa

    if code in INTEGERS:
        return pa.int64()
    if code in FLOATS:
        return pa.float64()
    known = {BOOLEAN: pa.bool_(), DATE: pa.date32(), TIME: pa.timestamp("us"), ZONED: pa.timestamp("us", "UTC")}
    return known.get(code, pa.string())


def _names(description: Any) -> list[str]:
    if description is None:
        raise BadInput("the query returns no rows", QUERY_HINT)
    names = [str(column[0]) for column in description]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"the query returns two columns called {name!r}", f"rename one: AS {name}_2")
    return names


def _refused(error: Exception) -> BadInput:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadInput(f"the query cannot be run: {first}", QUERY_HINT)
