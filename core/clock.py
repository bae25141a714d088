"""Time as UTC integer microseconds, from a clock that everything is given: real, simulated, or shared by processes."""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from core.errors import BadInput, StoreUnusable

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# A century: what is counted in longer spans fits no clock.
LONGEST_SPAN = 36_525 * DAY

_CELL = struct.Struct("<q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00Z."""
        ...


class RealClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00Z."""
        return time.time_ns() // 1000


class SimClock:
    """A clock that moves only when told to."""

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us

    def now_us(self) -> int:
        """The time it was last set to."""
        return self._now_us

    def set(self, now_us: int) -> None:
        """Move to an instant; back as well as forward, so that clock jumps can be tried."""
        self._now_us = now_us

    def advance(self, by_us: int) -> None:
        """Move on by a span."""
        self._now_us += by_us


class SharedClock:
    """A clock in an eight-byte file: one process moves it, any number read it without a system call.

    This is how a replay on accelerated time keeps its endpoint, daemon and console on one instant.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        try:
            with open(path, "r+b" if writable else "rb") as cell:
                access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
                self._cell = mmap.mmap(cell.fileno(), _CELL.size, access=access)
        except (OSError, ValueError) as error:
            raise StoreUnusable(
                f"the shared clock {path} cannot be read: {error}", "remove the file to use real time"
            ) from error

    @classmethod
    def create(cls, path: Path, start_us: int) -> SharedClock:
        """Make the file, set to `start_us`, and open it for moving."""
        path.write_bytes(_CELL.pack(start_us))
        return cls(path, writable=True)

    def now_us(self) -> int:
        """The time the moving process last set."""
        value: int = _CELL.unpack_from(self._cell)[0]
        return value

    def set(self, now_us: int) -> None:
        """Move every reader to an instant (an aligned eight-byte store, never seen half done)."""
        _CELL.pack_into(self._cell, 0, now_us)


def iso(at_us: int) -> str:
    """UTC ISO-8601 to the second, or to the microsecond where there is a fraction: `2013-04-01T00:00:00Z`."""
    seconds, micros = divmod(at_us, SECOND)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{micros:06d}Z" if micros else f"{text}Z"


def iso_or_none(at_us: int | None) -> str | None:
    """`iso`, passing the absence of a time through."""
    return None if at_us is None else iso(at_us)


def parse_time(text: str) -> int:
    """An ISO-8601 date or time to microseconds; without a zone it is read as UTC.

    Raises BadInput where the text is no such time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{text!r} is not a time", "write it as 2013-04-01 or 2013-04-01T12:30:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def parse_span(text: str) -> int:
    """`90s`, `15m`, `6h`, `30d`, `4w` to microseconds. Raises BadInput for anything else, and beyond a century."""
    units = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
    number, unit = text.strip()[:-1], text.strip()[-1:].lower()
    fits = unit in units and number.isascii() and number.isdigit() and len(number) < 12
    length = int(number) * units[unit] if fits else 0
    if not 0 < length <= LONGEST_SPAN:
        raise BadInput(f"{text[:80]!r} is not a span of time", "write it as 90s, 15m, 6h, 30d or 4w")
    return length


def span(us: int) -> str:
    """A span in at most two units, as a tired person reads it: `2d 1h`, `2h10`, `6m`, `12s`."""
    seconds = abs(us) // SECOND
    sign = "-" if us < 0 else ""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{sign}{days}d {hours}h" if hours else f"{sign}{days}d"
    if hours:
        return f"{sign}{hours}h{minutes:02d}" if minutes else f"{sign}{hours}h"
    return f"{sign}{minutes}m" if minutes else f"{sign}{seconds}s"
