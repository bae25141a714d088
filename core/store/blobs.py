"""Files named by the SHA-256 of what they hold: artefacts, snapshots, logs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
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
        """Keep a file's content; returns its hash."""
        return self.put(source.read_bytes())

    def sweep(self) -> int:
        """Remove what writers that died have left behind; returns how many files that were."""
        left = [part for part in self.folder.glob(f"*/{PART}*") if not _lives(part.name.removeprefix(PART))]
        for part in left:
            part.unlink(missing_ok=True)
        return len(left)

    def read(self, sha256: str) -> bytes:
        """The content. Raises NotFound where it is missing, StoreUnusable where its hash no longer fits."""
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"blob {sha256[:12]} is missing", "restore it from a backup, or make it again") from None
        except OSError as error:
            raise home_error(self.folder, error) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StoreUnusable(
                f"blob {sha256[:12]} is damaged: its content no longer has its hash",
                "restore it from a backup; it is not used",
            )
        return content


def _write_whole(target: Path, content: bytes) -> None:
    import tempfile

    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{PART}{os.getpid()}-")
    try:
        with os.fdopen(handle, "wb") as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        crashpoint.at("blobs.written")
        os.replace(name, target)
        crashpoint.at("blobs.named")
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lives(part: str) -> bool:
    number = part.partition("-")[0]
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
