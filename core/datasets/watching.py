"""The daemon's turn at the drop folders: when to scan, and what to say when a folder cannot be."""

from __future__ import annotations

import time
from pathlib import Path

from core.clock import SECOND
from core.datasets import drop
from core.datasets.folders import Folder, folders
from core.datasets.hints import Hints
from core.datasets.reader import Reader
from core.desk import Desk
from core.errors import BadInput

SCAN_EVERY_US = 30 * SECOND
# A turn ends after so many seconds of real time, whatever is left: a daemon told to stop waits for it.
TURN = 5.0


class Watcher:
    """Scans the folders at its first turn, every 30 seconds, when a file has become quiet, and on hints of a change."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._hints = Hints()
        self._reader = Reader(desk)
        self._seen: dict[Path, drop.Seen] = {}
        self._next_us = 0
        self._error: BadInput | None = None

    def turn(self) -> None:
        """Scan where it is time to. Raises BadInput for a folder that cannot be scanned, until it can be."""
        watched = folders(self._desk.store)
        now = self._desk.now_us()
        waits = now < self._next_us <= now + SCAN_EVERY_US
        hinted = self._hints.take()
        if hinted or not waits or {folder.path for folder in watched} != self._seen.keys():
            self._scan(watched, now)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the observers and the reader."""
        self._hints.close()
        self._reader.close()

    def _scan(self, watched: list[Folder], now: int) -> None:
        self._hints.follow(folder.path for folder in watched)
        self._seen = {folder.path: self._seen.get(folder.path, drop.Seen()) for folder in watched}
        self._error = None
        until = time.monotonic() + TURN
        waits = [SCAN_EVERY_US, *(self._one(folder, until) for folder in watched)]
        self._next_us = now + min(waits)

    def _one(self, folder: Folder, until: float) -> int:
        """Scan one folder; how long it can do without the next scan, in microseconds."""
        seen = self._seen[folder.path]
        try:
            done = drop.scan(
                self._desk,
                folder.path,
                folder.dataset,
                folder.quiet_us,
                seen,
                lambda: time.monotonic() < until,
                self._reader.take,
            )
        except OSError as error:
            self._hints.forget(folder.path)
            self._error = BadInput(f"{folder.path} cannot be scanned: {error.strerror}", "mount it, or check its mode")
            return SCAN_EVERY_US
        if done.closed is not None:
            self._error = BadInput(f"{done.closed} cannot be read", "check its permissions, or move it away")
        if done.left:
            return 0
        return folder.quiet_us if done.unsettled else SCAN_EVERY_US
