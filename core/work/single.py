"""One daemon a home: the lock that makes it so, and the standby that waits for it."""

from __future__ import annotations

import fcntl
import os
from threading import Event

from core.clock import SECOND
from core.desk import Desk
from core.errors import NotAllowed
from core.home import Home, home_error

# How often a standby tries the lock, and how often it says that it is there; seconds of real time.
TRY_EVERY = 0.5
TRIES_A_BEAT = 10
# A standby that has not been heard for this long is none.
SILENT_US = 30 * SECOND

BEAT = """INSERT INTO heartbeat(name, at_us, pid) VALUES ('standby', ?, ?)
ON CONFLICT(name) DO UPDATE SET at_us = excluded.at_us, pid = excluded.pid"""
LEAVE = "DELETE FROM heartbeat WHERE name = 'standby' AND pid = ?"
STANDBY = "SELECT at_us FROM heartbeat WHERE name = 'standby'"


class DaemonLock:
    """The lock that makes a daemon the only one of its home; the kernel frees it however the daemon ends."""

    def __init__(self, home: Home) -> None:
        try:
            self._handle = os.open(home.lock_path("daemon"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise NotAllowed(
                f"a daemon already runs on {home.path}", "one is enough; stop it first, or choose another --home"
            ) from None
        except OSError as error:
            raise home_error(home.path, error) from error

    def close(self) -> None:
        """Let another daemon start."""
        os.close(self._handle)


def stand_by(desk: Desk, stopped: Event) -> DaemonLock | None:
    """Wait until no other daemon runs on this home and hold its lock; None where `stopped` comes first.

    While it waits it beats, so that the doctor and the metrics can tell that somebody would take over.
    """
    tries = 0
    try:
        while not stopped.is_set():
            try:
                return DaemonLock(desk.home)
            except NotAllowed:
                if tries % TRIES_A_BEAT == 0:
                    _write(desk, BEAT, desk.now_us(), os.getpid())
            tries += 1
            stopped.wait(TRY_EVERY)
        return None
    finally:
        _write(desk, LEAVE, os.getpid())


def standby_waits(desk: Desk) -> bool:
    """Whether a second daemon was heard lately that waits for the first to end."""
    row = desk.store.one(STANDBY)
    return row is not None and abs(desk.now_us() - int(row["at_us"])) <= SILENT_US


def _write(desk: Desk, sql: str, *values: int) -> None:
    with desk.write() as tx:
        tx.execute(sql, values)
