"""What a backup holds: each part with its length and SHA-256, and the ledger's head to come back to."""

from __future__ import annotations

import hashlib
import re

import msgspec

from core.errors import StoreUnusable

FORMAT = 1
NAME = "manifest.json"
SUM_NAME = "manifest.json.sha256"
STORE = "tocsin.db"
KEYS = "keys/"
ANCHORS = "keys/anchors.jsonl"
# The only places of a home that a backup fills: nothing else in an archive is written anywhere.
PLACES = re.compile(
    r"tocsin\.db|settings\.toml|keys\.toml|no-automatic-rollback"
    r"|blobs/[0-9a-f]{2}/[0-9a-f]{64}|(keys|runbooks)/[\w][\w .@+-]*(/[\w][\w .@+-]*)?"
)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the home, by its path in it; `bytes` is its length."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A backup's table of contents. `damaged` names blobs that the home itself had lost or found damaged."""

    format: int
    tocsin: str
    made_us: int
    schema: int
    events: int
    head: str
    keys: bool
    parts: list[Part]
    damaged: list[str]

    @property
    def bytes(self) -> int:
        """The length of all parts together."""
        return sum(part.bytes for part in self.parts)


def encode(manifest: Manifest) -> tuple[bytes, bytes]:
    """The manifest's text, and the line with its own hash that stands behind it in the archive."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    return text, f"{hashlib.sha256(text).hexdigest()}  {NAME}\n".encode()


def decode(text: bytes, sums: bytes) -> Manifest:
    """The manifest of its text. Raises StoreUnusable where it was changed, or names a place outside a home."""
    if sums.split()[:1] != [hashlib.sha256(text).hexdigest().encode()]:
        raise StoreUnusable("the backup's manifest does not have its hash", "use another backup")
    try:
        found = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnusable(f"the backup's manifest cannot be read: {error}", "use another backup") from error
    if found.format != FORMAT:
        raise StoreUnusable(f"the backup has format {found.format}, this tocsin reads {FORMAT}", "upgrade tocsin")
    paths = [part.path for part in found.parts]
    if len(set(paths)) != len(paths) or STORE not in paths or not all(PLACES.fullmatch(path) for path in paths):
        raise StoreUnusable("the backup's manifest names files that no home has", "use another backup")
    return found
