"""A scoring killed again and again, in real processes: the output is the same to the last byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core import ledger
from core.crashpoint import HOWS, POINTS
from core.desk import Desk
from core.ledger.chain import key_of
from core.scoring import rows
from core.scoring.job import score
from core.work import rows as work_rows

SCORED = tuple(f"{name}:{how}" for name in POINTS if name.startswith("score.") for how in HOWS)
CI = ("score.written:kill", "score.ended:kill")


def command(desk: Desk, crash: str = "", once: Path | None = None, *more: str) -> subprocess.Popen[str]:
    words = ["score", "flights@1", "flights/1", "--keep", "carrier", "--chunk", "100", "--here", *more]
    env = {**os.environ, "TOCSIN_CRASH_AT": crash}
    if once is not None:
        env["TOCSIN_CRASH_ONCE"] = str(once)
    argv = [sys.executable, "-m", "console.cli.main", "--home", str(desk.home.path), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def wanted(desk: Desk) -> str:
    """What an undisturbed scoring gives."""
    args = {"model": "flights", "version": 1, "dataset": "flights", "keep": ["carrier"], "chunk": 700}
    return str(score(desk, args, lambda share, text="": None)["output"])


def judge(desk: Desk, want: str) -> None:
    found = rows.scores(desk.store)
    assert {one.blob for one in found} == {want}
    events = ledger.timeline(desk.store, kinds=["model.scored"])
    assert sorted(event.data["score"] for event in events) == sorted(one.id for one in found)
    assert not list(desk.home.scores_path.glob("*"))
    assert ledger.verify(desk.store, key_of(desk.home)).ok


def through(desk: Desk, crash: str, once: Path) -> None:
    want = wanted(desk)
    died = command(desk, crash, once)
    _, messages = died.communicate(timeout=60)
    assert once.exists(), f"{crash} was never reached"
    assert died.returncode != 0
    assert "Traceback" not in messages
    again = command(desk)
    _, messages = again.communicate(timeout=60)
    assert again.returncode == 0, messages
    judge(desk, want)


@pytest.mark.e2e
@pytest.mark.parametrize("crash", CI)
def test_dying_at_a_point_changes_no_byte(trained: Desk, tmp_path: Path, crash: str) -> None:
    through(trained, crash, tmp_path / "once")


@pytest.mark.nightly
@pytest.mark.parametrize("crash", SCORED)
def test_dying_at_every_point_in_every_way_changes_no_byte(trained: Desk, tmp_path: Path, crash: str) -> None:
    through(trained, crash, tmp_path / "once")


@pytest.mark.e2e
def test_killed_time_after_time_it_goes_on_and_ends_with_the_same_bytes(trained: Desk) -> None:
    want = wanted(trained)
    reached = [_kill_after_a_part(trained) for _ in range(3)]
    assert reached == sorted(set(reached)), reached
    assert 0 < reached[-1] < 900
    last = command(trained, "", None, "--resume")
    _, messages = last.communicate(timeout=60)
    assert last.returncode == 0, messages
    judge(trained, want)


def _kill_after_a_part(desk: Desk) -> int:
    """Kill the whole command where a part is recorded, the job's process first; returns the rows in whole parts."""
    died = command(desk, "score.recorded:kill")
    died.communicate(timeout=60)
    return next(one.in_parts for one in rows.scores(desk.store) if one.blob is None)


@pytest.mark.nightly
def test_a_command_that_is_killed_takes_its_job_along_and_the_next_one_goes_on(trained: Desk) -> None:
    want = wanted(trained)
    running = command(trained, "score.named:term", None, "--json")
    # The parent dies, not the job: the kernel ends the job with it, wherever it is.
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    again = command(trained)
    _, messages = again.communicate(timeout=60)
    assert again.returncode == 0, messages
    judge(trained, want)


@pytest.mark.nightly
def test_an_interrupt_cancels_and_what_is_done_is_kept(trained: Desk) -> None:
    want = wanted(trained)
    running = command(trained, "", None, "--json")
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    watch = threading.Timer(60, running.kill)
    watch.start()
    running.communicate()
    watch.cancel()
    assert work_rows.runs(trained.store, 10)[0].state in ("cancelled", "succeeded")
    again = command(trained)
    _, messages = again.communicate(timeout=60)
    assert again.returncode == 0, messages
    judge(trained, want)
