"""When a schedule is due: `every 15m`, a cron line in UTC, or `once 2026-01-31T03:00:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from core.clock import SECOND, parse_span, parse_time
from core.errors import BadInput


def next_due(trigger: str, after_us: int) -> int | None:
    """The first due time strictly after an instant; None where a one-off has passed.

    Intervals are aligned to the epoch, so that two daemons, or a restart, agree on the due times. Cron lines are read
    in UTC, which has no repeated or missing hours. Raises BadInput for a trigger that means nothing.
    """
    word, _, rest = trigger.strip().partition(" ")
    if word == "every":
        every = parse_span(rest)
        return (after_us // every + 1) * every
    if word == "once":
        due = parse_time(rest)
        return due if due > after_us else None
    return _next_cron(trigger, after_us)


def _next_cron(line: str, after_us: int) -> int:
    from cronsim import CronSim, CronSimError

    start = datetime.fromtimestamp(after_us // SECOND, UTC)
    try:
        moment = next(CronSim(line, start))
    except (CronSimError, StopIteration, ValueError) as error:
        raise BadInput(
            f"{line[:80]!r} is not a trigger",
            "write `every 15m`, a cron line such as `0 3 * * *`, or `once 2026-01-31T03:00Z`",
        ) from error
    return int(moment.timestamp()) * SECOND
