"""Processes of this machine, by number: when one began, what it runs, and whether it was stopped."""

from __future__ import annotations

import os


def start_of(pid: int) -> str | None:
    """When a process began, as the kernel tells it: with the number it names one process for good. None: no process."""
    try:
        return _stat(pid)[19]
    except (FileNotFoundError, IndexError, ProcessLookupError):
        return _by_ps(pid, "lstart=")


def stopped(pid: int) -> bool:
    """Whether a process is stopped (SIGSTOP, Ctrl-Z, a debugger): alive, and doing nothing."""
    try:
        state = _stat(pid)[0]
    except (FileNotFoundError, IndexError, ProcessLookupError):
        state = _by_ps(pid, "state=") or ""
    return state[:1] in ("T", "t")


def command_of(pid: int) -> str:
    """What a process runs, in one line; empty where nobody says."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as words:
            return " ".join(words.read().replace(b"\0", b" ").decode("utf-8", "replace").split())[:80]
    except OSError:
        return (_by_ps(pid, "command=") or "")[:80]


def _stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()


def _by_ps(pid: int, what: str) -> str | None:
    import subprocess

    if os.path.isdir("/proc/self"):
        return None
    done = subprocess.run(["ps", "-o", what, "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
