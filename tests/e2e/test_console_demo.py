"""`tocsin demo` as a person has it: in a terminal, from the first line to the last process."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.desk import Desk
from core.home import Home

pytestmark = pytest.mark.e2e


class Terminal:
    """A program in a pseudo-terminal of 120x40; what it draws is read as it comes, so that it never waits for us."""

    def __init__(self, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="40", TOCSIN_ACTOR="ana")
            os.execv(sys.executable, [sys.executable, "-m", "console.cli.main", *arguments])
        self.drawn = b""

    def until(self, done: object, seconds: float = 90) -> bool:
        """Read on until a text was drawn, or a question is answered with yes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (done in self.drawn) if isinstance(done, bytes) else done():  # type: ignore[operator]
                return True
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.drawn += os.read(self.fd, 65_536)
                except OSError:
                    return (done in self.drawn) if isinstance(done, bytes) else bool(done())  # type: ignore[operator]
        return False

    def press(self, keys: str) -> None:
        """Type keys."""
        os.write(self.fd, keys.encode())


def running(home: Path) -> list[str]:
    """The processes that name this home."""
    listed = subprocess.run(["ps", "-eo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    return [one for one in listed.splitlines() if str(home) in one and " Z" not in one]


def events(home: Path) -> list[tuple[str, str]]:
    desk = Desk.open(Home(home), read_only=True)
    rows = desk.store.read("SELECT kind, actor FROM event ORDER BY seq")
    desk.store.close()
    return [(row["kind"], row["actor"]) for row in rows]


def test_two_keys_roll_back_and_quitting_leaves_no_process_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    terminal = Terminal("--home", str(home), "demo", "--days", "12", "--bad-day", "6")
    assert terminal.until(b"SUSPECTS", 300), terminal.drawn[-2000:]
    terminal.press("R")
    assert terminal.until(b"ROLL BACK")
    terminal.until(lambda: False, 0.5)
    terminal.press("y")
    assert terminal.until(lambda: ("rollback.applied", "daemon") in events(home), 60)
    assert ("rollback.requested", "ana") in events(home)
    terminal.press("q")
    assert terminal.until(b"The replay has ended", 30)
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0
    assert running(home) == []


def test_a_killed_console_takes_its_replay_with_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    terminal = Terminal("--home", str(home), "demo", "--days", "8", "--fault", "none")
    assert terminal.until(b"All quiet", 300), terminal.drawn[-2000:]
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    assert terminal.until(lambda: running(home) == [], 30), running(home)
