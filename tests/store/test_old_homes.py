"""Homes of every earlier schema: opened by many at once, or by a process that is killed in the middle."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import ledger
from core.crashpoint import POINTS
from core.home import Home
from core.ledger.chain import key_of
from core.store import Store, driver
from core.store.before import kept_copies, sum_path
from core.store.copy import StoreCopy, hash_file
from core.store.migrate import SCHEMA_VERSION
from tests.store.old_homes import OLD, ROWS, Content, content_of, old_home

OPENERS, ROUNDS, KILLS = 4, 20, 60
MIGRATING = tuple(point for point in POINTS if point.startswith("migrate."))
# Opens each home it is told, says which schema it then has, and goes on to the next.
OPENER = """
import sys
from pathlib import Path
import sqlite_utils
from core.home import Home
from core.store import Store
print("ready", flush=True)
for line in sys.stdin:
    store = Store(Home(Path(line.strip())))
    version = store.read("PRAGMA user_version")[0]["user_version"]
    store.close()
    print(version, flush=True)
"""


def opener(crash: str = "") -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    env = {**os.environ, "TOCSIN_CRASH_AT": crash}
    return subprocess.Popen([sys.executable, "-c", OPENER], stdin=pipe, stdout=pipe, text=True, env=env)


def tell(process: subprocess.Popen[str], home: Home) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{home.path}\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def judge(home: Home, version: int, before: Content) -> None:
    """The newest schema, applied once, with all that was there; every copy is whole and is what was there."""
    store = Store(home)
    applied = [row["name"] for row in store.read("SELECT name FROM _sqlite_migrations ORDER BY name")]
    assert len(applied) == len(set(applied)) == SCHEMA_VERSION
    assert store.read("PRAGMA user_version")[0]["user_version"] == SCHEMA_VERSION
    assert store.read("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    assert ledger.verify(store, key_of(home)).events == ROWS
    assert store.read("SELECT count(*) AS n FROM words WHERE words MATCH 'note'")[0]["n"] == ROWS
    store.close()
    assert same(home.store_path, before)
    copies = kept_copies(home)
    assert copies
    for path in copies:
        assert sum_path(path).read_text().split()[0] == hash_file(path)
        copy = StoreCopy(path)
        assert copy.check() == version
        copy.close()
        assert same(path, before)
    assert not list(home.backups_path.glob(".part-*"))


def same(path: Path, before: Content) -> bool:
    connection = driver.dbapi.connect(str(path))
    try:
        return content_of(connection, before) == before
    finally:
        connection.close()


@pytest.mark.parametrize("version", OLD)
def test_a_home_of_every_earlier_schema_keeps_all_its_data(home: Home, version: int) -> None:
    before = old_home(home, version)
    assert all(rows for table, (_, rows) in before.items() if table != "clock_jump")
    Store(home).close()
    judge(home, version, before)
    assert len(kept_copies(home)) == 1


def open_at_once(folder: Path, rounds: int) -> None:
    openers = [opener() for _ in range(OPENERS)]
    assert [said(each) for each in openers] == ["ready"] * OPENERS
    for number in range(rounds):
        version = OLD[number % len(OLD)]
        home = Home(folder / f"home-{number}")
        before = old_home(home, version)
        for each in openers:
            tell(each, home)
        assert [said(each) for each in openers] == [str(SCHEMA_VERSION)] * OPENERS
        judge(home, version, before)
        assert len(kept_copies(home)) == 1
        shutil.rmtree(home.path)
    for each in openers:
        each.communicate(timeout=30)
        assert each.returncode == 0


@pytest.mark.e2e
def test_four_processes_that_open_an_old_home_at_once_migrate_it_once(tmp_path: Path) -> None:
    open_at_once(tmp_path, ROUNDS)


@pytest.mark.nightly
def test_four_processes_that_open_hundreds_of_old_homes_at_once_migrate_each_once(tmp_path: Path) -> None:
    open_at_once(tmp_path, 15 * ROUNDS)


@pytest.mark.e2e
@pytest.mark.parametrize("point", MIGRATING)
def test_a_process_killed_in_a_migration_is_made_good_by_the_next(home: Home, point: str) -> None:
    before = old_home(home, 1)
    killed = opener(f"{point}:kill")
    tell(killed, home)
    killed.communicate(timeout=30)
    assert killed.returncode == -9
    Store(home).close()
    judge(home, 1, before)


@pytest.mark.nightly
def test_a_process_killed_at_any_moment_of_a_migration_is_made_good_by_the_next(tmp_path: Path) -> None:
    cut = 0
    for seed in range(KILLS):
        print(f"seed {seed}")
        chance, home = random.Random(seed), Home(tmp_path / f"home-{seed}")
        version = chance.choice(OLD)
        before = old_home(home, version)
        killed = opener()
        assert said(killed) == "ready"
        tell(killed, home)
        time.sleep(chance.uniform(0, 0.06))
        killed.kill()
        out, _ = killed.communicate(timeout=30)
        cut += not out.strip()
        Store(home).close()
        judge(home, version, before)
        shutil.rmtree(home.path)
    assert cut > KILLS // 4
