"""Open the store, read from it, and write to it one short ticketed transaction at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from core import crashpoint
from core.errors import StoreUnusable, TocsinError
from core.home import Home, home_error
from core.store import driver
from core.store.migrate import SCHEMA_VERSION, migrate

# Released when the disk is full, so that a clean-up still finds room to commit.
BALLAST_BYTES = 1 << 20
# The reserve is made only where so much is free: it must not take what a clean-up needs.
ROOM_BYTES = 4 * BALLAST_BYTES

Row: TypeAlias = Mapping[str, Any]
Params: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Reads(Protocol):
    """Anything that answers a query: the store, an open transaction, a copy."""

    def read(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a query."""
        ...


class Tx:
    """One open write transaction; row functions take it, only `Store.write` ends it. `actor` is who it is made for."""

    def __init__(self, connection: Any, actor: str = "") -> None:
        self._connection = connection
        self.actor = actor

    def execute(self, sql: str, params: Params = ()) -> Any:
        """Run one statement and hand back its cursor (`.rowcount`, `.lastrowid`)."""
        return self._connection.execute(sql, params)

    def executemany(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for each row of parameters."""
        self._connection.executemany(sql, rows)

    def read(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a query, seeing what this transaction has written."""
        rows: list[Row] = self._connection.execute(sql, params).fetchall()
        return rows

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row of a query, or None."""
        rows = self.read(sql, params)
        return rows[0] if rows else None


class Store:
    """The SQLite file of a home.

    Each thread has connections of its own. Reads are short and fetch everything, because an unfinished cursor pins
    the write-ahead log. A newer schema, and a read-only file system, open for reading alone.
    """

    def __init__(self, home: Home, *, read_only: bool = False) -> None:
        self.home = home
        self._local = threading.local()
        self.read_only = read_only
        self._prepare()

    def _prepare(self) -> None:
        path = self.home.store_path
        if self.read_only:
            if not path.exists():
                raise StoreUnusable(f"there is no store at {path}", "run a writing command first, or choose --home")
        else:
            self.home.prepare()
            self._require_writable()
            self._try_ballast()
        try:
            version = int(self._reader().execute("PRAGMA user_version").fetchone()[0]) if path.exists() else 0
            if version > SCHEMA_VERSION:
                self.read_only = True
            elif version < SCHEMA_VERSION and not self.read_only:
                with self._ticket():
                    self._upgrade()
        except driver.Error as error:
            raise self._translate(error) from error

    def _upgrade(self) -> None:
        from core.store.before import keep_copy

        version = int(self._writer().execute("PRAGMA user_version").fetchone()[0])
        if 0 < version < SCHEMA_VERSION:
            keep_copy(self._writer(), self.home, version)
        migrate(self._writer())

    def copy_to(self, target: Path) -> str:
        """Copy what is committed to a new file and check the copy; returns its SHA-256. Raises as `copy_store`."""
        from core.store.copy import copy_store

        return copy_store(self._reader(), target)

    def _require_writable(self) -> None:
        path = self.home.store_path
        for target in (self.home.path, path, self.home.lock_path("writer")):
            if target.exists() and not os.access(target, os.W_OK):
                raise home_error(self.home.path, PermissionError(errno.EACCES, "Permission denied"))

    def has_ballast(self) -> bool:
        """Whether the file is there that is given up when the disk is full."""
        try:
            return self._ballast.stat().st_size == BALLAST_BYTES
        except FileNotFoundError:
            return False

    def keep_ballast(self) -> None:
        """Make that file where it is gone. Raises StoreUnusable where the disk says no; then nothing is taken of it."""
        try:
            if not self.has_ballast():
                self._ballast.write_bytes(b"\0" * BALLAST_BYTES)
        except OSError as error:
            self._release_ballast()
            raise home_error(self.home.path, error) from error

    def _try_ballast(self) -> None:
        # A home on a full disk is opened without its reserve: what makes room again has to begin somewhere.
        if self.has_ballast() or free_bytes(self.home.path) >= ROOM_BYTES:
            self.keep_ballast()

    @property
    def _ballast(self) -> Path:
        return self.home.path / "ballast"

    def read(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a query. Raises StoreUnusable where the file cannot be read."""
        try:
            rows: list[Row] = self._reader().execute(sql, params).fetchall()
        except driver.Error as error:
            raise self._translate(error) from error
        return rows

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row of a query, or None."""
        rows = self.read(sql, params)
        return rows[0] if rows else None

    def data_version(self) -> int:
        """A number that changes when another connection has committed: microseconds to ask, so it can be polled."""
        return int(self.read("PRAGMA data_version")[0]["data_version"])

    def used_bytes(self) -> int:
        """What the pages in use take; free pages are filled again before the file grows."""
        pages = [int(next(iter(dict(self.read(f"PRAGMA {n}")[0]).values()))) for n in ("page_count", "freelist_count")]
        return (pages[0] - pages[1]) * int(self.read("PRAGMA page_size")[0]["page_size"])

    def log_bytes(self) -> int:
        """The length of the write-ahead log; 0 where there is none."""
        try:
            return self.home.store_path.with_name(f"{self.home.store_path.name}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def checkpoint(self) -> bool:
        """Write the log back into the store's file and cut it to nothing; False where a reader still needs it.

        Writers wait at the ticket meanwhile; what can be written back is, whoever reads. Raises StoreUnusable.
        """
        with self._ticket():
            try:
                writer = self._writer()
                writer.execute("PRAGMA busy_timeout=500")
                row = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                writer.execute("PRAGMA busy_timeout=5000")
            except driver.Error as error:
                raise self._translate(error) from error
        return not row["busy"]

    @contextmanager
    def write(self, actor: str = "") -> Iterator[Tx]:
        """One transaction: the ticket, BEGIN IMMEDIATE, the body, COMMIT; rolled back on any exception.

        The ticket is a file lock that queues writers fairly, which SQLite's own busy handler does not.
        Raises StoreUnusable (read-only, disk full, damaged); what was half written is gone.
        """
        if self.read_only:
            raise StoreUnusable(
                "the store is open for reading only",
                "its schema is newer than this program, or its disk is read-only: upgrade tocsin or choose --home",
            )
        with self._ticket():
            connection = self._writer()
            try:
                connection.execute("BEGIN IMMEDIATE")
                crashpoint.at("store.begun")
                yield Tx(connection, actor)
                crashpoint.at("store.committing")
                connection.execute("COMMIT")
                crashpoint.at("store.committed")
            except BaseException as error:
                self._roll_back(connection)
                if isinstance(error, driver.Error) and not isinstance(error, driver.IntegrityError):
                    raise self._translate(error) from error
                raise

    def _roll_back(self, connection: Any) -> None:
        # A full disk may already have ended the transaction: then there is nothing to roll back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    @contextmanager
    def _ticket(self) -> Iterator[None]:
        if getattr(self._local, "held", False):
            raise RuntimeError("a write transaction is already open in this thread")
        try:
            handle = os.open(self.home.lock_path("writer"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise home_error(self.home.path, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._local.held = True
            yield
        finally:
            self._local.held = False
            os.close(handle)

    def _reader(self) -> Any:
        if not hasattr(self._local, "reader"):
            self._local.reader = self._connect(reading=True)
        return self._local.reader

    def _writer(self) -> Any:
        if not hasattr(self._local, "writer"):
            self._local.writer = self._connect(reading=False)
        return self._local.writer

    def _connect(self, *, reading: bool) -> Any:
        uri = f"file:{_quoted(str(self.home.store_path))}?{self._mode()}"
        connection = driver.dbapi.connect(uri, uri=True, isolation_level=None, timeout=5.0, check_same_thread=False)
        connection.row_factory = driver.dbapi.Row
        journal = "WAL" if driver.wal_is_safe(driver.library_version) else "DELETE"
        if not self.read_only:
            connection.execute(f"PRAGMA journal_mode={journal}")
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "trusted_schema=OFF",
            "journal_size_limit=67108864",
            f"query_only={'ON' if reading else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _mode(self) -> str:
        """How the file is opened. On a read-only disk SQLite cannot make the files that readers share: where no log
        waits to be read, the file is then opened as one that nobody changes.
        """
        if not self.read_only:
            return "mode=rwc"
        log = self.home.store_path.with_name(f"{self.home.store_path.name}-wal")
        waits = log.exists() and log.stat().st_size > 0
        return "mode=ro" if waits or os.access(self.home.path, os.W_OK) else "mode=ro&immutable=1"

    def _translate(self, error: Exception) -> TocsinError:
        text = str(error)
        if "full" in text or "disk I/O error" in text:
            self._release_ballast()
            return home_error(self.home.path, OSError(errno.ENOSPC, text))
        if "locked" in text:
            return StoreUnusable("another process has held the store for over five seconds", "see `tocsin doctor`")
        if "not a database" in text or "malformed" in text:
            return StoreUnusable(f"the store {self.home.store_path} is damaged: {text}", "restore a backup")
        return StoreUnusable(f"the store {self.home.store_path} cannot be used: {text}", "see `tocsin doctor`")

    def _release_ballast(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Close this thread's connections."""
        for name in ("reader", "writer"):
            connection = getattr(self._local, name, None)
            if connection is not None:
                connection.close()
                delattr(self._local, name)


def free_bytes(folder: Path) -> int:
    """What can still be written to the disk that holds a folder. Raises StoreUnusable."""
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise home_error(folder, error) from error
    return found.f_bavail * found.f_frsize


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)
