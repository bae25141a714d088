from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.desk import Desk
from core.errors import NotAllowed, NotFound, StoreUnusable
from core.home import Home
from core.settings import Settings
from core.store import Blobs, Store, driver
from core.store.migrate import statements


@pytest.mark.parametrize(
    ("version", "safe"),
    [("3.40.1", False), ("3.44.6", True), ("3.45.0", False), ("3.50.7", True), ("3.51.2", False), ("3.51.3", True)],
)
def test_the_version_gate_knows_where_the_wal_reset_bug_is_fixed(version: str, safe: bool) -> None:
    assert driver.wal_is_safe(version) is safe


def test_a_connection_has_the_promised_pragmas(desk: Desk) -> None:
    asked = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "trusted_schema")
    found = [desk.store.read(f"PRAGMA {name}")[0][name] for name in asked]
    journal = "wal" if driver.wal_is_safe(driver.library_version) else "delete"
    assert found == [journal, 2, 1, 1, 0]


def _count(home: str, times: int) -> None:
    store = Store(Home(Path(home)))
    for _ in range(times):
        with store.write() as tx:
            row = tx.one("SELECT at_us FROM heartbeat WHERE name = 'n'")
            count = row["at_us"] + 1 if row else 1
            tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('n', ?, 1)", (count,))


def test_four_processes_that_start_at_once_migrate_once_and_lose_no_write(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(str(home.path), 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert Store(home).one("SELECT at_us FROM heartbeat")["at_us"] == 100  # type: ignore[index]


def test_the_data_version_changes_only_when_somebody_else_commits(desk: Desk) -> None:
    before = desk.store.data_version()
    assert desk.store.data_version() == before
    with desk.write() as tx:
        tx.execute("INSERT INTO heartbeat(name, at_us, pid) VALUES ('x', 1, 1)")
    assert desk.store.data_version() != before


def test_a_newer_schema_opens_for_reading_alone(home: Home) -> None:
    Store(home).close()
    raw = driver.dbapi.connect(str(home.store_path))
    raw.execute("PRAGMA user_version=999")
    raw.close()
    store = Store(home)
    assert store.read("SELECT count(*) AS n FROM event")[0]["n"] == 0
    with pytest.raises(StoreUnusable, match="reading only"), store.write():
        pass


def test_a_file_that_is_no_store_is_named_and_left_as_it_is(home: Home) -> None:
    home.store_path.write_bytes(b"this is a letter to my mother" * 50)
    with pytest.raises(StoreUnusable, match="damaged"):
        Store(home)
    assert home.store_path.read_bytes().startswith(b"this is a letter")


def test_a_read_only_environment_refuses_below_the_console(desk: Desk) -> None:
    from dataclasses import replace

    closed = replace(desk, settings=Settings(read_only=True))
    with pytest.raises(NotAllowed, match="read-only"), closed.write():
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes through permissions")
def test_a_home_without_write_permission_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreUnusable, match="cannot be written"):
        Store(Home(tmp_path / "locked" / "home"))


def test_a_full_disk_gives_a_clear_error_and_loses_nothing(home: Home) -> None:
    Store(home).close()
    script = f"""
import resource, signal
from pathlib import Path
from core.home import Home
from core.store import Store
from core.errors import StoreUnusable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Home(Path({str(home.path)!r})))
with store.write() as tx:
    tx.execute("INSERT INTO heartbeat(name, at_us, pid) VALUES ('kept', 1, 1)")
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    with store.write() as tx:
        tx.executemany("INSERT INTO heartbeat(name, at_us, pid, detail) VALUES (?, 1, 1, ?)",
                       ((str(n), "x" * 4000) for n in range(2000)))
    print("wrote")
except StoreUnusable as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "is full" in done.stdout, done.stderr
    rows = Store(home).read("SELECT name FROM heartbeat")
    assert [row["name"] for row in rows] == ["kept"]


def test_a_script_is_cut_at_whole_statements() -> None:
    script = "CREATE TABLE a(x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;\n"
    assert [s.split()[1] for s in statements(script)] == ["TABLE", "TRIGGER"]


def test_a_blob_is_one_file_and_its_damage_is_found(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sha = blobs.put(b"model")
    assert blobs.put(b"model") == sha
    assert blobs.read(sha) == b"model"
    blobs.path(sha).write_bytes(b"modem")
    with pytest.raises(StoreUnusable, match="damaged"):
        blobs.read(sha)
    with pytest.raises(NotFound):
        blobs.read("0" * 64)


def test_a_home_on_a_read_only_disk_can_be_read_without_leaving_a_trace(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(home).close()
    before = sorted(path.name for path in home.path.iterdir())
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    store = Store(home, read_only=True)
    assert store.read("SELECT count(*) AS n FROM event")[0]["n"] == 0
    assert sorted(path.name for path in home.path.iterdir()) == before
    with pytest.raises(StoreUnusable), store.write():
        pass


def test_a_part_is_kept_by_moving_it_and_gone_where_it_was_not(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with blobs.part() as part:
        part.write_bytes(b"rows")
        sha = blobs.adopt(part)
    with blobs.part() as part:
        part.write_bytes(b"rows")
        assert blobs.adopt(part) == sha
    with blobs.part() as part:
        part.write_bytes(b"left")
    assert blobs.read(sha) == b"rows"
    assert blobs.verified(sha) == blobs.path(sha)
    assert [file for file in blobs.folder.rglob("*") if file.is_file()] == [blobs.path(sha)]
    (blobs.folder / ".part-999999999-x").write_bytes(b"of a writer that died")
    assert blobs.sweep() == 1
