"""The processes of a replay: the endpoint and the daemon, real ones, ended with the replay whatever ends it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from core.errors import RemoteUnreachable, StoreUnusable
from core.home import Home

TOCSIN = (sys.executable, "-m", "console.cli.main")


class Process:
    """A `tocsin` command that speaks JSON lines on its output; its messages go to a file in the home's logs."""

    def __init__(self, home: Home, name: str, arguments: list[str], extra: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = home.logs_path / f"{name}.log"
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [*TOCSIN, "--home", str(home.path), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(extra or {})},
                start_new_session=True,
            )

    @property
    def _in(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def answer(self) -> dict[str, Any]:
        """The next line it says. Raises RemoteUnreachable with its last words where it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RemoteUnreachable(f"the {self.name} ended: {_last_line(self.log)}", f"its messages are in {self.log}")
        said: dict[str, Any] = json.loads(line)
        return said

    def ask(self) -> dict[str, Any]:
        """Give it a turn and wait for what it says."""
        try:
            self._in.write(b"\n")
            self._in.flush()
        except BrokenPipeError:
            return self.answer()
        return self.answer()

    def peak_mb(self) -> float:
        """The most memory it has held, in megabytes; 0 where the system does not tell."""
        return peak_mb(self._process.pid)

    def stop(self) -> None:
        """Close its input, which ends it; a process that does not is asked, then killed."""
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        for insist in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                insist()
        self._process.wait()


def start_endpoint(home: Home, state: Path, clock: Path) -> tuple[Process, dict[str, Any]]:
    """Start `tocsin serve` on a free port of the loopback, on the replay's clock; returns it and what it announced."""
    arguments = ["serve", "--port", "0", "--state", str(state), "--until-eof"]
    process = Process(home, "endpoint", arguments, {"TOCSIN_CLOCK": str(clock)})
    return process, process.answer()


def start_daemon(home: Home, clock: Path) -> Process:
    """Start `tocsin daemon` on the replay's clock, so that it takes one turn each time it is asked."""
    extra = {"TOCSIN_ACTOR": "daemon", "TOCSIN_CLOCK": str(clock)}
    return Process(home, "daemon", ["daemon", "--step"], extra)


def peak_mb(pid: int | str) -> float:
    """The peak resident memory of a process, in megabytes, where the system keeps it under /proc."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    except OSError as error:
        raise StoreUnusable(f"{log} cannot be read: {error}", "check the home's permissions") from error
    return lines[-1][:200] if lines else "without a word"
