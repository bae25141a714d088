"""Anchors of the ledgers that this endpoint serves for: appended as given, and no console can take one back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec

from core.clock import MINUTE
from core.home import home_error
from core.serving.model import Refused
from core.serving.shelf import write_whole

# Above so many lines every second one of the older half goes; the first of each home always stays.
LIMIT = 2000
ORIGINS = 32
# One home's anchors are kept this far apart by the endpoint's own clock: a flood cannot thin the old ones away.
GAP_US = 30 * MINUTE

Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An anchor as a console hands it over; `origin` names its home."""

    origin: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    at_us: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
    seq: Annotated[int, msgspec.Meta(ge=1, lt=1 << 62)]
    hash: Hash
    prev: Hash
    mac: Hash


class Kept(msgspec.Struct, frozen=True):
    """A given anchor, and when it came by this endpoint's clock."""

    kept_us: int
    given: Given


class KeptAnchors:
    """The anchors in a file of JSON lines, oldest first. A line that cannot be read is passed over, never removed."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self._path = path
        self._now = now
        self._lines: list[tuple[bytes, Kept | None]] = []
        self._end = b""
        if path.exists():
            content = path.read_bytes()
            self._lines = [(line, _parsed(line)) for line in content.splitlines()]
            self._end = b"" if content.endswith(b"\n") or not content else b"\n"

    def keep(self, body: dict[str, Any]) -> bool:
        """Append an anchor, flushed to disk; False where its home's last one came too short a time ago.

        Raises Refused for what is no anchor or one home too many, StoreUnusable where the disk says no.
        """
        given = _given(body)
        now, last = self._now(), next(reversed(self._of(given.origin)), None)
        if last is not None and last.given == given:
            return True
        if last is not None and 0 <= now - last.kept_us < GAP_US:
            return False
        if last is None and len({kept.given.origin for _, kept in self._lines if kept}) >= ORIGINS:
            raise Refused(409, f"anchors of {ORIGINS} homes are kept here already", "origin")
        self._append(Kept(now, given))
        return True

    def of(self, origin: str) -> list[dict[str, Any]]:
        """The anchors of one home, oldest first; none where it never gave any."""
        return [_plain(kept.given) for kept in self._of(origin)]

    def _of(self, origin: str) -> list[Kept]:
        return [kept for _, kept in self._lines if kept and kept.given.origin == origin]

    def _append(self, kept: Kept) -> None:
        line = msgspec.json.encode(kept)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, self._end + line + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise home_error(self._path.parent, error) from error
        self._end = b""
        self._lines.append((line, kept))
        if len(self._lines) > LIMIT:
            self._thin()

    def _thin(self) -> None:
        firsts = {kept.given.origin: number for number, (_, kept) in reversed(list(enumerate(self._lines))) if kept}
        half = len(self._lines) // 2
        stay = [
            each for number, each in enumerate(self._lines) if number % 2 or number >= half or number in firsts.values()
        ]
        write_whole(self._path, b"".join(line + b"\n" for line, _ in stay))
        self._lines = stay


def _parsed(line: bytes) -> Kept | None:
    try:
        return msgspec.json.decode(line, type=Kept)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _given(body: dict[str, Any]) -> Given:
    try:
        return msgspec.convert(body, Given)
    except msgspec.ValidationError as error:
        raise Refused(400, f"that is no anchor: {error}", "anchor") from error


def _plain(given: Given) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(given).items() if name != "origin"}
