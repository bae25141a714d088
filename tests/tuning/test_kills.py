"""A search whose whole process tree is killed with -9 several times ends as one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from console.cli.main import run
from core.desk import Desk
from core.home import Home
from core.registry.versions import version
from core.tuning import rows
from core.work.rows import run as run_of
from tests.training.conftest import add
from tests.tuning.test_search import recipes

__all__ = ["add"]

ASKED = ("--dataset", "flights", "--label", "delay>=8", "--rounds", "20", "--trials", "12", "--seed", "5")
KILLS = 3


def started(home: Home, *argv: str, crash: str = "") -> int:
    """A command in a process of its own group; its job's process dies by -9 after the next trial if `crash` says so."""
    environment = {**os.environ, **({"TOCSIN_CRASH_AT": crash} if crash else {})}
    command = [sys.executable, "-m", "console.cli.main", "--home", str(home.path), *argv]
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120).returncode


def killed_whole(home: Home, *argv: str, trials: int) -> None:
    """The same, but terminal and job are killed together once so many trials are kept."""
    command = [sys.executable, "-m", "console.cli.main", "--home", str(home.path), *argv, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if f"trial {trials + 1} of".encode() in line:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait(timeout=60)
    process.stdout.close()


@pytest.mark.e2e
def test_a_search_killed_again_and_again_ends_as_one_that_was_not(
    desk: Desk, home: Home, add: Callable[..., str], tmp_path: Path
) -> None:
    add()
    assert run(["--home", str(home.path), "search", "late", *ASKED, "--here"]) == 0
    assert started(home, "search", "again", *ASKED, crash="search.trial:kill") != 0
    for _ in range(KILLS - 2):
        assert started(home, "search", "--resume", "2", crash="search.trial:kill") != 0
    killed_whole(home, "search", "--resume", "2", "--yes", trials=4)
    kept = rows.trials(desk.store, 2)
    assert len(kept) >= KILLS
    # On a fast machine the kill may come when nothing was left to do.
    assert run_of(desk.store, 2).state == "succeeded" or started(home, "search", "--resume", "2") == 0
    assert recipes(rows.trials(desk.store, 1)) == recipes(rows.trials(desk.store, 2))
    first, second = version(desk.store, "late"), version(desk.store, "again")
    assert first.parameters["param"] == second.parameters["param"]
    assert first.metrics == second.metrics
