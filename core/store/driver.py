"""The one module that imports SQLite drivers, and knows which library versions are safe in WAL mode."""

from __future__ import annotations

import hashlib
import importlib
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from core.errors import BadInput, StoreUnusable

# How the file of a store begins that is not encrypted.
PLAIN = b"SQLite format 3\0"
# A store's key is derived from a secret without a slow function, so the secret itself must not be guessable.
SECRET_AT_LEAST = 32


def _load() -> ModuleType:
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3")


# pysqlite3 bundles a current library; no driver's exceptions are subclasses of another's, so everyone takes them here.
dbapi = _load()

Error: tuple[type[Exception], ...] = (dbapi.Error,)
IntegrityError: tuple[type[Exception], ...] = (dbapi.IntegrityError,)
library_version: str = dbapi.sqlite_version


@lru_cache(maxsize=1)
def cipher() -> ModuleType:
    """The driver that reads encrypted stores. Raises StoreUnusable where it is not installed."""
    global Error, IntegrityError
    try:
        found = importlib.import_module("sqlcipher3.dbapi2")
    except ImportError:
        raise StoreUnusable(
            "the store is to be encrypted, and the package sqlcipher3 is not installed", "pip install 'tocsin[cipher]'"
        ) from None
    Error += (found.Error,)
    IntegrityError += (found.IntegrityError,)
    return found


def is_plain(path: Path) -> bool:
    """Whether a file begins as a store that is not encrypted; False for one that is missing or empty."""
    try:
        with open(path, "rb") as content:
            return content.read(len(PLAIN)) == PLAIN
    except OSError:
        return False


def module_for(path: Path, secret: str) -> ModuleType:
    """The driver for a store's file: a plain file is read without the secret, which its settings may name already."""
    return cipher() if secret and not is_plain(path) else dbapi


def connect(path: Path, target: str, secret: str, **options: Any) -> Any:
    """Connect to `target`, the name or URI of the store at `path`, with the key of `secret`; empty for none.

    Raises BadInput for a secret that is too short, StoreUnusable where the driver is missing, and the driver's errors.
    """
    module = module_for(path, secret)
    connection = module.connect(target, isolation_level=None, **options)
    connection.row_factory = module.Row
    if module is not dbapi:
        connection.execute(f'PRAGMA key = "{key_of(secret)}"')
    return connection


def key_of(secret: str) -> str:
    """The key of a secret as SQLCipher takes a raw one. Raises BadInput for a secret that could be guessed."""
    if len(secret) < SECRET_AT_LEAST:
        raise BadInput(
            f"the store's key has {len(secret)} characters, and needs {SECRET_AT_LEAST} random ones",
            "let `tocsin store encrypt --key-ref file:PATH` make one",
        )
    return f"x'{hashlib.sha256(b'tocsin store|' + secret.encode()).hexdigest()}'"


def journal(path: Path, secret: str) -> str:
    """The journal that a store may use with the library that reads it: WAL, or DELETE where that could corrupt it."""
    return "WAL" if wal_is_safe(module_for(path, secret).sqlite_version) else "DELETE"


def wal_is_safe(version: str) -> bool:
    """Whether a library version is free of the WAL-reset bug.

    From 3.7.0 to 3.51.2 a checkpoint can race a commit of another connection and corrupt the file; the fix is in
    3.51.3 and was ported back to 3.50.7 and 3.44.6 (SQLite release notes).
    """
    parts = tuple(int(part) for part in version.split(".")[:3])
    return parts >= (3, 51, 3) or (3, 50, 7) <= parts < (3, 51, 0) or (3, 44, 6) <= parts < (3, 45, 0)
