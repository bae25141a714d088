"""A job's process as its runner sees it: what it said, what it used, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from core.work.limits import HINT, Limits
from core.work.logs import Capture
from core.work.memory import NEAR, kernel_kills, native_end, says_so
from core.work.rows import Run


@dataclass
class Child:
    """A running job: its process, the descriptor it reports on, and what it has said so far."""

    run: Run
    process: subprocess.Popen[bytes]
    report: int
    started: str
    limits: Limits
    log: Capture
    born: float
    pending: bytes = b""
    progress: float | None = None
    text: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    beaten: float = 0.0
    beaten_progress: float = 0.0
    cancelled: float | None = None
    too_long: bool = False
    kills_before: int = field(default_factory=kernel_kills)

    @property
    def error(self) -> str:
        """The error it reported, with its hint."""
        hint = self.said.get("hint")
        return str(self.said["error"]) + (f" ({hint})" if hint else "")

    @property
    def overdue(self) -> bool:
        """Whether it has run longer than its limit."""
        return self.limits.wall_seconds is not None and time.monotonic() - self.born > self.limits.wall_seconds


def reap(child: Child, *, wait: bool = False) -> tuple[int, int] | None:
    """What an ended process used: CPU milliseconds and peak resident kilobytes; None while it lives.

    With `wait` its end is waited for.
    """
    pid, status, usage = os.wait4(child.process.pid, 0 if wait else os.WNOHANG)
    if pid == 0:
        return None
    child.process.returncode = os.waitstatus_to_exitcode(status)
    rss_kb = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return int(1000 * (usage.ru_utime + usage.ru_stime)), rss_kb


def listen(child: Child) -> None:
    """Take in what a job has said of its progress and its end."""
    while True:
        try:
            chunk = os.read(child.report, 65_536)
        except BlockingIOError:
            break
        if not chunk:
            break
        child.pending += chunk
    *lines, child.pending = child.pending.split(b"\n")
    for line in lines:
        said = json.loads(line)
        child.progress = said.get("progress", child.progress)
        child.text = said.get("text", child.text)
        child.said.update(said)


def ran_out_of_memory(child: Child, code: int, rss_kb: int, log: str) -> bool:
    """Whether a process that reported nothing died for want of memory, by all that can be told from outside."""
    if says_so(_tail(log)):
        return True
    if code == -signal.SIGKILL and kernel_kills() > child.kills_before:
        return True
    limit = child.limits.memory_mb
    return limit is not None and bool(native_end(code)) and rss_kb >= NEAR * 1024 * limit


def last_words(child: Child, code: int, log: str) -> str:
    """How a process that reported nothing ended: the last line of its log, or its exit."""
    lines = _tail(log).strip().splitlines()
    said = lines[-1].strip()[:300] if lines else f"it ended with {code} and no report"
    if native_end(code) and child.limits.memory_mb:
        return f"{said} ({native_end(code)}, perhaps out of memory: its limit is {child.limits.memory_mb} MB; {HINT})"
    return said


def _tail(path: str) -> str:
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.path.getsize(path) - 4096))
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""
