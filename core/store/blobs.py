"""Files named by the SHA-256 of what they hold: artefacts, snapshots, logs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core import crashpoint
from core.errors import NotFound, StoreUnusable
from core.home import home_error

# A file that is being written, with the number of the process that does.
PART = ".part-"


class Blobs:
    """A folder of immutable files. Writing the same content twice is one file; reading checks the hash.

    `guard` is asked before anything is kept, and may raise.
    """

    def __init__(self, folder: Path, guard: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self._guard = guard

    def path(self, sha256: str) -> Path:
        """Where the content with this hash is, or would be."""
        return self.folder / sha256[:2] / sha256

    def exists(self, sha256: str) -> bool:
        """Whether the content is here (its hash is checked at reading)."""
        return self.path(sha256).is_file()

    def put(self, content: bytes) -> str:
        """Keep content, flushed to disk before it has its name; returns its hash."""
        self._guard()
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        if target.is_file():
            return sha256
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(target, content)
        except OSError as error:
            raise home_error(self.folder, error) from error
        return sha256

    def put_file(self, source: Path) -> str:
        """Keep a copy of a file of any size; returns its hash."""
        import shutil

        with self.part() as part:
            shutil.copyfile(source, part)
            return self.adopt(part)

    @contextmanager
    def part(self) -> Iterator[Path]:
        """An empty file to be written and given to `adopt`; gone at the end where it was not."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = _new_part(self.folder)
        except OSError as error:
            raise home_error(self.folder, error) from error
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def adopt(self, part: Path) -> str:
        """Keep the content of a file made by `part`, moved and not copied; returns its hash."""
        self._guard()
        try:
            sha256 = file_sha256(part)
            target = self.path(sha256)
            if not target.is_file():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _flush(part)
                _give_name(part, target)
        except OSError as error:
            raise home_error(self.folder, error) from error
        return sha256

    def sweep(self) -> int:
        """Remove what writers that died have left behind; returns how many files that were."""
        found = [*self.folder.glob(f"{PART}*"), *self.folder.glob(f"*/{PART}*")]
        left = [part for part in found if not _lives(part.name.removeprefix(PART))]
        for part in left:
            part.unlink(missing_ok=True)
        return len(left)

    def read(self, sha256: str) -> bytes:
        """The content. Raises NotFound where it is missing, StoreUnusable where its hash no longer fits."""
        with self._reading(sha256):
            content = self.path(sha256).read_bytes()
        _require_hash(sha256, hashlib.sha256(content).hexdigest())
        return content

    def verified(self, sha256: str) -> Path:
        """Where the content is, once its hash has been checked a piece at a time; raises as `read` does."""
        path = self.path(sha256)
        with self._reading(sha256):
            found = file_sha256(path)
        _require_hash(sha256, found)
        return path

    @contextmanager
    def _reading(self, sha256: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise NotFound(f"blob {sha256[:12]} is missing", "restore it from a backup, or make it again") from None
        except OSError as error:
            raise home_error(self.folder, error) from error


def file_sha256(path: Path) -> str:
    """The hash of a file's content, read a piece at a time. Raises OSError where it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_hash(wanted: str, found: str) -> None:
    if found != wanted:
        raise StoreUnusable(
            f"blob {wanted[:12]} is damaged: its content no longer has its hash",
            "restore it from a backup; it is not used",
        )


def _write_whole(target: Path, content: bytes) -> None:
    part = _new_part(target.parent)
    try:
        with open(part, "wb") as file:
            file.write(content)
        _flush(part)
        _give_name(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _new_part(folder: Path) -> Path:
    import tempfile

    handle, name = tempfile.mkstemp(dir=folder, prefix=f"{PART}{os.getpid()}-")
    os.close(handle)
    return Path(name)


def _flush(part: Path) -> None:
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    crashpoint.at("blobs.written")


def _give_name(part: Path, target: Path) -> None:
    os.replace(part, target)
    crashpoint.at("blobs.named")


def _lives(part: str) -> bool:
    number = part.partition("-")[0]
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
