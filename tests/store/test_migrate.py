from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from core import ledger
from core.desk import Desk
from core.errors import StoreUnusable
from core.home import Home
from core.ledger.chain import key_of
from core.store import Store, driver
from core.store.before import KEPT, kept_copies, sum_path
from core.store.copy import StoreCopy
from core.store.migrate import SCHEMA_VERSION, statements

EVENT = ("at_us", "recorded_us", "actor", "kind")


def first_schema(home: Home) -> None:
    """A store as the first version of tocsin left it, with one incident and one event."""
    home.prepare()
    connection = driver.dbapi.connect(str(home.store_path), isolation_level=None)
    script = (resources.files("core.store") / "migrations" / "0001_first.sql").read_text("utf-8")
    migrations = Migrations("tocsin")

    @migrations(name="0001_first")
    def _first(database: Database) -> None:
        for statement in statements(script):
            database.conn.execute(statement)

    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute("PRAGMA user_version=1")
    connection.row_factory = driver.dbapi.Row
    from core.store import Tx

    key = key_of(home)
    ledger.append(Tx(connection), key, at_us=1, recorded_us=1, actor="ana", kind="incident.noted", data={"text": "hm"})
    connection.close()


def test_a_store_of_the_first_schema_is_copied_checked_and_then_migrated(home: Home) -> None:
    first_schema(home)
    store = Store(home)
    assert store.read("PRAGMA user_version")[0]["user_version"] == SCHEMA_VERSION
    (copy,) = kept_copies(home)
    assert sum_path(copy).read_text() == f"{hashlib.sha256(copy.read_bytes()).hexdigest()}  {copy.name}\n"
    opened = StoreCopy(copy)
    assert opened.check() == 1
    assert ledger.verify(opened, key_of(home)).events == 1
    assert ledger.verify(store, key_of(home)).events == 1
    Store(home).close()
    assert kept_copies(home) == [copy]


def test_a_new_home_has_nothing_to_copy(desk: Desk) -> None:
    assert kept_copies(desk.home) == []


def test_without_a_sound_copy_nothing_is_migrated(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first_schema(home)
    monkeypatch.setattr(StoreCopy, "check", _damaged)
    with pytest.raises(StoreUnusable, match="a page is damaged"):
        Store(home)
    raw = StoreCopy(home.store_path)
    assert raw.read("PRAGMA user_version")[0]["user_version"] == 1
    assert kept_copies(home) == []


def _damaged(copy: StoreCopy) -> int:
    raise StoreUnusable("a page is damaged")


def test_only_the_newest_copies_are_kept(home: Home) -> None:
    for _ in range(KEPT + 2):
        for path in home.path.glob("tocsin.db*"):
            Path(path).unlink()
        first_schema(home)
        Store(home).close()
    kept = kept_copies(home)
    assert [copy.name for copy in kept] == [f"schema-{number:04d}-from-1.db" for number in range(3, KEPT + 3)]
    assert all(sum_path(copy).exists() for copy in kept)
    assert len(list(home.backups_path.iterdir())) == 2 * KEPT
