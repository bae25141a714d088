"""A whole copy of the store at one instant, taken while others write, and proof that it is sound."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.errors import StoreUnusable
from core.home import home_error
from core.store import driver
from core.store.connection import Params, Row

CHUNK = 1 << 20


class StoreCopy:
    """A store's file that nobody writes: opened for reading alone, leaving no file beside it."""

    def __init__(self, path: Path, secret: str = "") -> None:
        self.path = path
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
        self._connection = driver.connect(path, uri, secret, uri=True)

    def read(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a query. Raises StoreUnusable where the file cannot be read."""
        try:
            rows: list[Row] = self._connection.execute(sql, params).fetchall()
        except driver.Error as error:
            raise StoreUnusable(f"{self.path.name} is damaged: {error}", "use another copy") from error
        return rows

    def check(self) -> int:
        """The copy's schema version. Raises StoreUnusable where SQLite or the foreign keys find damage."""
        lines = [str(next(iter(dict(row).values()))) for row in self.read("PRAGMA integrity_check(5)")]
        if lines != ["ok"]:
            raise StoreUnusable(f"{self.path.name} is damaged: {'; '.join(lines)}", "use another copy")
        if broken := self.read("PRAGMA foreign_key_check"):
            raise StoreUnusable(f"{self.path.name}: {len(broken)} rows point to rows that do not exist", "use another")
        return int(self.read("PRAGMA user_version")[0]["user_version"])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def copy_store(connection: Any, target: Path, secret: str = "") -> str:
    """Copy what is committed now to a new file, flushed to disk, and check the copy; returns its SHA-256.

    One step of the online backup API: readers and, with a write-ahead log, writers go on meanwhile. Raises
    StoreUnusable where the disk is full or the copy is not sound; nothing is then left at the target.
    """
    try:
        _copy_pages(connection, target, secret)
        copied = StoreCopy(target, secret)
        try:
            copied.check()
        finally:
            copied.close()
        return hash_file(target)
    except driver.Error as error:
        target.unlink(missing_ok=True)
        raise StoreUnusable(f"the store cannot be copied to {target}: {error}", "free some space there") from error
    except OSError as error:
        target.unlink(missing_ok=True)
        raise home_error(target.parent, error) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _copy_pages(connection: Any, target: Path, secret: str) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    copy = driver.connect(target, str(target), secret)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    with open(target, "rb") as written:
        os.fsync(written.fileno())


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, read a piece at a time."""
    digest = hashlib.sha256()
    with open(path, "rb") as content:
        while piece := content.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
