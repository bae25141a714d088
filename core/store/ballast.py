"""A file that is given up when the disk is full, so that a clean-up still finds room to commit."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import CheckFailed
from core.home import Home, home_error

BYTES = 1 << 20
# It is made only where so much is free: it must not take what a clean-up needs.
ROOM = 4 * BYTES


class Ballast:
    """The reserve of one home."""

    def __init__(self, home: Home) -> None:
        self._path = home.path / "ballast"

    def is_there(self) -> bool:
        """Whether it is there in its full length."""
        try:
            return self._path.stat().st_size == BYTES
        except FileNotFoundError:
            return False

    def keep(self) -> None:
        """Make it where it is gone. Raises CheckFailed where there is no room for it yet, StoreUnusable."""
        if self.is_there():
            return
        room = free_bytes(self._path.parent)
        if room < ROOM:
            raise CheckFailed(
                f"only {room / 1e6:.1f} MB are left on the disk", "free some space: the reserve for a full disk is gone"
            )
        try:
            self._path.write_bytes(b"\0" * BYTES)
        except OSError as error:
            self.release()
            raise home_error(self._path.parent, error) from error

    def release(self) -> None:
        """Give its room to whoever writes next."""
        self._path.unlink(missing_ok=True)


def free_bytes(folder: Path) -> int:
    """What can still be written to the disk that holds a folder. Raises StoreUnusable."""
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise home_error(folder, error) from error
    return found.f_bavail * found.f_frsize
