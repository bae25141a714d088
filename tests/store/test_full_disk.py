"""A disk of 16 MB that is really full: whatever is written says so, nothing is half written, and room mends it."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.cli.main import run
from core import ledger
from core.backup import make
from core.desk import Desk
from core.errors import CheckFailed, StoreUnusable
from core.home import Home
from core.ledger.chain import key_of
from core.store import Store
from core.store.ballast import BYTES
from core.store.copy import StoreCopy
from tests.store.old_homes import old_home
from tests.store.test_old_homes import judge, same

MEGABYTE = 1 << 20
FULL = "the disk that holds .* is full"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here, which needs root: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free(disk: Path) -> int:
    """Bytes that can still be written."""
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def leave(disk: Path, room: int) -> Path:
    """Somebody else's file takes all but so many bytes."""
    filler = disk / "filler"
    filler.write_bytes(b"x" * max(0, free(disk) - room))
    return filler


def told(desk: Desk, count: int, size: int = 3000) -> int:
    """Events until the disk is full; returns how many were acknowledged."""
    for acked in range(count):
        try:
            with desk.write() as tx:
                tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES (?, ?, 1)", (f"{acked}", acked))
                desk.record(tx, "slo.saved", data={"text": "x" * size})
        except StoreUnusable as error:
            assert "is full" in error.message
            assert error.hint
            return acked
    raise AssertionError("the disk was never full")


def sound(desk: Desk, events: int) -> None:
    found = ledger.verify(desk.store, key_of(desk.home))
    assert (found.ok, found.events) == (True, events)
    assert desk.store.read("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    assert desk.store.read("PRAGMA foreign_key_check") == []


def fill_and_recover(disk: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    home = Home(disk / f"home-{seed}")
    desk = Desk.open(home, actor="ana")
    filler = leave(disk, chance.randrange(2 * MEGABYTE))
    acked = told(desk, 10_000, chance.choice((10, 3000, 60_000)))
    assert not desk.store.ballast.is_there()
    sound(desk, acked)
    # The reserve is room enough to forget something and to say so.
    with desk.write() as tx:
        tx.execute("DELETE FROM heartbeat")
        desk.record(tx, "slo.saved")
    with pytest.raises(CheckFailed, match="MB are left on the disk"):
        desk.store.ballast.keep()
    # Another process opens the home all the same, and leaves the little room there is to others.
    Desk.open(home).store.close()
    assert not desk.store.ballast.is_there()
    filler.unlink()
    desk.store.ballast.keep()
    assert (home.path / "ballast").stat().st_size == BYTES
    with desk.write() as tx:
        desk.record(tx, "slo.saved")
    sound(desk, acked + 2)
    desk.store.close()
    subprocess.run(["rm", "-r", str(home.path)], check=True)


@pytest.mark.e2e
def test_a_full_disk_loses_nothing_acknowledged_and_its_reserve_lets_a_clean_up_commit(disk: Path) -> None:
    for seed in range(3):
        fill_and_recover(disk, seed)


@pytest.mark.nightly
def test_a_disk_that_is_full_at_many_places_loses_nothing(disk: Path) -> None:
    for seed in range(100, 160):
        fill_and_recover(disk, seed)


def test_a_blob_that_finds_no_room_leaves_no_part_and_the_others_whole(disk: Path) -> None:
    desk = Desk.open(Home(disk / "home"), actor="ana")
    kept = desk.blobs.put(b"k" * 1000)
    filler = leave(disk, MEGABYTE)
    with pytest.raises(StoreUnusable, match=FULL):
        desk.blobs.put(b"b" * 2 * MEGABYTE)
    assert [path.name for path in desk.blobs.folder.glob("??/*")] == [kept]
    assert desk.blobs.read(kept) == b"k" * 1000
    filler.unlink()
    assert len(desk.blobs.read(desk.blobs.put(b"b" * 2 * MEGABYTE))) == 2 * MEGABYTE
    desk.store.close()


def test_a_backup_that_finds_no_room_leaves_nothing_behind(disk: Path, tmp_path: Path) -> None:
    desk = Desk.open(Home(tmp_path / "home"), actor="ana")
    desk.blobs.put(b"b" * 2 * MEGABYTE)
    for room in (0, 50_000, MEGABYTE):
        leave(disk, room)
        with pytest.raises(StoreUnusable, match=r"full|free some space"):
            make(desk, disk / "backup", keys=True)
        assert [path.name for path in disk.iterdir()] == ["filler"]
        (disk / "filler").unlink()
    assert make(desk, disk / "backup", keys=True).bytes > 2 * MEGABYTE
    desk.store.close()


def test_an_old_home_on_a_full_disk_stays_as_it_is_until_there_is_room(disk: Path) -> None:
    home = Home(disk / "home")
    before = old_home(home, 1)
    refused = 0
    for room in range(0, 2_000_000, 30_000):
        filler = leave(disk, room)
        try:
            Store(home).close()
            break
        except StoreUnusable as error:
            refused += 1
            assert "full" in error.message + error.hint or "free some space" in error.hint
        filler.unlink()
        assert same(home.store_path, before)
        assert StoreCopy(home.store_path).check() == 1
    assert refused > 3
    filler.unlink()
    judge(home, 1, before)


def test_a_command_on_a_full_disk_says_so_in_two_lines(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk.open(Home(disk / "home"), actor="ana")
    told_first = ["--home", str(desk.home.path), "access", "grant", "ana", "admin", "--yes"]
    filler = leave(disk, 0)
    acked = told(desk, 10_000)
    (disk / "more").write_bytes(b"x" * free(disk))
    assert run(told_first) == 6
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]
    filler.unlink()
    assert run(told_first) == 0
    sound(desk, acked + 1)
    desk.store.close()
