"""What the endpoint keeps on its own disk: model files by hash, which version is active, and the keys it has obeyed."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from core.errors import NotAllowed, StoreUnusable
from core.home import home_error
from core.store import Blobs

FORMAT = 1
KEYS_KEPT = 1000


class Shelf:
    """A state folder of one endpoint process, held by a lock; every change is whole on disk before it is told.

    Raises NotAllowed where another process serves from the folder, StoreUnusable where it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise NotAllowed(f"another endpoint serves from {folder}", "stop it, or choose another --state") from None
        except OSError as error:
            raise home_error(folder, error) from error
        self.blobs = Blobs(folder / "artefacts")
        self.versions: dict[str, dict[int, str]] = {}
        self.active: dict[str, int] = {}
        self.keys: dict[str, tuple[str, int]] = {}
        self._read()

    def close(self) -> None:
        """Let another process serve from the folder."""
        os.close(self._lock)

    def place(self, model: str, version: int, sha256: str, content: bytes) -> None:
        """Keep a model file. What is on disk under its hash but damaged is replaced."""
        if self.blobs.exists(sha256):
            try:
                self.blobs.read(sha256)
            except StoreUnusable:
                self.blobs.path(sha256).unlink(missing_ok=True)
        self.blobs.put(content)
        versions = {**self.versions, model: {**self.versions.get(model, {}), version: sha256}}
        self._write(versions, self.active, self.keys)
        self.versions = versions

    def read(self, model: str, version: int) -> bytes:
        """A kept model file. Raises KeyError where it was never placed, StoreUnusable or NotFound where it is gone."""
        return self.blobs.read(self.versions[model][version])

    def activate(self, model: str, version: int, key: str) -> None:
        """Make a version the active one, and remember the key that asked for it, in one write."""
        active = {**self.active, model: version}
        keys = {**self.keys, key: (model, version)} if key else self.keys
        keys = dict(list(keys.items())[-KEYS_KEPT:])
        self._write(self.versions, active, keys)
        self.active, self.keys = active, keys

    def _write(
        self, versions: dict[str, dict[int, str]], active: dict[str, int], keys: dict[str, tuple[str, int]]
    ) -> None:
        told = [[key, *what] for key, what in keys.items()]
        state = {"format": FORMAT, "versions": versions, "active": active, "keys": told}
        write_whole(self.folder / "state.json", json.dumps(state).encode())

    def _read(self) -> None:
        path = self.folder / "state.json"
        try:
            state = json.loads(path.read_bytes())
            self._take(state)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreUnusable(
                f"the endpoint's state {path} is damaged: {error}",
                "move the folder away and start again: the console deploys what should be active",
            ) from error

    def _take(self, state: dict[str, Any]) -> None:
        if state["format"] != FORMAT:
            raise ValueError(f"format {state['format']!r} is not known")
        for model, versions in state["versions"].items():
            self.versions[str(model)] = {int(version): str(sha256) for version, sha256 in versions.items()}
        self.active = {str(model): int(version) for model, version in state["active"].items()}
        self.keys = {str(key): (str(model), int(version)) for key, model, version in state["keys"]}


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file by whole content, flushed to disk before it has the name. Raises StoreUnusable."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        with os.fdopen(handle, "wb") as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        os.replace(name, path)
    except OSError as error:
        raise home_error(path.parent, error) from error
