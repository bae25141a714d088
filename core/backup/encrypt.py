"""Turn a home's store into an encrypted one, or back: a proven copy is put in its place, whole or not at all."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.access import secrets
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed
from core.home import Home, home_error
from core.settings import Settings
from core.store import driver
from core.store.copy import StoreCopy
from core.store.opening import log_path
from core.work.single import DaemonLock

FIELD = re.compile(r"^\s*store_key_ref\s*=.*\n?", re.MULTILINE)
SCHEMA = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
PLAIN_TABLES = """SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'
AND name NOT LIKE 'sqlite_%' ORDER BY name"""


@dataclass(frozen=True)
class Recoded:
    """What was done: the key's reference, empty for none; rows compared; older copies that are as they were."""

    key_ref: str
    rows: int
    copies: list[str]


def recode(desk: Desk, key_ref: str) -> Recoded:
    """Encrypt the store with the secret behind a reference, or decrypt it where the reference is empty.

    A `file:` that is not there yet is made, with a random secret. The copy is compared row by row before it takes the
    store's place; stopped at any instant, the home has one or the other and opens. Raises BadInput where there is
    nothing to do, NotAllowed while a daemon runs or somebody reads, CheckFailed where the copy differs.
    """
    plain = driver.is_plain(desk.home.store_path)
    if plain != bool(key_ref):
        raise BadInput("the store is encrypted already" if key_ref else "the store is not encrypted", "nothing to do")
    secret = _secret(key_ref) if key_ref else ""
    part = desk.home.path / ".part-store"
    lock = DaemonLock(desk.home)
    try:
        with desk.write() as tx:
            desk.record(tx, "secret.encrypting" if key_ref else "secret.decrypting")
        if not desk.store.checkpoint():
            raise NotAllowed("somebody reads the store", "close the other consoles and commands; nothing was changed")
        with desk.store.alone():
            part.unlink(missing_ok=True)
            _export(desk.home.store_path, desk.store.secret, part, secret)
            rows = _prove(desk, part, secret)
            _put_in_place(desk.home, part, key_ref)
    except OSError as error:
        raise home_error(desk.home.path, error) from error
    finally:
        part.unlink(missing_ok=True)
        lock.close()
    desk.store.close()
    return Recoded(key_ref, rows, sorted(path.name for path in desk.home.backups_path.glob("*.db")))


def _secret(key_ref: str) -> str:
    kind, _, place = key_ref.partition(":")
    if kind == "file" and place:
        secrets.make_token_file(Path(place))
    secret = secrets.resolve(key_ref)
    driver.key_of(secret)
    return secret


def _export(source: Path, source_secret: str, target: Path, secret: str) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    module = driver.cipher()
    connection = module.connect(str(source), isolation_level=None)
    try:
        if source_secret and not driver.is_plain(source):
            connection.execute(f'PRAGMA key = "{driver.key_of(source_secret)}"')
        key = driver.key_of(secret) if secret else ""
        connection.execute(f'ATTACH DATABASE ? AS made KEY "{key}"', (str(target),))
        connection.execute("PRAGMA made.auto_vacuum=INCREMENTAL")
        connection.execute("SELECT sqlcipher_export('made')").fetchall()
        for name in ("user_version", "application_id"):
            value = int(connection.execute(f"PRAGMA main.{name}").fetchone()[0])
            connection.execute(f"PRAGMA made.{name}={value}")
        connection.execute("DETACH DATABASE made")
    finally:
        connection.close()
    with open(target, "rb") as written:
        os.fsync(written.fileno())


def _prove(desk: Desk, part: Path, secret: str) -> int:
    copy = StoreCopy(part, secret)
    try:
        copy.check()
        rows = 0
        for query in (SCHEMA, *(f'SELECT * FROM "{row["name"]}"' for row in copy.read(PLAIN_TABLES))):
            ours, theirs = (_plain(reads.read(query)) for reads in (desk.store, copy))
            if ours != theirs:
                raise CheckFailed("the copy differs from the store", "nothing was changed; see `tocsin doctor`")
            rows += len(ours)
        return rows
    finally:
        copy.close()


def _plain(rows: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def _put_in_place(home: Home, part: Path, key_ref: str) -> None:
    # A plain store opens whether or not its settings name a key: so they name it whenever it may be encrypted.
    if key_ref:
        _name_key(home, key_ref)
    log_path(home).unlink(missing_ok=True)
    log_path(home).with_name(f"{home.store_path.name}-shm").unlink(missing_ok=True)
    os.replace(part, home.store_path)
    folder = os.open(home.path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    if not key_ref:
        _name_key(home, "")


def _name_key(home: Home, key_ref: str) -> None:
    text = FIELD.sub("", home.settings_path.read_text("utf-8") if home.settings_path.exists() else "")
    if key_ref:
        text = f"store_key_ref = {msgspec.json.encode(key_ref).decode()}\n{text}"
    msgspec.toml.decode(text, type=Settings)
    part = home.settings_path.with_name(".part-settings")
    with open(part, "w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    os.replace(part, home.settings_path)
