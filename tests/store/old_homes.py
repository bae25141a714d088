"""Homes as earlier versions of tocsin left them: every table of their schema has rows, and the ledger verifies."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from sqlite_utils import Database, Migrations

from core import ledger
from core.home import Home
from core.ledger.chain import key_of
from core.store import Tx, driver
from core.store.migrate import SCHEMA_VERSION, statements

OLD = range(1, SCHEMA_VERSION)
ROWS = 3
ONE_NAME = re.compile(r"CHECK\(\w+ = '")
TABLES = """SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%' AND name <> 'event'
ORDER BY name"""

Content = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


def old_home(home: Home, version: int) -> Content:
    """Make a home of an earlier schema; returns what each of its tables holds."""
    home.prepare()
    connection = driver.dbapi.connect(str(home.store_path), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL" if driver.wal_is_safe(driver.library_version) else "SELECT 1")
    migrations = Migrations("tocsin")
    folder = resources.files("core.store") / "migrations"
    for file in sorted(folder.iterdir(), key=lambda each: each.name)[:version]:
        migrations(name=file.name.removesuffix(".sql"))(_running(file.read_text("utf-8")))
    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA user_version={version}")
    _fill(connection, home)
    content = content_of(connection)
    connection.close()
    return content


def _running(script: str) -> Any:
    def run(database: Database) -> None:
        for statement in statements(script):
            database.conn.execute(statement)

    return run


def _fill(connection: Any, home: Home) -> None:
    connection.execute("BEGIN")
    for table, sql in connection.execute(TABLES).fetchall():
        if table == "clock_jump":
            continue
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        names = ", ".join(column[1] for column in columns)
        # A table of named rules has a row for each, and no more.
        for number in range(1, 2 if ONE_NAME.search(sql) else ROWS + 1):
            values = [_value(sql, column[1], column[2], number) for column in columns]
            connection.execute(f"INSERT INTO {table}({names}) VALUES ({', '.join('?' * len(values))})", values)
    connection.row_factory = driver.dbapi.Row
    for number in range(1, ROWS + 1):
        fields = {"at_us": number, "recorded_us": number, "actor": "ana", "incident": number}
        ledger.append(Tx(connection), key_of(home), kind="incident.noted", data={"text": f"note {number}"}, **fields)
    connection.row_factory = None
    connection.execute("COMMIT")


def _value(sql: str, column: str, kind: str, number: int) -> Any:
    """A value that the column's checks allow; keys of one number fit each other in all tables."""
    if kind == "BLOB":
        return bytes([number])
    only = re.search(rf"CHECK\({column} = '([^']*)'\)", sql)
    if only:
        return only[1]
    choices = re.search(rf"\b{column} IN \(([^)]*)\)", sql)
    if choices:
        first = choices[1].split(",")[0].strip(" '")
        return int(first) if kind == "INTEGER" else first
    if kind in ("INTEGER", "REAL"):
        return number + 1 if f"CHECK({column} > " in sql else number
    return f'{{"n": {number}}}' if f"json_valid({column})" in sql else f"t{number}"


def content_of(connection: Any, like: Content | None = None) -> Content:
    """What each table holds, in its columns or, with `like`, in those that were there before."""
    tables = like or {row[0]: ([], []) for row in [*connection.execute(TABLES).fetchall(), ("event",)]}
    found: Content = {}
    for table, (named, _) in tables.items():
        columns = named or [row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(columns)}").fetchall()
        found[table] = (columns, [tuple(row) for row in rows])
    return found
