"""Cron lines over the two days a year on which a clock is set, against a plain walk through every minute."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from core.clock import DAY, MINUTE, SECOND, iso, parse_time
from core.errors import BadInput
from core.work.trigger import next_due

ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "America/New_York",
    "America/Los_Angeles",
    "America/Santiago",
    "America/Havana",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Asia/Beirut",
)
# A nightly one, several in the small hours, paces of one hour and of two, the quarters of one hour, a weekday's.
LINES = ("30 1 * * *", "0,15 0-3 * * *", "45 * * * *", "10 */2 * * *", "*/15 2 * * *", "30 0 * * 0")
YEAR = 2025


@cache
def shown(zone: str, at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // SECOND, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@cache
def changes(zone: str) -> tuple[int, ...]:
    """The minutes of the year at which the clock is set, as instants."""
    start = parse_time(f"{YEAR}-01-01")
    days = [start + day * DAY for day in range(366)]

    def offset(at_us: int) -> float:
        return (shown(zone, at_us) - datetime.fromtimestamp(at_us // SECOND, UTC).replace(tzinfo=None)).total_seconds()

    found = [day for day in days if offset(day) != offset(day + DAY)]
    return tuple(
        next(at for at in range(day, day + DAY + MINUTE, MINUTE) if offset(at) != offset(at - MINUTE)) for day in found
    )


def matches(line: str, at: datetime) -> bool:
    minute, hour, _, _, weekday = line.split()
    return _in(minute, at.minute, 60) and _in(hour, at.hour, 24) and _in(weekday, at.isoweekday() % 7, 7)


def _in(field: str, value: int, size: int) -> bool:
    if field.startswith("*"):
        return value % int(field.partition("/")[2] or 1) == 0
    parts = [part.partition("-") for part in field.split(",")]
    return any(int(low) <= value <= int(high or low) for low, _, high in parts) and value < size


def expected(line: str, zone: str, start_us: int, end_us: int) -> list[int]:
    """A plain walk: what the clock shows each minute, what it showed before, and what it jumped over."""
    due: list[int] = []
    paced = line.split()[1].startswith("*")
    highest = shown(zone, start_us)
    for at_us in range(start_us + MINUTE, end_us, MINUTE):
        now = shown(zone, at_us)
        minutes = int((now - highest).total_seconds() // 60)
        passed = [_later(highest, step) for step in range(1, minutes)]
        # A time of day counts where the clock shows it, or has been set past it, for the first time.
        first = minutes >= 1 and any(matches(line, each) for each in (*passed, now))
        hit = matches(line, now) if paced else first
        if hit:
            due.append(at_us)
        highest = max(highest, now)
    return due


def _later(at: datetime, minutes: int) -> datetime:
    return datetime.fromtimestamp(at.replace(tzinfo=UTC).timestamp() + 60 * minutes, UTC).replace(tzinfo=None)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", LINES)
def test_each_time_is_due_as_the_policy_says_on_both_days_the_clock_is_set(zone: str, line: str) -> None:
    assert len(changes(zone)) == 2
    for change in changes(zone):
        start, end = change - 2 * DAY, change + 2 * DAY
        found: list[int] = []
        due = next_due(f"{line} {zone}", start)
        while due is not None and due < end:
            found.append(due)
            due = next_due(f"{line} {zone}", due)
        assert [iso(at) for at in found] == [iso(at) for at in expected(line, zone, start, end)]
        for at in range(start, end, 7 * MINUTE):
            # Whenever it is asked, not only from one due time to the next, the answer is the first one after.
            later = [each for each in found if each > at]
            if later:
                assert next_due(f"{line} {zone}", at) == later[0]


def test_a_nightly_half_past_one_is_due_once_when_the_clock_shows_it_twice() -> None:
    first = next_due("30 1 * * * Europe/London", parse_time("2025-10-25T23:00:00Z"))
    assert first is not None
    assert iso(first) == "2025-10-26T00:30:00Z"
    second = next_due("30 1 * * * Europe/London", first)
    assert second is not None
    assert iso(second) == "2025-10-27T01:30:00Z"


def test_a_time_the_clock_jumps_over_is_due_right_after_the_gap() -> None:
    due = next_due("30 2 * * * Europe/Berlin", parse_time("2025-03-29T12:00:00Z"))
    assert due is not None
    assert iso(due) == "2025-03-30T01:00:00Z"


def test_a_line_that_is_due_once_in_years_is_found() -> None:
    due = next_due("0 * 29 2 * America/New_York", parse_time("2025-03-01T00:00:00Z"))
    assert due is not None
    assert iso(due) == "2028-02-29T05:00:00Z"


@pytest.mark.parametrize(
    "trigger",
    ["0 3 * * * Mars/Base", "0 3 * * * ../etc", "0 3 * * * Europe", "0 0 3 * * *", "0 3 * * * UTC UTC", "after"],
)
def test_a_zone_nobody_knows_and_a_field_too_many_are_refused_with_a_hint(trigger: str) -> None:
    with pytest.raises(BadInput) as caught:
        next_due(trigger, 0)
    assert caught.value.hint
