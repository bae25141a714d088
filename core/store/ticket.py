"""The writer's ticket: a file lock that queues writers fairly, which SQLite's own busy handler does not.

Its file names the process that holds it, so that one which was stopped while it wrote can be told by number.
"""

from __future__ import annotations

import fcntl
import os
import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

from core.errors import StoreUnusable
from core.home import home_error
from core.pid import command_of, start_of, stopped

# How often a writer that waits looks at who holds the ticket, and how long it waits for one that works; seconds.
LOOK_EVERY = 5.0
PATIENCE = 300.0
# The length of what is written into the file: a number, a start time, blanks.
NAME_BYTES = 64


class Holder(NamedTuple):
    """The process that holds the ticket: its number, its command, and whether it was stopped."""

    pid: int
    command: str
    stopped: bool

    @property
    def words(self) -> str:
        """Who it is and what it does, in one line."""
        return f"process {self.pid} ({self.command}), which is {'stopped' if self.stopped else 'at work'}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return f"`kill -CONT {self.pid}` or `tocsin doctor --fix` lets it go on, `kill -9 {self.pid}` ends it"


def take(path: Path) -> int:
    """Wait for the ticket and hold it; the descriptor to close when the writing is done.

    Raises StoreUnusable, naming the holder, where that one was stopped or does not end.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise home_error(path.parent, error) from error
    try:
        if not _free(handle):
            _wait(path, handle)
        _sign(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(path: Path, handle: int) -> None:
    # The kernel's queue is fair and has no time limit: a thread stands in it for us.
    queued = os.dup(handle)
    got = threading.Event()

    def stand() -> None:
        fcntl.flock(queued, fcntl.LOCK_EX)
        # The lock goes with the last descriptor: where nobody waits any more, at once.
        os.close(queued)
        got.set()

    threading.Thread(target=stand, daemon=True).start()
    waited = 0.0
    while not got.wait(LOOK_EVERY):
        waited += LOOK_EVERY
        found = holder(path)
        if found is not None and (found.stopped or waited >= PATIENCE):
            raise StoreUnusable(f"nothing can be written: the store is held by {found.words}", found.hint)


def holder(path: Path) -> Holder | None:
    """Who holds the ticket at this moment; None where nobody does, or nobody can tell who."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _free(handle):
            return None
        pid, _, start = os.pread(handle, NAME_BYTES, 0).decode("ascii", "replace").strip().partition(" ")
    finally:
        os.close(handle)
    if not pid.isdigit() or start_of(int(pid)) != start:
        return None
    return Holder(int(pid), command_of(int(pid)), stopped(int(pid)))


def _sign(handle: int) -> None:
    """Write who holds it; a full disk keeps nobody from writing, only from being named."""
    try:
        os.pwrite(handle, _name(os.getpid()), 0)
    except OSError:
        return


@cache
def _name(pid: int) -> bytes:
    return f"{pid} {start_of(pid) or ''}".ljust(NAME_BYTES - 1).encode() + b"\n"
