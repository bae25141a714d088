"""Bring a home back from a backup: everything is checked before anything is replaced."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

from core.access import secrets
from core.backup import manifest
from core.backup.manifest import Manifest, Part
from core.backup.named import missing_blobs
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound, StoreUnusable, TocsinError
from core.home import Home, home_error
from core.ledger import anchors
from core.ledger.chain import key_of
from core.settings import load as load_settings
from core.settings import require_writable
from core.store import Blobs, driver
from core.store.copy import CHUNK, StoreCopy
from core.store.migrate import SCHEMA_VERSION
from core.work.claim import owner_lives


@dataclass(frozen=True)
class Restored:
    """What a restore did: what the backup holds, and where the home that was there before is kept, if any was."""

    manifest: Manifest
    aside: Path | None


def restore(
    source: Path, home: Home, *, keys_from: Path | None = None, actor: str = "", check: bool = False
) -> Restored:
    """Unpack a backup beside the home, verify it, and put it in the home's place; with `check` only verify it.

    Verified are the hash of every part, SQLite's integrity, the foreign keys, every named blob, and the ledger's
    chain with its keys and anchors. The keys are the backup's own, else those of `keys_from`, else the home's. The
    home that was there is renamed, never removed, and the restore is an event of the new one's ledger, unless that is
    set to read-only.
    Raises NotFound, BadInput or StoreUnusable for a file that is no sound backup, CheckFailed where its ledger does
    not verify, NotAllowed while a daemon runs or the home is set to read-only; the home is then as it was.
    """
    if not source.is_file():
        raise NotFound(f"there is no backup {source}", "`tocsin backup FILE` makes one")
    if not check:
        require_writable(home)
    if not check and owner_lives(home, "daemon"):
        raise NotAllowed(f"a daemon runs on {home.path}", "stop it first; nothing was changed")
    try:
        home.path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home.path.parent, prefix=f".{home.path.name}.restoring-"))
        try:
            found = _unpack(source, folder)
            _take_keys(found, Home(folder), keys_from or home.key_path.parent)
            _prove(found, Home(folder))
            aside = None if check else _replace(folder, home)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise home_error(home.path, error) from error
    if not check:
        _tell(found, home, actor)
    return Restored(found, aside)


def _unpack(source: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(source, "r:") as archive:
            found = manifest.decode(_small(archive, manifest.NAME), _small(archive, manifest.SUM_NAME))
            waiting = {part.path: part for part in found.parts}
            for member in archive:
                part = waiting.pop(member.name, None)
                content = archive.extractfile(member) if part and member.isreg() else None
                if part and content:
                    _unpack_part(content, part, folder)
                elif member.name not in (manifest.NAME, manifest.SUM_NAME):
                    raise StoreUnusable(
                        f"the backup holds {member.name!r}, which is not in its manifest", "use another"
                    )
    except (tarfile.TarError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise BadInput(f"{source} is no whole backup: {error}", "give a file that `tocsin backup` wrote") from error
    if waiting:
        raise StoreUnusable(f"the backup lacks {len(waiting)} parts, first {min(waiting)}", "use another backup")
    return found


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.next()
    content = archive.extractfile(member) if member and member.name == name and member.isreg() else None
    if content is None:
        raise BadInput("the file has no manifest where a backup has it", "give a file that `tocsin backup` wrote")
    return content.read()


def _unpack_part(content: IO[bytes], part: Part, folder: Path) -> None:
    target = folder / part.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, length = hashlib.sha256(), 0
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        while piece := content.read(CHUNK):
            digest.update(piece)
            length += len(piece)
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    if (length, digest.hexdigest()) != (part.bytes, part.sha256):
        raise StoreUnusable(f"the backup is damaged: {part.path} does not have its hash", "use another backup")


def _take_keys(found: Manifest, home: Home, source: Path) -> None:
    home.prepare()
    if found.keys:
        return
    if not (source / home.key_path.name).is_file():
        raise BadInput(
            f"the backup came without its keys, and {source} has none",
            "give the folder that keeps them with --keys-from",
        )
    backups_own = shutil.ignore_patterns(home.anchors_path.name)
    shutil.copytree(source, home.key_path.parent, ignore=backups_own, dirs_exist_ok=True)


def _prove(found: Manifest, home: Home) -> None:
    if found.schema > SCHEMA_VERSION:
        raise StoreUnusable(
            f"the backup has schema {found.schema}, this tocsin knows {SCHEMA_VERSION}", "upgrade tocsin"
        )
    copy = StoreCopy(home.store_path, _secret(home))
    try:
        copy.check()
        proof = anchors.prove(copy, key_of(home), anchors.read(home.anchors_path))
        if not proof.ok:
            raise CheckFailed(
                f"the backup's ledger is broken at event {proof.broken}: {proof.reason}", "use another backup or keys"
            )
        if (proof.events, proof.head) != (found.events, found.head):
            raise CheckFailed("the backup's ledger does not end where its manifest says", "use another backup")
        lost = [sha for sha in missing_blobs(copy, Blobs(home.blobs_path)) if f"blob {sha}" not in found.damaged]
        if lost:
            raise StoreUnusable(f"the backup lacks {len(lost)} blobs that its store names", "use another backup")
    finally:
        copy.close()


def _secret(home: Home) -> str:
    ref = load_settings(home).store_key_ref
    if not ref or driver.is_plain(home.store_path):
        return ""
    try:
        return secrets.resolve(ref)
    except TocsinError as error:
        raise BadInput(f"the backup's store is encrypted: {error.message}", f"provide its key as {ref}") from error


def _replace(folder: Path, home: Home) -> Path | None:
    aside = _unused(home) if home.path.exists() else None
    if aside:
        os.rename(home.path, aside)
    try:
        os.rename(folder, home.path)
    except OSError:
        if aside:
            os.rename(aside, home.path)
        raise
    parent = os.open(home.path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
    return aside


def _unused(home: Home) -> Path:
    names = (home.path.with_name(f"{home.path.name}.before-restore-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _tell(found: Manifest, home: Home, actor: str) -> None:
    # Who may write the files may restore them: the new home's own roles and mode say nothing about that.
    desk = Desk.open(home, actor=actor).as_system()
    try:
        if desk.read_only:
            return
        with desk.write() as tx:
            desk.record(tx, "store.restored", data={"events": found.events, "head": found.head})
    finally:
        desk.store.close()
