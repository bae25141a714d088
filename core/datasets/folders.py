"""Drop folders: which folders' files are taken into which data set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.clock import SECOND
from core.datasets import drop, rows
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.store import Row, Store, Tx

QUIET_US = 5 * SECOND

ALL = "SELECT * FROM drop_folder ORDER BY path"
ONE = "SELECT * FROM drop_folder WHERE path = ?"
SAVE = """INSERT INTO drop_folder(path, dataset, quiet_us, added_us) VALUES (?, ?, ?, ?)
ON CONFLICT(path) DO UPDATE SET quiet_us = excluded.quiet_us"""
REMOVE = "DELETE FROM drop_folder WHERE path = ?"


@dataclass(frozen=True)
class Folder:
    """A watched folder. A file in it is taken once it has not changed for `quiet_us`."""

    path: Path
    dataset: str
    quiet_us: int
    added_us: int

    @classmethod
    def of(cls, row: Row) -> Folder:
        """The folder of a row of the `drop_folder` table."""
        return cls(Path(row["path"]), row["dataset"], row["quiet_us"], row["added_us"])

    @property
    def waiting(self) -> int | None:
        """How many files are there to be taken; None where the folder cannot be read."""
        try:
            return len(drop.files(self.path))
        except OSError:
            return None


def folders(store: Store | Tx) -> list[Folder]:
    """All watched folders, by path."""
    return [Folder.of(row) for row in store.read(ALL)]


def planned(desk: Desk, dataset: str, folder: str | Path, quiet_us: int = QUIET_US) -> Folder:
    """What `watch` would save, with nothing written; raises what `watch` raises."""
    path = Path(folder).expanduser().resolve()
    rows.contract(desk.store, dataset)
    if not path.is_dir():
        raise BadInput(f"{path} is no folder", "make it first, or check the path")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise BadInput(f"{path} cannot be written", "its files are moved to done/ or quarantine/ in it: check its mode")
    if path == desk.home.path or desk.home.path in path.parents:
        raise BadInput(f"{path} is inside the home", "choose a folder of its own")
    _require_free(desk.store, path, dataset)
    return Folder(path, dataset, quiet_us, desk.now_us())


def watch(desk: Desk, dataset: str, folder: str | Path, quiet_us: int = QUIET_US) -> Folder:
    """Take the files of a folder into a data set from now on; a folder that is watched already gets the new quiet span.

    Raises NotFound for a data set without a contract (its first file is added by hand, so that somebody has looked
    at what it promises), BadInput for a folder that cannot be used or belongs to another data set.
    """
    found = planned(desk, dataset, folder, quiet_us)
    with desk.write() as tx:
        _require_free(tx, found.path, dataset)
        tx.execute(SAVE, (str(found.path), dataset, quiet_us, found.added_us))
        desk.record(tx, "dataset.watched", data={"dataset": dataset, "quiet_us": quiet_us})
    return found


def watched(desk: Desk, dataset: str, folder: str | Path) -> Folder:
    """The watched folder of a data set at a path. Raises NotFound."""
    row = desk.store.one(ONE, (str(Path(folder).expanduser().resolve()),))
    if row is None or row["dataset"] != dataset:
        raise NotFound(f"{folder} is not watched for {dataset!r}", "`tocsin dataset watch --list` shows what is")
    return Folder.of(row)


def unwatch(desk: Desk, dataset: str, folder: str | Path) -> Folder:
    """Leave a folder alone from now on; a file that was about to be taken is put back into it. Raises NotFound."""
    found = watched(desk, dataset, folder)
    with desk.write() as tx:
        tx.execute(REMOVE, (str(found.path),))
        desk.record(tx, "dataset.unwatched", data={"dataset": dataset})
    drop.put_back(desk.home, found.path)
    return found


def _require_free(store: Store | Tx, path: Path, dataset: str) -> None:
    row = store.one(ONE, (str(path),))
    if row is not None and row["dataset"] != dataset:
        raise BadInput(f"{path} is watched for {row['dataset']!r}", "remove it there first, or use another folder")
