"""A connection to a home's store, with the pragmas that everybody has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.home import Home
from core.store import driver

PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "trusted_schema=OFF",
    "journal_size_limit=67108864",
)


def opened(home: Home, *, reading: bool, read_only: bool, secret: str) -> Any:
    """A new connection; one for `reading` refuses to write. Raises the driver's errors."""
    uri = f"file:{quote(str(home.store_path))}?{_mode(home, read_only)}"
    new = not (home.store_path.exists() and home.store_path.stat().st_size)
    connection = driver.connect(home.store_path, uri, secret, uri=True, timeout=5.0, check_same_thread=False)
    if new:
        # What is free can then be given back bit by bit; said to a file that has pages already it would be a write.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    if not read_only:
        connection.execute(f"PRAGMA journal_mode={driver.journal(home.store_path, secret)}")
    for pragma in (*PRAGMAS, f"query_only={'ON' if reading else 'OFF'}"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _mode(home: Home, read_only: bool) -> str:
    """How the file is opened. On a read-only disk SQLite cannot make the files that readers share: where no log
    waits to be read, the file is then opened as one that nobody changes.
    """
    if not read_only:
        return "mode=rwc"
    log = log_path(home)
    waits = log.exists() and log.stat().st_size > 0
    return "mode=ro" if waits or os.access(home.path, os.W_OK) else "mode=ro&immutable=1"


def log_path(home: Home) -> Path:
    """Where the write-ahead log is while there is one."""
    return home.store_path.with_name(f"{home.store_path.name}-wal")
