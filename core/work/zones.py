"""Cron lines on the clock of a place: what daylight saving does to them is decided here, and nowhere else.

A line that names hours (`30 1 * * *`) means times of day: each is due once a day. Where the clock is set back and shows
the time twice, the first one counts; where it is set forward past the time, it is due as soon as the gap is over.
A line for every hour (`*` or `*/2` in the hour's field) means a pace: it is due whenever the clock shows such a time,
so twice where the clock shows it twice, and not at all where it never does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from core.clock import DAY, SECOND
from core.errors import BadInput

HINT = (
    "write `every 15m`, a cron line of five fields such as `0 3 * * *` or `0 3 * * * Europe/Berlin`, "
    "`once 2026-01-31T03:00Z`, or `after NAME`"
)
# Within such a span no place changes its clock twice.
STRETCH = 7 * DAY // SECOND
FIELDS = 5


def next_cron(line: str, after_us: int) -> int:
    """The first due time strictly after an instant of five cron fields, and perhaps the name of a time zone (else UTC).

    Raises BadInput for a line that means nothing, that is never due, or whose zone nobody knows.
    """
    words = line.split()
    fields, place = " ".join(words[:FIELDS]), words[FIELDS:]
    if len(words) < FIELDS or len(place) > 1:
        raise BadInput(f"{line!r} is not a trigger", HINT)
    after = after_us // SECOND
    if not place:
        return _walk(fields, after) * SECOND
    there = zone(place[0])
    due = _paced(fields, there, after) if words[1].startswith("*") else _of_day(fields, there, after)
    return due * SECOND


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises BadInput where there is none."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"{name!r} is no time zone", "name one as Europe/Berlin; seconds are no field of ours") from None


def _walk(fields: str, shown: int) -> int:
    """The first time after `shown` that the fields match, both as seconds of a clock that is never set."""
    from cronsim import CronSim, CronSimError

    start = datetime.fromtimestamp(shown, UTC)
    try:
        return int(next(CronSim(fields, start)).timestamp())
    except (CronSimError, StopIteration, OverflowError, ValueError) as error:
        raise BadInput(f"{fields!r} is not a trigger", HINT) from error


def _of_day(fields: str, zone: tzinfo, after: int) -> int:
    shown = after + _offset(zone, after)
    while True:
        shown = _walk(fields, shown)
        due = _first_at(zone, shown)
        if due > after:
            return due


def _paced(fields: str, zone: tzinfo, after: int) -> int:
    while True:
        offset = _offset(zone, after)
        due = _walk(fields, after + offset) - offset
        end = min(due, after + STRETCH)
        if _offset(zone, end) != offset:
            # The clock is set on the way there: go on from where it was, by what it shows from then on.
            changed = _change(zone, after, end)
            offset = _offset(zone, changed)
            again = _walk(fields, changed + offset - 1) - offset
            if _offset(zone, again) == offset and again <= changed + STRETCH:
                return again
            after = changed
        elif due == end:
            return due
        else:
            after = end


def _first_at(zone: tzinfo, shown: int) -> int:
    """When the clock of a zone first shows a time; where it never does, when it has been set past it."""
    naive = datetime(1970, 1, 1) + timedelta(seconds=shown)
    due = int(naive.replace(tzinfo=zone, fold=0).timestamp())
    if due + _offset(zone, due) == shown:
        return due
    return _change(zone, int(naive.replace(tzinfo=zone, fold=1).timestamp()), due)


def _change(zone: tzinfo, before: int, after: int) -> int:
    """The first second with the offset of `after`, between two instants that the clock is set once between."""
    offset = _offset(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            after = middle
        else:
            before = middle
    return after


def _offset(zone: tzinfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
