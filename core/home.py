"""The home: the one folder that holds a store, its blobs, keys, logs and locks."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreUnusable


@dataclass(frozen=True)
class Home:
    """A folder and the names of what is in it; nothing is created before `prepare`."""

    path: Path

    @classmethod
    def find(cls, option: str | Path | None = None) -> Home:
        """The home named by the option, else by TOCSIN_HOME, else the platform's data folder."""
        chosen = option or os.environ.get("TOCSIN_HOME")
        if chosen:
            return cls(Path(chosen).expanduser().absolute())
        import platformdirs

        return cls(Path(platformdirs.user_data_dir("tocsin")))

    @property
    def store_path(self) -> Path:
        return self.path / "tocsin.db"

    @property
    def blobs_path(self) -> Path:
        return self.path / "blobs"

    @property
    def logs_path(self) -> Path:
        return self.path / "logs"

    @property
    def runbooks_path(self) -> Path:
        return self.path / "runbooks"

    @property
    def settings_path(self) -> Path:
        return self.path / "settings.toml"

    @property
    def clock_path(self) -> Path:
        return self.path / "clock"

    @property
    def key_path(self) -> Path:
        return self.path / "keys" / "ledger.key"

    @property
    def anchors_path(self) -> Path:
        return self.path / "keys" / "anchors.jsonl"

    @property
    def backups_path(self) -> Path:
        return self.path / "backups"

    @property
    def kill_switch_path(self) -> Path:
        """While this file exists nothing is rolled back automatically."""
        return self.path / "no-automatic-rollback"

    def lock_path(self, name: str) -> Path:
        return self.path / "locks" / f"{name}.lock"

    def prepare(self) -> Home:
        """Create the folders, readable by their owner alone. Raises StoreUnusable where the disk says no."""
        try:
            for folder in (self.path, self.blobs_path, self.logs_path, self.key_path.parent, self.path / "locks"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise home_error(self.path, error) from error
        return self


def home_error(path: Path, error: OSError) -> StoreUnusable:
    """An operating-system error about the home, as what a person can do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreUnusable(f"the disk that holds {path} is full", "free some space; nothing was half written")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreUnusable(
            f"the home {path} cannot be written ({os.strerror(error.errno or 0)})",
            "choose another with --home or TOCSIN_HOME, or make it writable",
        )
    return StoreUnusable(f"the home {path} cannot be used: {error}", "choose another with --home or TOCSIN_HOME")
