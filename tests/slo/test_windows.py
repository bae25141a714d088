from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import DAY, HOUR, MINUTE, iso, parse_time
from core.errors import BadInput
from core.slo.windows import PERIODS, Window, edge, from_catalogue, parse_window


def bounds(period: str, zone: str, now: str) -> tuple[str, str]:
    start, end = parse_window(period, zone).bounds(parse_time(now))
    return iso(start), iso(end)


def test_a_rolling_window_ends_now() -> None:
    now = parse_time("2013-04-15T12:00:00Z")
    assert parse_window("30d").bounds(now) == (now - 30 * DAY, now)


def test_a_month_begins_at_local_midnight() -> None:
    expected = ("2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z")
    assert bounds("month", "Europe/Berlin", "2026-02-10T00:00:00Z") == expected


@pytest.mark.parametrize(("month", "hours"), [("2026-03-10", 743), ("2026-10-10", 745), ("2026-02-10", 672)])
def test_a_month_with_a_clock_change_is_an_hour_shorter_or_longer(month: str, hours: int) -> None:
    start, end = parse_window("month", "Europe/Berlin").bounds(parse_time(month))
    assert (end - start) == hours * HOUR


def test_the_last_local_hour_of_a_month_belongs_to_it() -> None:
    assert bounds("month", "America/New_York", "2013-04-01T03:59:59Z")[0] == "2013-03-01T05:00:00Z"
    assert bounds("month", "America/New_York", "2013-04-01T04:00:00Z")[0] == "2013-04-01T04:00:00Z"


def test_a_midnight_that_the_clocks_skip_begins_the_day_at_the_change() -> None:
    start, end = parse_window("day", "America/Sao_Paulo").bounds(parse_time("2018-11-04T12:00:00Z"))
    assert (iso(start), (end - start) // HOUR) == ("2018-11-04T03:00:00Z", 23)


def test_weeks_begin_on_monday_and_quarters_in_their_first_month() -> None:
    assert bounds("week", "UTC", "2013-04-03T12:00:00Z") == ("2013-04-01T00:00:00Z", "2013-04-08T00:00:00Z")
    assert bounds("quarter", "UTC", "2013-12-31T12:00:00Z") == ("2013-10-01T00:00:00Z", "2014-01-01T00:00:00Z")
    assert bounds("year", "UTC", "2013-12-31T12:00:00Z") == ("2013-01-01T00:00:00Z", "2014-01-01T00:00:00Z")


zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(st.sampled_from(sorted(PERIODS)), zones, st.integers(0, 2 * 10**9))
def test_calendar_windows_tile_time(period: str, zone: str, second: int) -> None:
    window, now = parse_window(period, zone), second * 1_000_000
    start, end = window.bounds(now)
    assert start <= now < end
    assert window.bounds(start) == (start, end)
    assert window.bounds(end)[0] == end
    assert window.bounds(start - 1)[1] == start


@given(st.integers(0, 2 * 10**15), st.sampled_from([5 * MINUTE, HOUR, DAY, 3 * DAY, 30 * DAY]))
def test_an_edge_is_never_late_and_begins_what_is_still_stored(to_us: int, back: int) -> None:
    start = edge(to_us, back)
    grain = HOUR if back > DAY else MINUTE
    assert to_us - back - grain < start <= to_us - back
    assert start % grain == 0


@pytest.mark.parametrize("window", [Window(30 * DAY), Window(PERIODS["month"], "month", "Europe/Berlin")])
def test_a_window_survives_the_catalogue(window: Window) -> None:
    assert from_catalogue(window.length_us, window.calendar) == window


@pytest.mark.parametrize(
    ("window", "zone"),
    [
        ("1h", None),
        ("900d", None),
        ("soon", None),
        ("", None),
        ("30d", "UTC"),
        ("month", "Mars/Olympus"),
        ("month", "../x"),
    ],
)
def test_a_window_that_holds_no_budget_is_refused_with_a_next_step(window: str, zone: str | None) -> None:
    with pytest.raises(BadInput) as error:
        parse_window(window, zone)
    assert error.value.hint
