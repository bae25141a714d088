"""The copy of the store that is kept before its schema changes, so that a migration can be taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from core import crashpoint
from core.home import Home, home_error
from core.store.copy import copy_store

# The newest this many copies stay; an older one is removed only after a newer one has been checked.
KEPT = 3


def keep_copy(connection: Any, home: Home, version: int, secret: str = "") -> Path:
    """Copy the store beside itself, check the copy and write its SHA-256 beside it; called under the writer's ticket.

    Raises StoreUnusable where it cannot be made or is not sound: then nothing is migrated.
    """
    try:
        home.backups_path.mkdir(mode=0o700, exist_ok=True)
        earlier = kept_copies(home)
        number = int(earlier[-1].name.split("-")[1]) + 1 if earlier else 1
        target = home.backups_path / f"schema-{number:04d}-from-{version}.db"
        # The writer's ticket is ours: a part that is there was left by a process that died.
        part = home.backups_path / ".part-schema"
        part.unlink(missing_ok=True)
        sha256 = copy_store(connection, part, secret)
        crashpoint.at("migrate.copied")
        _write_sum(target, sha256)
        os.replace(part, target)
        crashpoint.at("migrate.kept")
        for old in earlier[: max(0, len(earlier) + 1 - KEPT)]:
            old.unlink(missing_ok=True)
            sum_path(old).unlink(missing_ok=True)
    except OSError as error:
        raise home_error(home.path, error) from error
    return target


def kept_copies(home: Home) -> list[Path]:
    """The copies kept before migrations, oldest first; none where nothing was migrated."""
    return sorted(home.backups_path.glob("schema-[0-9]*-from-*.db"))


def sum_path(path: Path) -> Path:
    """Where the SHA-256 of a copy is, in the form that `sha256sum --check` reads."""
    return path.with_name(f"{path.name}.sha256")


def _write_sum(path: Path, sha256: str) -> None:
    with open(sum_path(path), "w", encoding="utf-8") as beside:
        beside.write(f"{sha256}  {path.name}\n")
        beside.flush()
        os.fsync(beside.fileno())
