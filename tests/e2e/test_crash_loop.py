"""The daemon killed at any instant: every due run succeeds once, and what it does is done once."""

from __future__ import annotations

import fcntl
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import ledger
from core.desk import Desk
from core.home import Home
from core.ledger.chain import key_of
from core.work import plan, rows

ROUNDS, FILES, SEED = 12, 24, 7
NIGHTLY_ROUNDS, NIGHTLY_ROUNDS_OF_TWO, NIGHTLY_FILES = 200, 100, 400


def start(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "console.cli.main", "--home", str(home), "daemon", "--slots", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def queue(folder: Path, files: int, attempts: int) -> Desk:
    """A home with one ingest job a file. Every kill may cost an attempt: a run must not die of our impatience."""
    desk = Desk.open(Home(folder / "home"), actor="t")
    for number in range(files):
        path = folder / f"part-{number}.csv"
        path.write_text("id,amount\n" + "".join(f"{row},{row * number}\n" for row in range(50)))
        args = {"dataset": f"part{number}", "path": str(path)}
        with desk.write() as tx:
            plan.request_run(tx, desk.now_us(), "ingest", args, f"file-{number}", attempts=attempts)
    return desk


def hurry(desk: Desk) -> None:
    """What was given back waits for its back-off: nobody has to wait for that here."""
    with desk.write() as tx:
        tx.execute("UPDATE run SET next_us = 0 WHERE state = 'planned'")


def finish(desk: Desk, files: int) -> None:
    """Let one clean daemon do what is left, and check that each run succeeded once and did its work once."""
    hurry(desk)
    daemon = start(desk.home.path)
    end = time.monotonic() + 120 + 3 * files
    while not all(run.ended for run in rows.runs(desk.store, 1000)) and time.monotonic() < end:
        time.sleep(0.2)
    daemon.send_signal(signal.SIGTERM)
    _, messages = daemon.communicate(timeout=30)
    assert b"Traceback" not in messages
    runs = rows.runs(desk.store, 1000)
    states = {run.state for run in runs}
    assert (len(runs), states) == (files, {"succeeded"}), json.dumps([(run.id, run.state, run.error) for run in runs])
    assert sum(run.attempt for run in runs) > files, "no kill hit a job: the test proved nothing"
    events = ledger.timeline(desk.store, limit=10_000)
    for kind, key in (("job.succeeded", "job"), ("dataset.added", "dataset")):
        told = [event.data[key] for event in events if event.kind == kind]
        assert len(told) == len(set(told)) == files
    assert not list(desk.blobs.folder.rglob(".part-*"))
    assert ledger.verify(desk.store, key_of(desk.home)).ok
    desk.store.close()


def kill_rounds(desk: Desk, rounds: int) -> None:
    """A daemon that is killed, again and again."""
    chance = random.Random(SEED)
    for _ in range(rounds):
        daemon = start(desk.home.path)
        time.sleep(chance.uniform(0.4, 2.5))
        daemon.send_signal(signal.SIGKILL)
        daemon.communicate()


def stop_rounds(desk: Desk, rounds: int) -> None:
    """A worker beside the daemon is stopped past its lease, loses its runs to the daemon, and then goes on."""
    chance = random.Random(SEED)
    for _ in range(rounds):
        daemon, worker = start(desk.home.path), work(desk.home.path)
        time.sleep(chance.uniform(1.0, 3.0))
        stop(worker, desk.home)
        with desk.write() as tx:
            # Its lease runs out now instead of in two minutes of real time.
            tx.execute("UPDATE run SET lease_us = 0 WHERE state = 'claimed' AND owner = ?", (f"second-{worker.pid}",))
        daemon.send_signal(signal.SIGKILL)
        daemon.communicate()
        hurry(desk)
        daemon = start(desk.home.path)
        time.sleep(chance.uniform(1.0, 3.0))
        worker.send_signal(signal.SIGCONT)
        time.sleep(chance.uniform(0.2, 1.0))
        for process in (worker, daemon):
            process.send_signal(signal.SIGKILL)
            process.communicate()


def stop(worker: subprocess.Popen[bytes], home: Home) -> None:
    """Stop a worker between two of its transactions: one that holds the writers' lock holds up everybody."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        with open(home.lock_path("writer"), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                worker.send_signal(signal.SIGCONT)
        time.sleep(0.01)


def work(home: Path) -> subprocess.Popen[bytes]:
    """A second claimer of the same queue: what a daemon does for jobs, without the daemon's lock."""
    return subprocess.Popen([sys.executable, "-c", WORK, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


WORK = """
import sys, time
from pathlib import Path
from core.desk import Desk
from core.home import Home
from core.work.claim import Owner
from core.work.kinds import KINDS
from core.work.runner import Runner
desk = Desk.open(Home(Path(sys.argv[1])), actor="t")
runner = Runner(desk, KINDS, Owner(desk.home, "second"), slots=2)
while True:
    runner.step()
    time.sleep(0.05)
"""


@pytest.mark.e2e
def test_nothing_is_lost_or_doubled_whenever_the_daemon_is_killed(tmp_path: Path) -> None:
    desk = queue(tmp_path, FILES, ROUNDS + 2)
    kill_rounds(desk, ROUNDS)
    finish(desk, FILES)


@pytest.mark.nightly
def test_nothing_is_lost_or_doubled_in_two_hundred_kills(tmp_path: Path) -> None:
    desk = queue(tmp_path, NIGHTLY_FILES, NIGHTLY_ROUNDS + 2)
    kill_rounds(desk, NIGHTLY_ROUNDS)
    finish(desk, NIGHTLY_FILES)


@pytest.mark.nightly
def test_two_workers_one_stopped_past_its_lease_lose_and_double_nothing(tmp_path: Path) -> None:
    desk = queue(tmp_path, NIGHTLY_FILES, 3 * NIGHTLY_ROUNDS_OF_TWO)
    stop_rounds(desk, NIGHTLY_ROUNDS_OF_TWO)
    finish(desk, NIGHTLY_FILES)
