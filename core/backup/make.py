"""Write a home into one file while others write to it."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core import __version__, ledger
from core.backup import manifest
from core.backup.manifest import Manifest, Part
from core.backup.named import missing_blobs
from core.desk import Desk
from core.errors import BadInput
from core.home import home_error
from core.store.copy import StoreCopy, hash_file

PLAIN = ("settings.toml", "keys.toml", "no-automatic-rollback")


def make(desk: Desk, target: Path, *, keys: bool) -> Manifest:
    """Write the store as it is at one instant, every whole blob, the settings and the runbooks to a new archive.

    Anchors always come along; the other keys only where `keys` says so, because whoever has them can write a ledger
    that verifies and open what they encrypt. Raises BadInput where the target exists, StoreUnusable where the disk
    says no or the store's copy is not sound; a half-written archive never has its name.
    """
    if target.exists():
        raise BadInput(f"{target} exists already", "a backup is never overwritten: choose another name")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
            return _write(desk, Path(folder), target, keys)
    except OSError as error:
        raise home_error(target.parent, error) from error


def _write(desk: Desk, folder: Path, target: Path, keys: bool) -> Manifest:
    # The anchors first: whatever they name is in the copy that is made after them.
    (folder / "anchors").write_bytes(_content(desk.home.anchors_path))
    sha256 = desk.store.copy_to(folder / "store")
    copy = StoreCopy(folder / "store", desk.store.secret)
    try:
        found = ledger.verify(copy, None)
        missing = missing_blobs(copy, desk.blobs)
        version = int(copy.read("PRAGMA user_version")[0]["user_version"])
    finally:
        copy.close()
    sources = {manifest.STORE: folder / "store", **dict(_files(desk, keys)), manifest.ANCHORS: folder / "anchors"}
    parts = [
        Part(name, path.stat().st_size, sha256 if name == manifest.STORE else hash_file(path))
        for name, path in sources.items()
    ]
    damaged = {f"blob {part.path[-64:]}" for part in parts if _is_damaged(part)}
    parts = [part for part in parts if not _is_damaged(part)]
    made = Manifest(
        manifest.FORMAT,
        __version__,
        desk.now_us(),
        version,
        found.events,
        found.head,
        keys,
        parts,
        sorted(damaged.union(f"blob {sha}" for sha in missing)),
    )
    _archive(folder / "archive", made, sources)
    os.replace(folder / "archive", target)
    return made


def _files(desk: Desk, keys: bool) -> Iterator[tuple[str, Path]]:
    home = desk.home
    yield from ((name, home.path / name) for name in PLAIN if (home.path / name).is_file())
    for path in sorted(home.runbooks_path.rglob("*")):
        yield from _placed(home.path, path)
    for path in sorted(home.blobs_path.glob("??/*")):
        yield from _placed(home.path, path)
    for path in sorted(home.key_path.parent.rglob("*")) if keys else ():
        yield from _placed(home.path, path)


def _placed(home: Path, path: Path) -> Iterator[tuple[str, Path]]:
    name = path.relative_to(home).as_posix()
    if path.is_file() and manifest.PLACES.fullmatch(name) and name != manifest.ANCHORS:
        yield name, path


def _is_damaged(part: Part) -> bool:
    return part.path.startswith("blobs/") and not part.path.endswith(part.sha256)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _archive(target: Path, made: Manifest, sources: dict[str, Path]) -> None:
    text, sums = manifest.encode(made)
    handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as written:
        with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content in ((manifest.NAME, text), (manifest.SUM_NAME, sums)):
                archive.addfile(_member(name, len(content), made.made_us), io.BytesIO(content))
            for part in made.parts:
                with open(sources[part.path], "rb") as content_of:
                    archive.addfile(_member(part.path, part.bytes, made.made_us), content_of)
        written.flush()
        os.fsync(written.fileno())


def _member(name: str, size: int, made_us: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, made_us // 1_000_000
    return member
