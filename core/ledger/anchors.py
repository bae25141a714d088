"""Anchors: the ledger's head, written down outside the store, so that a cut or a whole rewrite is found.

One JSON line each, in a file beside the keys. An anchor's code covers the code before it, so that none can be taken
out of the middle. A copy of the file kept on another machine finds what somebody with this machine's keys rewrites.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.clock import HOUR, iso
from core.errors import BadInput
from core.home import Home, home_error
from core.ledger.chain import GENESIS, Verification, code_of, key_of, verify
from core.settings import require_writable
from core.store import Reads

HEAD = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
AT = "SELECT hash FROM event WHERE seq = ?"


@dataclass(frozen=True)
class Anchor:
    """The last event's number and hash at an instant; `prev` and `mac` chain the anchors."""

    at_us: int
    seq: int
    hash: str
    prev: str
    mac: str

    def code(self, key: bytes) -> str:
        """The HMAC that an anchor with these fields has."""
        return code_of(key, f"anchor|{self.at_us}|{self.seq}|{self.hash}|{self.prev}")


def anchor(home: Home, store: Reads, now_us: int) -> Anchor | None:
    """Append the head to the home's anchors, flushed to disk; None where it is anchored already, or nothing happened.

    Raises StoreUnusable where the disk says no, NotAllowed in a home set to read-only.
    """
    require_writable(home)
    head = store.read(HEAD)
    standing = read(home.anchors_path)
    if not head or (standing and standing[-1].hash == head[0]["hash"]):
        return None
    prev = standing[-1].mac if standing else GENESIS
    made = Anchor(now_us, int(head[0]["seq"]), str(head[0]["hash"]), prev, "")
    made = replace(made, mac=made.code(key_of(home)))
    _append(home, made)
    return made


def anchor_hourly(home: Home, store: Reads, now_us: int) -> Anchor | None:
    """`anchor`, where the last one is an hour old or lies in the future (the clock was set back)."""
    standing = read(home.anchors_path)
    if standing and 0 <= now_us - standing[-1].at_us < HOUR:
        return None
    return anchor(home, store, now_us)


def read(path: Path) -> list[Anchor]:
    """The anchors of a file, oldest first; none where there is no file. Raises BadInput for a line that is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the anchors {path} cannot be read: {error}", "give a file that `audit anchor` wrote"
        ) from error
    return [_parsed(line, path, number) for number, line in enumerate(lines, 1)]


def _parsed(line: str, path: Path, number: int) -> Anchor:
    try:
        found = Anchor(**json.loads(line))
        if not (isinstance(found.seq, int) and isinstance(found.at_us, int) and isinstance(found.mac, str)):
            raise ValueError("a field has another type")
    except (TypeError, ValueError) as error:
        raise BadInput(f"{path}: line {number} is no anchor", "the file was changed: compare with a copy") from error
    return found


def _append(home: Home, made: Anchor) -> None:
    try:
        handle = os.open(home.anchors_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, (json.dumps(asdict(made)) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise home_error(home.path, error) from error


def prove(store: Reads, key: bytes | None, anchors: Sequence[Anchor]) -> Verification:
    """`verify`, and that the ledger still holds every anchored event: nothing was cut off or written anew."""
    found = verify(store, key)
    if not found.ok:
        return found
    prev = GENESIS
    for one in anchors:
        reason = _fault(store, key, one, prev)
        if reason:
            return replace(found, ok=False, broken=one.seq, reason=reason)
        prev = one.mac
    return found


def _fault(store: Reads, key: bytes | None, one: Anchor, prev: str) -> str:
    if one.prev != prev or (key is not None and not hmac.compare_digest(one.code(key), one.mac)):
        return f"the anchor of {iso(one.at_us)} was changed, or one before it was taken out"
    return lost(store, one)


def lost(store: Reads, one: Anchor) -> str:
    """Why the ledger no longer holds the event of an anchor; empty where it does."""
    rows = store.read(AT, (one.seq,))
    if not rows:
        return f"it was anchored at {iso(one.at_us)}, and the ledger now ends before it"
    return "" if rows[0]["hash"] == one.hash else f"it is not the one that was anchored at {iso(one.at_us)}"
