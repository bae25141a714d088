"""Real ingesters at one folder, killed at any instant: each content becomes one snapshot, and no file is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import ledger
from core.daemon import Daemon
from core.datasets import folders, ingest, rows
from core.desk import Desk
from core.home import Home
from core.ledger.chain import key_of

SEED = 11
# An ingester of its own process: what the daemon does, without its other parts.
INGESTER = """
import sys, time
from pathlib import Path
from core.datasets.watching import Watcher
from core.desk import Desk
from core.home import Home
watcher = Watcher(Desk.open(Home(Path(sys.argv[1])), actor="t"))
while True:
    watcher.turn()
    time.sleep(0.01)
"""


def prepared(tmp_path: Path) -> tuple[Desk, Path]:
    desk = Desk.open(Home(tmp_path / "home"), actor="t")
    first = tmp_path / "first.csv"
    first.write_text("id,amount\n" + "".join(f"{row},{row}\n" for row in range(1_000)))
    ingest.add(desk, first, dataset="parts")
    folder = tmp_path / "in"
    folder.mkdir()
    folders.watch(desk, "parts", folder, quiet_us=50_000)
    return desk, folder


def drop_file(folder: Path, number: int) -> None:
    """A file of its own content; each seventh breaks the contract, each eleventh repeats the one before."""
    amount = "word" if number % 7 == 0 else str(number - (number % 11 == 0))
    part = folder / f"{number}.part"
    part.write_text(f"id,amount\n1,{amount}\n")
    os.rename(part, folder / f"{number}.csv")


def contents(numbers: int) -> tuple[int, int]:
    """How many different contents there are to take, and to refuse."""
    taken = {n - (n % 11 == 0) for n in range(1, numbers + 1) if n % 7}
    return len(taken), int(numbers >= 7)


def left(folder: Path) -> int:
    """How many files have not come to rest, those that are being taken included."""
    rest = {"done", "quarantine"}
    return sum(path.is_file() for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in rest)


def settled(desk: Desk, folder: Path, numbers: int) -> None:
    """Every file is in done/ or quarantine/, every content taken once, and the ledger tells of each once."""
    taken, refused = contents(numbers)
    moved = [len(os.listdir(folder / place)) for place in ("done", "quarantine")]
    assert moved == [sum(n % 7 > 0 for n in range(1, numbers + 1)), numbers // 7]
    snapshots = desk.store.read("SELECT count(*) AS n, count(DISTINCT sha256) AS different FROM snapshot")[0]
    assert (snapshots["n"], snapshots["different"]) == (taken + 1, taken + 1)
    assert len(rows.quarantine(desk.store)) == refused
    kinds = [row["kind"] for row in desk.store.read("SELECT kind FROM event")]
    assert (kinds.count("dataset.added"), kinds.count("dataset.quarantined")) == (taken + 1, refused)
    assert ledger.verify(desk.store, key_of(desk.home)).ok


def crash(desk: Desk, folder: Path, *, files: int, rounds: int, ingesters: int) -> int:
    """Drop files while ingesters are killed; returns how many kills came while files were there."""
    chance, hit, dropped = random.Random(SEED), 0, 0
    print(f"seed {SEED}")
    command = [sys.executable, "-c", INGESTER, str(desk.home.path)]
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(ingesters)]
    for _ in range(rounds):
        for _ in range(files // rounds):
            dropped += 1
            drop_file(folder, dropped)
        # The kill comes while some of this round's files are still to be taken, however fast the machine is.
        todo = chance.randrange(1, files // rounds)
        end = time.monotonic() + 60
        while left(folder) > todo and time.monotonic() < end:
            time.sleep(0.002)
        victim = chance.randrange(ingesters)
        running[victim].send_signal(signal.SIGKILL)
        running[victim].wait()
        hit += left(folder) > 0
        running[victim] = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 600
    while left(folder) and time.monotonic() < end:
        time.sleep(0.1)
    for process in running:
        process.kill()
        process.wait()
    assert dropped == files // rounds * rounds
    return hit


@pytest.mark.e2e
def test_two_ingesters_killed_at_any_instant_take_each_content_once(tmp_path: Path) -> None:
    desk, folder = prepared(tmp_path)
    hit = crash(desk, folder, files=320, rounds=8, ingesters=2)
    assert hit, "no kill came while files were there: the test proved nothing"
    settled(desk, folder, 320)


@pytest.mark.nightly
def test_two_ingesters_killed_a_hundred_times_take_each_content_once(tmp_path: Path) -> None:
    desk, folder = prepared(tmp_path)
    assert crash(desk, folder, files=4_000, rounds=100, ingesters=2)
    settled(desk, folder, 4_000)


def flood(tmp_path: Path, files: int) -> None:
    """More files at once than the kernel has room for events: the scan finds them all."""
    desk, folder = prepared(tmp_path)
    daemon = Daemon(desk)
    daemon.attempt("folders")
    for number in range(1, files + 1):
        drop_file(folder, number)
    end = time.monotonic() + 3_600
    while left(folder) and time.monotonic() < end:
        daemon.attempt("folders")
    daemon.close()
    settled(desk, folder, files)


def test_a_flood_of_files_is_taken_whole(tmp_path: Path) -> None:
    flood(tmp_path, 40)


@pytest.mark.nightly
def test_thirty_thousand_files_at_once_are_taken_whole(tmp_path: Path) -> None:
    flood(tmp_path, 30_000)
