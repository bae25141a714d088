"""A log that a crash or a disk has damaged, and a disk that is full at any byte."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core import ledger
from core.desk import Desk
from core.home import Home
from core.ledger.chain import key_of
from core.store import driver

COMMITS = 30
FULL = """
import json, random, resource, signal, sys
from pathlib import Path
from core.desk import Desk
from core.errors import StoreUnusable
from core.home import Home

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
chance = random.Random(int(sys.argv[2]))
desk = Desk.open(Home(Path(sys.argv[1])), actor="full")
acked, said = 0, ""
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
limit = chance.randrange(40_000, 600_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
try:
    while acked < 2000:
        with desk.write() as tx:
            tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('n', ?, 1)", (acked + 1,))
            desk.record(tx, "slo.saved", data={"text": "x" * chance.randrange(3000)})
        acked += 1
        if chance.random() < 0.05:
            desk.blobs.put(chance.randbytes(chance.randrange(500_000)))
        if chance.random() < 0.02:
            desk.store.checkpoint()
except StoreUnusable as error:
    said = error.message
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
with desk.write() as tx:
    desk.record(tx, "slo.saved")
print(json.dumps({"acked": acked, "said": said}))
"""


def written(desk: Desk, folder: Path) -> None:
    """Commits whose number each transaction writes twice, the first ten of them already written back."""
    for number in range(1, COMMITS + 1):
        with desk.write() as tx:
            tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('n', ?, 1)", (number,))
            desk.record(tx, "slo.saved", data={"text": "x" * 900})
        if number == 10:
            desk.store.checkpoint()
    shutil.copytree(desk.home.path, folder)


def damage(chance: random.Random, log: bytearray) -> bytearray:
    kind, place = chance.choice(["torn", "flipped", "zeroed", "scrambled"]), chance.randrange(len(log))
    if kind == "torn":
        return log[:place]
    if kind == "flipped":
        log[place] ^= 1 << chance.randrange(8)
        return log
    length = min(len(log) - place, chance.choice([1, 24, 512, 4096, 9000]))
    log[place : place + length] = bytes(length) if kind == "zeroed" else chance.randbytes(length)
    return log


def torture(desk: Desk, tmp_path: Path, rounds: int, seed: int) -> set[int]:
    """Damage the log `rounds` times; returns how many commits were found in the end, each a whole prefix."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    written(desk, tmp_path / "whole")
    log = (tmp_path / "whole" / "tocsin.db-wal").read_bytes()
    found = set()
    for number in range(rounds):
        home = Home(tmp_path / "bad")
        shutil.copytree(tmp_path / "whole", home.path)
        (home.path / "tocsin.db-shm").unlink(missing_ok=True)
        (home.path / "tocsin.db-wal").write_bytes(damage(chance, bytearray(log)))
        opened = Desk.open(home, actor="ana")
        events = ledger.verify(opened.store, key_of(home))
        count = int(opened.store.read("SELECT at_us FROM heartbeat")[0]["at_us"])
        assert (events.ok, events.events) == (True, count), (number, events)
        assert [dict(row) for row in opened.store.read("PRAGMA integrity_check")] == [{"integrity_check": "ok"}], number
        assert 10 <= count <= COMMITS
        found.add(count)
        with opened.write() as tx:
            opened.record(tx, "slo.saved")
        opened.store.close()
        shutil.rmtree(home.path)
    return found


needs_wal = pytest.mark.skipif(not driver.wal_is_safe(driver.library_version), reason="no write-ahead log here")


@needs_wal
def test_a_damaged_log_always_leaves_a_committed_prefix(desk: Desk, tmp_path: Path) -> None:
    assert len(torture(desk, tmp_path, 60, seed=60)) > 5


@needs_wal
@pytest.mark.nightly
def test_a_log_damaged_in_many_ways_always_leaves_a_committed_prefix(desk: Desk, tmp_path: Path) -> None:
    assert torture(desk, tmp_path, 1500, seed=1500) == set(range(10, COMMITS + 1))


def fill_up(home: Home, seeds: range) -> None:
    """In processes whose files may not grow beyond a random size: an error, no acknowledged write lost, recovery."""
    Desk.open(home, actor="ana").store.close()
    before = full = 0
    for seed in seeds:
        print(f"seed {seed}")
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(home.path), str(seed)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["acked"] == 2000 or "is full" in told["said"], told
        full += bool(told["said"])
        desk = Desk.open(home)
        found = ledger.verify(desk.store, key_of(home))
        assert (found.ok, found.events) == (True, before + told["acked"] + 1)
        assert desk.store.read("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
        assert not [path for path in desk.blobs.folder.rglob("*") if path.name.startswith(".part-")]
        assert desk.store.ballast.is_there()
        before = found.events
        desk.store.close()
        if home.store_path.stat().st_size > 400_000:
            shutil.rmtree(home.path)
            Desk.open(home, actor="ana").store.close()
            before = 0
    assert full > len(seeds) // 2


@pytest.mark.e2e
def test_a_file_that_may_not_grow_gives_an_error_loses_nothing_and_recovers(home: Home) -> None:
    fill_up(home, range(10))


@pytest.mark.nightly
def test_a_hundred_limits_of_size_lose_nothing(home: Home) -> None:
    fill_up(home, range(1000, 1100))
