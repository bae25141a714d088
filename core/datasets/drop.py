"""Take the files of one folder, each content exactly once: claim, read, one transaction, move.

A file is renamed into `.taking/`, where nobody writes under its name any more; read between two equal stats; made a
snapshot or an entry in quarantine in one transaction; and moved to `done/` or `quarantine/`. Killed before the commit,
it waits in `.taking/` as if nothing had been; killed after it, its content is recognised and it is only moved.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from core.datasets import ingest, rows
from core.datasets.source import Source
from core.desk import Desk
from core.errors import BadInput, CheckFailed, TocsinError
from core.home import Home

TAKING, DONE, REFUSED = ".taking", "done", "quarantine"
# Names that programs give to what they are still writing.
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")

# What changes when a file does: its inode, its size, and when it was written, in nanoseconds.
Signature = tuple[int, int, int]
# Takes the file at a path of a folder into a data set, and says where it went.
Take: TypeAlias = Callable[[Desk, Path, str, Path, Signature], str | None]


@dataclass
class Seen:
    """What earlier scans of a folder saw: each file's signature, and since when it has had it."""

    files: dict[Path, tuple[Signature, int]] = field(default_factory=dict)


@dataclass
class Scan:
    """What one scan came to: files taken and refused; `unsettled` have changed lately, `left` had no turn.

    `closed` is one that we may not read.
    """

    taken: int = 0
    refused: int = 0
    unsettled: int = 0
    left: int = 0
    closed: Path | None = None


def files(folder: Path) -> list[tuple[Path, Signature]]:
    """The files to be taken, oldest first: those claimed by an ingester that died, and those dropped.

    Raises OSError where the folder cannot be read.
    """
    found = _regular(folder)
    taking = folder / TAKING
    if taking.is_dir():
        found += _regular(taking)
    return sorted(found, key=lambda one: (one[1][2], one[0].name))


def scan(
    desk: Desk,
    folder: Path,
    dataset: str,
    quiet_us: int,
    seen: Seen,
    go_on: Callable[[], bool] = lambda: True,
    take_one: Take | None = None,
) -> Scan:
    """Take every file that has been quiet, until `go_on` says no; another ingester at the same folder is left alone.

    Each is taken by `take_one`, without one by `take` in this process.
    Raises OSError where the folder cannot be read or changed, StoreUnusable where the store cannot be written.
    """
    done, take_one = Scan(), take_one or take
    with _alone(desk.home, folder, wait=False) as mine:
        if not mine:
            return done
        for name in (TAKING, DONE, REFUSED):
            (folder / name).mkdir(exist_ok=True)
        ready = _quiet(desk.now_us(), files(folder), quiet_us, seen, done)
        for number, (path, signature) in enumerate(ready):
            if not go_on():
                done.left = len(ready) - number
                break
            if not os.access(path, os.R_OK):
                done.closed = path if path.exists() else done.closed
                continue
            _count(done, take_one(desk, folder, dataset, path, signature))
    return done


def put_back(home: Home, folder: Path) -> None:
    """Give claimed files their place in the folder again, where no newer file has taken it."""
    taking = folder / TAKING
    with _alone(home, folder, wait=True):
        for path, _ in _regular(taking) if taking.is_dir() else []:
            if not (folder / path.name).exists():
                os.rename(path, folder / path.name)


def _regular(folder: Path) -> list[tuple[Path, Signature]]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower().endswith(UNFINISHED):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                found.append((folder / entry.name, _signature(status)))
    return found


def _signature(status: os.stat_result) -> Signature:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _quiet(
    now_us: int, found: list[tuple[Path, Signature]], quiet_us: int, seen: Seen, done: Scan
) -> list[tuple[Path, Signature]]:
    """The files that have had one signature for the quiet span.

    It is counted from when we first saw it, because a copying program may give a file the time of its original.
    """
    now_seen: dict[Path, tuple[Signature, int]] = {}
    ready = []
    for path, signature in found:
        before, since_us = seen.files.get(path, (None, now_us))
        if before != signature or since_us > now_us:
            since_us = now_us
        now_seen[path] = signature, since_us
        if now_us - since_us >= quiet_us:
            ready.append((path, signature))
    seen.files = now_seen
    done.unsettled = len(found) - len(ready)
    return ready


def _count(done: Scan, place: str | None) -> None:
    done.taken += place == DONE
    done.refused += place == REFUSED
    done.unsettled += place is None


def take(desk: Desk, folder: Path, dataset: str, path: Path, signature: Signature) -> str | None:
    """Take one file and say where it went; None where it is gone or has changed, and a later scan sees it again."""
    try:
        claimed = _claim(folder, path)
        content = _steady(claimed, signature) if claimed else None
    except FileNotFoundError:
        return None
    if claimed is None or content is None:
        return None
    source = Source(folder / path.name, content, hashlib.sha256(content).hexdigest())
    place = _ingest(desk, dataset, source)
    _move(claimed, folder / place, source.sha256)
    return place


def refuse(desk: Desk, folder: Path, dataset: str, path: Path, reason: str) -> str | None:
    """Put a file into quarantine without parsing it, and say where it went; None where it is gone meanwhile."""
    try:
        claimed = _claim(folder, folder / TAKING / path.name if (folder / TAKING / path.name).exists() else path)
        content = claimed.read_bytes() if claimed else b""
    except FileNotFoundError:
        return None
    if claimed is None:
        return None
    source = Source(folder / path.name, content, hashlib.sha256(content).hexdigest())
    # It may have ended its reader after the commit: then it was taken.
    place = DONE if rows.by_content(desk.store, dataset, source.sha256) else REFUSED
    if place == REFUSED:
        ingest.refuse(desk, dataset, source, reason)
    _move(claimed, folder / place, source.sha256)
    return place


def _claim(folder: Path, path: Path) -> Path | None:
    """Its place among those being taken; None where another file of that name still is there."""
    claimed = folder / TAKING / path.name
    if path != claimed:
        if claimed.exists():
            return None
        os.rename(path, claimed)
    return claimed


def _steady(path: Path, signature: Signature) -> bytes | None:
    """A file's bytes, where it was the same file before and after they were read."""
    with open(path, "rb") as file:
        before = _signature(os.fstat(file.fileno()))
        content = file.read()
    return content if before == signature == _signature(os.stat(path)) else None


def _ingest(desk: Desk, dataset: str, source: Source) -> str:
    try:
        if not source.content:
            raise BadInput(f"{source.path} is empty", "write a header line and rows into it")
        ingest.take(desk, source, dataset)
    except CheckFailed:
        return REFUSED
    except BadInput as error:
        # Its folder is this machine's own affair: the reason is told in the ledger, and names the file alone.
        ingest.refuse(desk, dataset, source, error.message.replace(str(source.path), source.name))
        return REFUSED
    except TocsinError:
        raise
    except Exception as error:  # noqa: BLE001 - one file nobody can read must not end the daemon, at every start again
        ingest.refuse(desk, dataset, source, f"it could not be taken in: {type(error).__name__}")
        return REFUSED
    return DONE


def _move(path: Path, place: Path, sha256: str) -> None:
    target = place / path.name
    if target.exists():
        target = place / f"{sha256[:12]}-{path.name}"
    os.rename(path, target)


@contextmanager
def _alone(home: Home, folder: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process alone is at a folder; with `wait` it waits until it is."""
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    handle = os.open(home.lock_path(f"folder-{name}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _locked(handle, wait)
    finally:
        os.close(handle)


def _locked(handle: int, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
