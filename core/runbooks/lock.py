"""One process at a time acts in a walk; the kernel frees the lock however that process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import NotAllowed
from core.home import Home, home_error


@contextmanager
def alone(home: Home, walk: int) -> Iterator[None]:
    """Hold a walk. Raises NotAllowed while another process acts in it."""
    handle = _open(home, walk)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotAllowed(f"another process is at a step of walk {walk}", "wait until it has ended") from None
    finally:
        os.close(handle)


def _open(home: Home, walk: int) -> int:
    try:
        return os.open(home.lock_path(f"walk-{walk}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise home_error(home.path, error) from error
