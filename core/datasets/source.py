"""What is given to be taken in: where its bytes are, their hash, and the words it is recorded by."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import BadInput, NotFound
from core.store.blobs import file_sha256

# What changes when a file does: its inode, its size, and when it was written, in nanoseconds.
Mark = tuple[int, int, int]


@dataclass(frozen=True)
class Source:
    """A file by its name: `content` is its bytes, or the path they are read from a piece at a time.

    `sha256` is of those bytes. `parts` are the Parquet files of a folder, whose common hash `sha256` then is. `told`
    is recorded as where a snapshot came from, the path where it is empty. `marks` are the files' when they were hashed.
    `rows_only` tells that there is no file of that hash: rows of a query.
    """

    path: Path
    content: bytes | Path
    sha256: str
    told: str = ""
    parts: tuple[Path, ...] = ()
    marks: tuple[tuple[Path, Mark], ...] = ()
    rows_only: bool = False

    @property
    def name(self) -> str:
        """The file's own name, without its folder."""
        return self.path.name

    @property
    def origin(self) -> str:
        """Where it came from, as a snapshot records it."""
        return self.told or str(self.path)

    def open(self) -> BinaryIO:
        """Its bytes from their beginning."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else open(self.content, "rb")

    def read(self) -> bytes:
        """All its bytes; for what is known to be small."""
        with self.open() as file:
            return file.read()

    def require_unchanged(self) -> None:
        """Raise BadInput where the file is no longer the one that was hashed."""
        if any(mark_of(path) != mark for path, mark in self.marks):
            raise BadInput(f"{self.path} changed while it was read", "wait until it is written, then add it again")


def open_source(path: str | Path) -> Source:
    """Hash a file, or the Parquet files of a folder.

    Raises NotFound where there is none, BadInput for a folder of other files, an empty or a closed file.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return _folder(path)
    try:
        mark = mark_of(path)
        sha256 = file_sha256(path)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "check the path; it is read from the current folder") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    if sha256 == hashlib.sha256().hexdigest():
        raise BadInput(f"{path} is empty", "write a header line and rows into it")
    return Source(path, path, sha256, marks=((path, mark),))


def _folder(path: Path) -> Source:
    """The parts of a folder by name. Its hash is of their names and hashes: nothing else of the folder counts."""
    parts = sorted(part for part in path.iterdir() if part.suffix in (".parquet", ".pq") and part.is_file())
    if not parts:
        raise BadInput(f"{path} is a folder", "give one file in it, CSV, TSV, Parquet or JSON Lines, or Parquet parts")
    opened = [open_source(part) for part in parts]
    lines = "".join(f"{each.name}\0{each.sha256}\n" for each in opened)
    marks = tuple(mark for each in opened for mark in each.marks)
    told = f"{path} ({len(parts)} parts)"
    return Source(path, path, hashlib.sha256(lines.encode()).hexdigest(), told, tuple(parts), marks, rows_only=True)


def mark_of(path: Path) -> Mark:
    """A file's mark now. Raises OSError."""
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns
