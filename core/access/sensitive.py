"""Sensitive values: masked, tokenised, or sealed with AES-GCM under keys that are kept outside the store."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from core.errors import CheckFailed, NotFound
from core.home import Home, home_error

MASK, TOKEN, ENCRYPT = WAYS = ("mask", "token", "encrypt")
MASKED = "[masked]"
KEY_BYTES = 32
NONCE_BYTES = 12
_NAMED = re.compile(r"data-([0-9]{1,9})\.key")


class Vault:
    """The keys of a home's sensitive values: one for tokens, for good, and numbered ones for sealing.

    The newest number seals, older ones open. Keys are made under the store's writing ticket alone, and flushed to disk
    before what they seal is committed.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.key_path.parent
        self._sealers: dict[int, Any] = {}

    def numbers(self) -> list[int]:
        """The numbers of the sealing keys, oldest first; none before the first value is sealed."""
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        return sorted(int(found[1]) for name in names if (found := _NAMED.fullmatch(name)))

    def current(self) -> int:
        """The number of the key that seals, made where there is none."""
        numbers = self.numbers()
        return numbers[-1] if numbers else self.add()

    def add(self) -> int:
        """Make the next sealing key; returns its number."""
        number = max(self.numbers(), default=0) + 1
        _make(self._path(number))
        return number

    def forget_before(self, number: int) -> list[int]:
        """Delete every sealing key older than this one; returns their numbers. What they sealed is lost."""
        gone = [each for each in self.numbers() if each < number]
        for each in gone:
            self._path(each).unlink(missing_ok=True)
            self._sealers.pop(each, None)
        return gone

    def seal(self, number: int, place: tuple[str, str, str], value: Any) -> str:
        """A value, any that JSON can write, as a text that only this key opens, and only at this place.

        The place is table, column and row: a text that is moved to another one no longer opens.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return base64.b64encode(nonce + self._sealer(number).encrypt(nonce, plain, _bound(number, place))).decode()

    def open(self, number: int, place: tuple[str, str, str], text: str) -> Any:
        """The value that was sealed. Raises NotFound for a key that is gone, CheckFailed for what was changed or moved.

        Nothing of a value that does not open is shown.
        """
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(text, validate=True)
            plain = self._sealer(number).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(number, place))
        except (InvalidTag, ValueError):
            raise CheckFailed(
                f"a sealed {place[1]} in {place[0]} does not open: it was changed, or moved from another row",
                "restore the store from a backup, with the keys of that time",
            ) from None
        return json.loads(plain.decode("utf-8", "surrogatepass"))

    def token(self, column: str, value: Any) -> str:
        """A name for a value that tells nothing of it: the same for the same value of a column, here alone."""
        path = self._folder / "token.key"
        if not path.exists():
            _make(path)
        said = json.dumps([column, value], ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
        return "tok_" + hmac.new(_read(path), said, hashlib.sha256).hexdigest()[:32]

    def _path(self, number: int) -> Path:
        return self._folder / f"data-{number}.key"

    def _sealer(self, number: int) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if number not in self._sealers:
            self._sealers[number] = AESGCM(_read(self._path(number)))
        return self._sealers[number]


def _bound(number: int, place: tuple[str, str, str]) -> bytes:
    return json.dumps([number, *place]).encode()


def _read(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"the key {path.name} of sensitive values is gone", f"restore {path}: without it they cannot be read"
        ) from None
    except OSError as error:
        raise home_error(path.parent, error) from error
    if len(key) != KEY_BYTES:
        raise CheckFailed(f"the key {path.name} is damaged", f"restore {path}: it holds {KEY_BYTES} bytes")
    return key


def _make(path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise home_error(path.parent, error) from error
