"""Objective windows: rolling spans, and calendar periods in an IANA zone that survive its clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core.clock import DAY, HOUR, MINUTE, SECOND, parse_span, span
from core.errors import BadInput

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

# The nominal lengths stand in the catalogue; bounds are computed from the calendar itself.
PERIODS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "quarter": 91 * DAY, "year": 365 * DAY}
SHORTEST, LONGEST = DAY, 366 * DAY
# Windows over a day begin on the hour: minutes of that age may have been rolled up into hours already.
MINUTES_UP_TO = DAY


@dataclass(frozen=True)
class Window:
    """What a budget is for: the last `length_us`, or the calendar period of a zone that now lies in.

    `period` is empty for a rolling window; `length_us` of a calendar window is nominal (see `bounds`).
    """

    length_us: int
    period: str = ""
    zone: str = ""

    @property
    def calendar(self) -> str | None:
        """The catalogue's form, `month Europe/Berlin`; None for a rolling window."""
        return f"{self.period} {self.zone}" if self.period else None

    @property
    def text(self) -> str:
        """For people: `30d` or `month Europe/Berlin`."""
        return self.calendar or span(self.length_us)

    def since(self, now_us: int) -> int:
        """Where counting for this window begins: `bounds`, brought to where counts begin (see `edge`)."""
        return self.bounds(now_us)[0] if self.period else edge(now_us, self.length_us)

    def bounds(self, now_us: int) -> tuple[int, int]:
        """Start and end in microseconds, half-open: a rolling window ends now, a calendar one includes now."""
        if not self.period:
            return now_us - self.length_us, now_us
        return _calendar_bounds(self.period, self.zone, now_us)


def parse_window(window: str | int, calendar: str | None = None) -> Window:
    """`30d` or microseconds for a rolling window; `month` (day, week, quarter, year) with a zone for a calendar one.

    A period without a zone is read in UTC. Raises BadInput for anything else, and for windows that are too short to
    hold a budget or longer than counts are kept.
    """
    if isinstance(window, str) and window.strip().lower() in PERIODS:
        period = window.strip().lower()
        return Window(PERIODS[period], period, _checked_zone(calendar or "UTC"))
    if calendar is not None:
        raise BadInput(
            f"{window!r} is no calendar period", f"with a zone choose one of {', '.join(PERIODS)}; 30d is a rolling one"
        )
    length = parse_span(window) if isinstance(window, str) else window
    if not SHORTEST <= length <= LONGEST:
        raise BadInput(f"a window of {span(length)} cannot hold a budget", "choose from 1d to 365d; 30d is usual")
    return Window(length)


def from_catalogue(window_us: int, calendar: str | None) -> Window:
    """The window that a catalogue row holds."""
    if calendar is None:
        return Window(window_us)
    period, zone = calendar.split(" ", 1)
    return Window(window_us, period, zone)


def edge(to_us: int, back_us: int) -> int:
    """Where a rule window that ends at `to_us` begins: on the minute, or on the hour where it is over a day long."""
    start = to_us - back_us
    return start - start % (HOUR if back_us > MINUTES_UP_TO else MINUTE)


def _checked_zone(name: str) -> str:
    _zone(name)
    return name


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{name!r} is not an IANA time zone", "write it as Europe/Berlin or UTC") from None


def _calendar_bounds(period: str, name: str, now_us: int) -> tuple[int, int]:
    zone = _zone(name)
    local = datetime.fromtimestamp(now_us // SECOND, zone)
    start = _period_start(period, datetime(local.year, local.month, local.day))
    return _utc_us(start, zone), _utc_us(_period_next(period, start), zone)


def _period_start(period: str, day: datetime) -> datetime:
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day.replace(month=1, day=1) if period == "year" else day


def _period_next(period: str, start: datetime) -> datetime:
    if period in ("day", "week"):
        return start + timedelta(days=1 if period == "day" else 7)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


def _utc_us(local: datetime, zone: ZoneInfo) -> int:
    # A midnight that the clocks skip resolves to the instant of the change, one that comes twice to the first.
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return int(moment.timestamp()) * SECOND
