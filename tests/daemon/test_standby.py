"""Two real daemons on one home, and one that is told to stop while a job runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.desk import Desk
from core.doctor import examine
from core.home import Home
from core.work import plan, rows
from core.work.single import DaemonLock, stand_by, standby_waits


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Desk]:
    """A desk on real time, as the processes have it."""
    opened = Desk.open(Home(tmp_path / "home").prepare(), actor="t")
    yield opened
    opened.store.close()


def start(desk: Desk, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "console.cli.main", "--home", str(desk.home.path), "daemon", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.05)


def beats(desk: Desk, name: str) -> int | None:
    row = desk.store.one("SELECT pid FROM heartbeat WHERE name = ?", (name,))
    return int(row["pid"]) if row else None


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    return process.returncode, said.decode()


def test_a_standby_that_is_stopped_leaves_without_having_the_lock(desk: Desk) -> None:
    first = DaemonLock(desk.home)
    stopped = threading.Event()
    waiting = threading.Thread(target=stand_by, args=(desk, stopped))
    waiting.start()
    until(lambda: standby_waits(desk), "the standby beats")
    stopped.set()
    waiting.join()
    assert not standby_waits(desk)
    first.close()
    free = stand_by(desk, threading.Event())
    assert free is not None
    free.close()


@pytest.mark.e2e
def test_the_second_daemon_takes_over_when_the_first_is_killed_and_its_job_is_started_again(real: Desk) -> None:
    first = start(real)
    until(lambda: beats(real, "daemon") == first.pid, "the first daemon beats")
    second = start(real, "--metrics-port", "0")
    until(lambda: standby_waits(real), "the second stands by")
    daemon = next(found for found in examine(real) if found.check == "daemon")
    assert daemon.found.endswith("a second one stands by")
    first.kill()
    first.communicate()
    with real.write() as tx:
        run_id = plan.request_run(tx, real.now_us(), "ingest", {}, "after the first died")
    until(lambda: beats(real, "daemon") == second.pid, "the second beats as the daemon")
    until(lambda: rows.run(real.store, run_id).ended, "the second works")
    assert not standby_waits(real)
    code, said = ended(second)
    assert code == 0
    assert said.index("stands by") < said.index("metrics on http://127.0.0.1:") < said.index("daemon runs on")


@pytest.mark.e2e
@pytest.mark.parametrize(("grace", "state"), [("20", "succeeded"), ("0", "planned")])
def test_a_daemon_told_to_stop_gives_its_job_the_grace_and_then_gives_it_back(
    real: Desk, tmp_path: Path, grace: str, state: str
) -> None:
    pipe = tmp_path / "slow.csv"
    lines = "".join(f"{number},{number % 7}\n" for number in range(400_000))
    pipe.write_text("id,amount\n" + lines)
    with real.write() as tx:
        run_id = plan.request_run(tx, real.now_us(), "ingest", {"dataset": "slow", "path": str(pipe)}, "slow")
    daemon = start(real, "--grace", grace)
    until(lambda: rows.run(real.store, run_id).state == "claimed", "the job runs")
    code, said = ended(daemon)
    assert (code, rows.run(real.store, run_id).state) == (0, state)
    assert f"they have {grace} s to end" in said
    assert rows.run(real.store, run_id).attempt == (1 if state == "succeeded" else 0)
