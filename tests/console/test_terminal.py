from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from core.desk import Desk

REPO = Path(__file__).parents[2]
MAIN = "import sys; from console.cli.main import main; main(sys.argv[1:])"


class Terminal:
    """A real pseudo-terminal with the console in it; `seen` is every byte it drew."""

    def __init__(
        self, *arguments: str, environment: dict[str, str] | None = None, size: tuple[int, int] = (80, 24)
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=REPO,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(REPO), **(environment or {})},
            start_new_session=True,
        )

    def read_until(self, text: str, limit: float = 20) -> str:
        deadline = time.monotonic() + limit
        while text not in self.plain and time.monotonic() < deadline:
            self._read(0.05)
        assert text in self.plain, self.plain[-2000:]
        return self.plain

    def _read(self, wait: float) -> None:
        if select.select([self.master], [], [], wait)[0]:
            try:
                self.seen += os.read(self.master, 65_536)
            except OSError:
                return

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b(\[[0-9;?<>=$]*[a-zA-Z]|\][^\a]*\a|[=>])", "", self.seen.decode("utf-8", "ignore"))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait(self, limit: float = 20) -> int:
        deadline = time.monotonic() + limit
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        self._read(0.05)
        return self.process.wait(1)

    def assert_restored(self) -> None:
        assert b"\x1b[?1049l" in self.seen
        assert self.seen.rfind(b"\x1b[?25h") > self.seen.rfind(b"\x1b[?25l")
        assert termios.tcgetattr(self.slave)[3] == self.before[3]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def test_the_console_opens_in_a_real_terminal_and_q_gives_it_back(night: Desk) -> None:
    terminal = Terminal("--home", str(night.home.path))
    try:
        shown = terminal.read_until("q quit")
        for told in ("INC-1", "flight-delay v2", "UNACKED", "roll back flight-delay v2 → v1", "SUSPECTS"):
            assert told in shown
        terminal.press("q")
        assert terminal.wait() == 0
        terminal.assert_restored()
        assert "Traceback" not in terminal.plain
    finally:
        terminal.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_gives_the_terminal_back(night: Desk, number: signal.Signals, code: int) -> None:
    terminal = Terminal("--home", str(night.home.path))
    try:
        terminal.read_until("q quit")
        terminal.process.send_signal(number)
        assert terminal.wait() == code
        terminal.assert_restored()
    finally:
        terminal.close()


def test_an_exception_gives_the_terminal_back_and_says_it_in_two_lines(night: Desk) -> None:
    with night.write() as tx:
        tx.execute("UPDATE incident SET detected_us = 0 WHERE id = 1")
        tx.execute("UPDATE suspect SET evidence = '[1]'")
        tx.execute("UPDATE run SET args = '[]'")
    terminal = Terminal("--home", str(night.home.path))
    try:
        terminal.read_until("q quit")
        terminal.press("4")
        assert terminal.wait() == 6
        terminal.assert_restored()
        assert "error: the console stopped" in terminal.plain
        assert "hint: " in terminal.plain
        assert "Traceback" not in terminal.plain
    finally:
        terminal.close()


def test_without_colour_nothing_is_painted(night: Desk) -> None:
    terminal = Terminal("--home", str(night.home.path), environment={"NO_COLOR": "1"})
    try:
        terminal.read_until("q quit")
        colours = re.findall(rb"\x1b\[[0-9;]*?(3[0-7]|4[0-7]|9[0-7]|38;5|48;5|38;2|48;2)[0-9;]*m", terminal.seen)
        assert colours == []
        assert "● SEV1" in terminal.plain
        terminal.press("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_without_a_terminal_the_console_says_what_to_use_instead(night: Desk) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "--home", str(night.home.path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=REPO,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "error: the console needs a terminal"
    assert "tocsin now" in done.stderr


LOADED = """
import sys, json
try:
    {run}
finally:
    sys.stderr.write(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
HEAVY = {
    "pandas",
    "numpy",
    "lightgbm",
    "pyarrow",
    "sklearn",
    "sqlite_utils",
    "httpx",
    "uvicorn",
    "plotext",
    "apscheduler",
}


def loaded(run: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(run=run)], capture_output=True, text=True, cwd=REPO, check=False
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_help_and_now_as_json_load_no_textual(night: Desk) -> None:
    for arguments in (["--help"], ["--home", str(night.home.path), "now", "--json"]):
        found = loaded(f"from console.cli.main import run; run({arguments!r})")
        assert "click" in found
        assert not found & (HEAVY | {"textual", "rich", "yaml"})


def test_the_first_paint_comes_before_any_heavy_library(night: Desk) -> None:
    run = f"""
    import asyncio
    from console.app import TocsinApp
    from core.desk import Desk
    from core.home import Home
    from pathlib import Path
    async def paint():
        app = TocsinApp(Desk.open(Home(Path({str(night.home.path)!r}))))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert app.sheet.found.lead.incident.id == 1
    asyncio.run(paint())"""
    found = loaded(run.strip())
    assert "textual" in found
    assert not found & (HEAVY | {"yaml"})
