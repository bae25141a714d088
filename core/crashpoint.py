"""Named points where a test can make this process die: TOCSIN_CRASH_AT=name:how, with how kill, term, raise or enospc.

`at(name)` stands between two steps whose order matters. Without the variable it does nothing. `TOCSIN_CRASH_ONCE=FILE`
lets only the first process that gets there die: it makes the file, and where the file exists nobody dies.
"""

from __future__ import annotations

import errno
import os
import signal

HOWS = ("kill", "term", "raise", "enospc")
POINTS = (
    "blobs.named",
    "blobs.written",
    "deliver.activated",
    "deliver.claimed",
    "deliver.placed",
    "deliver.settled",
    "ingest.kept",
    "ingest.read",
    "ingest.recorded",
    "migrate.applied",
    "migrate.committing",
    "migrate.copied",
    "migrate.kept",
    "migrate.step",
    "outbox.put",
    "score.ended",
    "score.joined",
    "score.named",
    "score.recorded",
    "score.written",
    "search.trial",
    "store.begun",
    "store.committed",
    "store.committing",
    "telemetry.counted",
    "telemetry.fetched",
    "work.beaten",
    "work.claimed",
    "work.ended",
    "work.finishing",
    "work.planned",
    "work.recovered",
    "work.reported",
    "work.spawned",
)


class Crashed(RuntimeError):
    """What `raise` raises: an error that nobody expects."""


def _nothing(name: str) -> None:
    return


def _crash(name: str) -> None:
    if name != WHERE or not _first():
        return
    if HOW == "raise":
        raise Crashed(f"crash point {name}")
    if HOW == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.kill(os.getpid(), signal.SIGKILL if HOW == "kill" else signal.SIGTERM)


def _first() -> bool:
    once = os.environ.get("TOCSIN_CRASH_ONCE")
    if once is None:
        return True
    try:
        os.close(os.open(once, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


WHERE, _, HOW = os.environ.get("TOCSIN_CRASH_AT", "").partition(":")
at = _crash if WHERE else _nothing
