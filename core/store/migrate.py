"""Bring a store to the newest schema, all or nothing, whoever else starts at the same moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core import crashpoint
from core.store import driver

APPLICATION_ID = 0x70C51D
FOLDER = Path(__file__).with_name("migrations")
# A store's version is how many migrations it has had.
SCHEMA_VERSION = sum(name.endswith(".sql") for name in os.listdir(FOLDER))


def migrate(connection: Any) -> None:
    """Apply every pending migration inside one BEGIN IMMEDIATE, then stamp the file with its version.

    sqlite-utils keeps the record of what was applied. The immediate transaction is taken first, because two
    processes that start together would otherwise both find the same migration pending.
    """
    from sqlite_utils import Database

    connection.execute("BEGIN IMMEDIATE")
    try:
        _migrations().apply(Database(connection, execute_plugins=False))
        crashpoint.at("migrate.applied")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        crashpoint.at("migrate.committing")
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may already have ended the transaction.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrations() -> Any:
    from sqlite_utils import Migrations

    migrations = Migrations("tocsin")
    for file in sorted(FOLDER.glob("*.sql")):
        migrations(name=file.stem)(_running(file.read_text("utf-8")))
    return migrations


def _running(script: str) -> Callable[[Any], None]:
    def run(database: Any) -> None:
        for statement in statements(script):
            database.conn.execute(statement)
        crashpoint.at("migrate.step")

    return run


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one (`executescript` would commit the transaction it runs in)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if driver.dbapi.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
