"""Mend what can be mended without losing anything: what `tocsin doctor --fix` does."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.desk import Desk
from core.errors import TocsinError
from core.settings import require_writable
from core.store import space, ticket
from core.work.claim import owner_lives

# A part of a file that was not touched for this long belongs to nobody: a living writer holds it for seconds.
STALE_SECONDS = 3600
OWNER = re.compile(r"(?P<name>.+-(?P<pid>\d+))\.lock")
DEAD = "SELECT count(*) AS n FROM outbox WHERE state = 'dead'"


@dataclass(frozen=True)
class Mended:
    """One thing that was looked after: `done` is whether anything was changed, `said` what."""

    what: str
    done: bool
    said: str


def mend(desk: Desk, *, dry_run: bool = False) -> list[Mended]:
    """Do every safe repair, or with `dry_run` say which would be done; one that fails says so and the others go on.

    Raises NotAllowed in a home set to read-only.
    """
    if not dry_run:
        require_writable(desk.home)
    mended: list[Mended] = []
    for what, repair in REPAIRS.items():
        try:
            done, said = repair(desk, dry_run)
        except TocsinError as error:
            done, said = False, error.message
        mended.append(Mended(what, done, said))
    return mended


def _writers(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    found = ticket.holder(desk.home.lock_path("writer"))
    if found is None or not found.stopped:
        return False, "no stopped process holds up the store"
    if not dry_run:
        try:
            os.kill(found.pid, signal.SIGCONT)
        except PermissionError:
            return False, f"{found.words}, is another user's: {found.hint}"
    return True, f"process {found.pid} ({found.command}) was stopped while it wrote: it goes on"


def _log(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    size = desk.store.log_bytes()
    if not size:
        return False, "the log is empty"
    if dry_run:
        return True, f"{size / 1e6:.1f} MB of the log to be written back"
    if not desk.store.checkpoint():
        return False, f"somebody reads {size / 1e6:.1f} MB of the log: left for the next time"
    return True, f"{size / 1e6:.1f} MB of the log written back"


def _ballast(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    if desk.store.ballast.is_there():
        return False, "the reserve for a full disk is there"
    if not dry_run:
        desk.store.ballast.keep()
    return True, "the reserve for a full disk was gone: made again"


def _space(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    found = space.space(desk.store)
    if found.gives_back and found.free <= found.slack:
        return False, f"{found.free / 1e6:.1f} MB of the store's file are free: they are filled again first"
    if dry_run:
        return True, f"{found.free / 1e6:.1f} MB of the store's file to be given back"
    given = space.give_back(desk.store, found.free) if found.gives_back else space.rewrite(desk.store)
    desk.store.checkpoint()
    return True, f"{given / 1e6:.1f} MB of the store's file given back"


def _locks(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    stale = [path for path in sorted(desk.home.lock_path("x").parent.glob("*.lock")) if _is_stale(desk, path)]
    return _removed(stale, "locks of dead processes", dry_run)


def _is_stale(desk: Desk, path: Path) -> bool:
    # Locks without a process number are shared by name: to remove one could give it to two at once.
    match = OWNER.fullmatch(path.name)
    return match is not None and not _pid_lives(int(match["pid"])) and not owner_lives(desk.home, match["name"])


def _pid_lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _parts(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    before = time.time() - STALE_SECONDS
    folders = (
        desk.home.blobs_path.glob("??/.part-*"),
        desk.home.key_path.parent.glob(".ledger.key.*"),
        desk.home.path.glob(".part-*"),
    )
    found = sorted(path for paths in folders for path in paths if path.is_file() and path.stat().st_mtime < before)
    return _removed(found, "temporary files", dry_run)


def _removed(paths: list[Path], what: str, dry_run: bool) -> tuple[bool, str]:
    if not paths:
        return False, f"no {what}"
    for path in () if dry_run else paths:
        path.unlink(missing_ok=True)
    return True, f"{len(paths)} {what} removed"


def _outbox(desk: Desk, dry_run: bool) -> tuple[bool, str]:
    dead = desk.store.read(DEAD)[0]["n"]
    if not dead:
        return False, "nothing was given up"
    return False, f"{dead} messages were given up and are left alone: sending them again is a person's choice"


REPAIRS: dict[str, Callable[[Desk, bool], tuple[bool, str]]] = {
    "writers": _writers,
    "log": _log,
    "ballast": _ballast,
    "space": _space,
    "locks": _locks,
    "parts": _parts,
    "outbox": _outbox,
}
