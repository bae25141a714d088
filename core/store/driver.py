"""The one module that imports an SQLite driver, and knows which library versions are safe in WAL mode."""

from __future__ import annotations

import importlib
from types import ModuleType


def _load() -> ModuleType:
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3")


# pysqlite3 bundles a current library; its exceptions are not subclasses of sqlite3's, so everyone takes them from here.
dbapi = _load()

Error: type[Exception] = dbapi.Error
OperationalError: type[Exception] = dbapi.OperationalError
IntegrityError: type[Exception] = dbapi.IntegrityError
DatabaseError: type[Exception] = dbapi.DatabaseError
library_version: str = dbapi.sqlite_version


def wal_is_safe(version: str) -> bool:
    """Whether a library version is free of the WAL-reset bug.

    From 3.7.0 to 3.51.2 a checkpoint can race a commit of another connection and corrupt the file; the fix is in
    3.51.3 and was ported back to 3.50.7 and 3.44.6 (SQLite release notes).
    """
    parts = tuple(int(part) for part in version.split(".")[:3])
    return parts >= (3, 51, 3) or (3, 50, 7) <= parts < (3, 51, 0) or (3, 44, 6) <= parts < (3, 45, 0)
