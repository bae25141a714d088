"""The daemon killed at any instant: every due run succeeds once, and what it does is done once."""

from __future__ import annotations

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

pytestmark = pytest.mark.e2e

ROUNDS, FILES, SEED = 12, 24, 7


def start(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "console.cli.main", "--home", str(home), "daemon", "--slots", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_nothing_is_lost_or_doubled_whenever_the_daemon_is_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    desk = Desk.open(Home(tmp_path / "home"), actor="t")
    for number in range(FILES):
        path = tmp_path / f"part-{number}.csv"
        path.write_text("id,amount\n" + "".join(f"{row},{row * number}\n" for row in range(50)))
        args = {"dataset": f"part{number}", "path": str(path)}
        with desk.write() as tx:
            # Every kill may cost an attempt: a run must not die of our impatience.
            plan.request_run(tx, desk.now_us(), "ingest", args, f"file-{number}", attempts=ROUNDS + 2)
    for _ in range(ROUNDS):
        daemon = start(desk.home.path)
        time.sleep(chance.uniform(0.4, 2.5))
        daemon.send_signal(signal.SIGKILL)
        daemon.communicate()
    with desk.write() as tx:
        # What was given back waits for its back-off: nobody has to wait for that here.
        tx.execute("UPDATE run SET next_us = 0 WHERE state = 'planned'")
    daemon = start(desk.home.path)
    end = time.monotonic() + 120
    while not all(run.ended for run in rows.runs(desk.store, 1000)) and time.monotonic() < end:
        time.sleep(0.2)
    daemon.send_signal(signal.SIGTERM)
    _, messages = daemon.communicate(timeout=30)
    assert b"Traceback" not in messages
    runs = rows.runs(desk.store, 1000)
    states = {run.state for run in runs}
    assert (len(runs), states) == (FILES, {"succeeded"}), json.dumps([(run.id, run.state, run.error) for run in runs])
    assert sum(run.attempt for run in runs) > FILES, "no kill hit a job: the test proved nothing"
    events = ledger.timeline(desk.store, limit=10_000)
    for kind, key in (("job.succeeded", "job"), ("dataset.added", "dataset")):
        told = [event.data[key] for event in events if event.kind == kind]
        assert len(told) == len(set(told)) == FILES
    assert ledger.verify(desk.store, key_of(desk.home)).ok
    desk.store.close()
