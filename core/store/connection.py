"""Open the store, read from it, and write to it one short ticketed transaction at a time."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from core import crashpoint
from core.errors import CheckFailed, StoreUnusable, TocsinError
from core.home import Home, home_error
from core.store import driver, ticket
from core.store.ballast import Ballast
from core.store.migrate import SCHEMA_VERSION, migrate
from core.store.opening import log_path, opened

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

    def __init__(self, home: Home, *, read_only: bool = False, secret: str = "") -> None:
        self.home = home
        self.secret = secret
        self._local = threading.local()
        self.read_only = read_only
        self.ballast = Ballast(home)
        self._prepare()

    def _prepare(self) -> None:
        path = self.home.store_path
        if self.read_only:
            if not path.exists():
                raise StoreUnusable(f"there is no store at {path}", "run a writing command first, or choose --home")
        else:
            self.home.prepare()
            self._require_writable()
            # A home on a full disk is opened without its reserve: what makes room has to begin somewhere.
            with suppress(CheckFailed):
                self.ballast.keep()
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
            keep_copy(self._writer(), self.home, version, self._own_secret)
        migrate(self._writer())

    @property
    def _own_secret(self) -> str:
        # A store that is still plain is copied plain, though its settings name a key already.
        return "" if driver.is_plain(self.home.store_path) else self.secret

    def copy_to(self, target: Path) -> str:
        """Copy what is committed to a new file and check the copy; returns its SHA-256. Raises as `copy_store`."""
        from core.store.copy import copy_store

        return copy_store(self._reader(), target, self._own_secret)

    def _require_writable(self) -> None:
        path = self.home.store_path
        for target in (self.home.path, path, self.home.lock_path("writer")):
            if target.exists() and not os.access(target, os.W_OK):
                raise home_error(self.home.path, PermissionError(errno.EACCES, "Permission denied"))

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

    def log_bytes(self) -> int:
        """The length of the write-ahead log; 0 where there is none."""
        try:
            return log_path(self.home).stat().st_size
        except FileNotFoundError:
            return 0

    def checkpoint(self) -> bool:
        """Write the log back into the store's file and cut it to nothing; False where a reader still needs it.

        Writers wait at the ticket meanwhile; what can be written back is, whoever reads. Raises StoreUnusable.
        """
        with self.alone() as writer:
            writer.execute("PRAGMA busy_timeout=500")
            row = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            writer.execute("PRAGMA busy_timeout=5000")
        return not row["busy"]

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """The writing connection outside a transaction, while every other writer waits. Raises StoreUnusable."""
        with self._ticket():
            try:
                yield self._writer()
            except driver.Error as error:
                raise self._translate(error) from error

    @contextmanager
    def write(self, actor: str = "") -> Iterator[Tx]:
        """One transaction: the ticket, BEGIN IMMEDIATE, the body, COMMIT; rolled back on any exception.

        Raises StoreUnusable (read-only, disk full, damaged, held by a process that was stopped); what was half
        written is gone.
        """
        if self.read_only:
            raise StoreUnusable(
                "the store is open for reading only",
                "its schema is newer than this program, or its disk is read-only: upgrade tocsin or choose --home",
            )
        with self._ticket():
            connection = self._writer()
            self._require_same_file()
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

    def _require_same_file(self) -> None:
        # Somebody who restored or encrypted the store has put another file in its place: to this one nobody looks.
        if self.home.store_path.stat().st_ino != self._local.file:
            raise StoreUnusable("the store's file was replaced meanwhile", "end this command and start it again")

    def _roll_back(self, connection: Any) -> None:
        # A full disk may already have ended the transaction: then there is nothing to roll back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    @contextmanager
    def _ticket(self) -> Iterator[None]:
        if getattr(self._local, "held", False):
            raise RuntimeError("a write transaction is already open in this thread")
        handle = ticket.take(self.home.lock_path("writer"))
        try:
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
            self._local.file = self.home.store_path.stat().st_ino
        return self._local.writer

    def _connect(self, *, reading: bool) -> Any:
        return opened(self.home, reading=reading, read_only=self.read_only, secret=self.secret)

    def _translate(self, error: Exception) -> TocsinError:
        text = str(error)
        if "full" in text or "disk I/O error" in text:
            self.ballast.release()
            return home_error(self.home.path, OSError(errno.ENOSPC, text))
        if "locked" in text:
            return StoreUnusable("another process has held the store for over five seconds", "see `tocsin doctor`")
        if "not a database" in text or "malformed" in text:
            return self._unreadable(text)
        return StoreUnusable(f"the store {self.home.store_path} cannot be used: {text}", "see `tocsin doctor`")

    def _unreadable(self, text: str) -> StoreUnusable:
        path = self.home.store_path
        if self.secret and not driver.is_plain(path):
            return StoreUnusable(
                f"the store {path} is not opened by the key of store_key_ref ({text})",
                "name the key it was encrypted with in settings.toml; if it is the right one, restore a backup",
            )
        return StoreUnusable(
            f"the store {path} is damaged: {text}",
            "restore a backup; if it is encrypted, name its key as store_key_ref in settings.toml",
        )

    def close(self) -> None:
        """Close this thread's connections."""
        for name in ("reader", "writer"):
            connection = getattr(self._local, name, None)
            if connection is not None:
                connection.close()
                delattr(self._local, name)
