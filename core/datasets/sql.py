"""The rows of a query against SQLite, DuckDB or PostgreSQL, read in a read-only transaction and kept as Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from core.access.secrets import resolve
from core.datasets import databases
from core.datasets.formats import PIECE_ROWS
from core.datasets.load import write_parquet
from core.datasets.source import Source
from core.errors import BadInput, NotFound
from core.store import Blobs

if TYPE_CHECKING:
    import pyarrow

KINDS = {"sqlite": "sqlite", "duckdb": "duckdb", "postgresql": "postgresql", "postgres": "postgresql"}
FORMS = "write sqlite:///FILE, duckdb:///FILE or postgresql://USER:env:NAME@HOST/DATABASE"


@dataclass(frozen=True)
class Database:
    """An address: `file` of SQLite and DuckDB, else the server's; `password` is a reference to a secret, or empty."""

    kind: str
    file: Path
    host: str = ""
    port: int = 5432
    user: str = ""
    password: str = ""

    @property
    def told(self) -> str:
        """The address as it is recorded: without user and password."""
        return f"postgresql://{self.host}:{self.port}/{self.file}" if self.host else f"{self.kind}:///{self.file}"


def is_address(text: str) -> bool:
    """Whether a text is the address of a database and no path."""
    return "://" in text


def database(address: str) -> Database:
    """The database at an address. Raises BadInput for another form, or a password that is no reference."""
    parts = urlsplit(address)
    kind = KINDS.get(parts.scheme)
    if kind is None or parts.path in ("", "/"):
        raise BadInput("that is no address of a database that can be read", FORMS)
    if kind != "postgresql":
        return Database(kind, Path(unquote(parts.path.removeprefix("/"))))
    return _server(parts)


def _server(parts: SplitResult) -> Database:
    password = unquote(parts.password or "")
    if password and not password.startswith(("env:", "file:", "keyring:")):
        # It may be the password itself: it is not repeated.
        raise BadInput("the address holds a password", "refer to one: postgresql://USER:env:NAME@HOST/DATABASE")
    try:
        port = parts.port or 5432
    except ValueError:
        raise BadInput("the address has a port that is no number", FORMS) from None
    name = Path(parts.path.removeprefix("/"))
    return Database("postgresql", name, parts.hostname or "localhost", port, parts.username or "", password)


@contextmanager
def queried(blobs: Blobs, address: str, query: str) -> Iterator[Source]:
    """Run a query and hand out its rows as a source, whose hash is of the rows in the order they came.

    Raises BadInput where the address, the query or a value cannot be used, NotFound where there is no database.
    """
    found = database(address)
    with blobs.part() as place, _rows(found, query) as tables:
        digest = hashlib.sha256()
        write_parquet(place, _hashing(tables, digest))
        yield Source(found.file, place, digest.hexdigest(), told=f"{found.told}: {query}", rows_only=True)


@contextmanager
def _rows(found: Database, query: str) -> Iterator[Iterator[pyarrow.Table]]:
    if found.kind == "postgresql":
        secret = resolve(found.password) if found.password else None
        where = {"host": found.host, "port": found.port, "dbname": str(found.file), "user": found.user or None}
        with databases.postgresql(where, secret, query) as tables:
            yield tables
        return
    path = found.file.expanduser()
    if not path.is_file():
        raise NotFound(f"there is no file {path}", "an absolute path has four slashes: sqlite:////data/orders.db")
    with getattr(databases, found.kind)(path, query) as tables:
        yield tables


def _hashing(tables: Iterator[pyarrow.Table], digest: Any) -> Iterator[pyarrow.Table]:
    """The same tables, while their names, types and values go into a digest however the rows are cut."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for table in tables:
        for name in table.column_names:
            columns.setdefault(name, hashlib.sha256(f"{name}\0{table.schema.field(name).type}\0".encode()))
            for start in range(0, table.num_rows, PIECE_ROWS):
                chunk = pa.concat_arrays(table.column(name).slice(start, PIECE_ROWS).chunks)
                _add(columns[name], chunk)
        yield table
    for each in columns.values():
        digest.update(each.digest())


def _add(digest: Any, array: Any) -> None:
    """The values of an array: which are there, and each as eight bytes, or as text with its length."""
    import pyarrow as pa

    digest.update(array.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
    present = array.drop_null()
    if pa.types.is_integer(present.type) or pa.types.is_floating(present.type):
        digest.update(present.to_numpy(zero_copy_only=False).tobytes())
        return
    for text in present.cast(pa.string()).to_pylist():
        plain = text.encode()
        digest.update(len(plain).to_bytes(8, "little") + plain)
