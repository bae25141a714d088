"""When a schedule is due: `every 15m`, a cron line with or without a time zone, `once TIME`, or `after` another one."""

from __future__ import annotations

from core.clock import parse_span, parse_time
from core.errors import BadInput
from core.work.zones import HINT, next_cron


def next_due(trigger: str, after_us: int) -> int | None:
    """The first due time strictly after an instant; None where a one-off has passed, and for `after NAME`.

    Intervals are aligned to the epoch, so that two daemons, or a restart, agree on the due times. A cron line is read
    in UTC, or by the clock of the zone it ends with. Raises BadInput for a trigger that means nothing.
    """
    word, _, rest = trigger.strip().partition(" ")
    if word == "every":
        every = parse_span(rest)
        return (after_us // every + 1) * every
    if word == "once":
        due = parse_time(rest)
        return due if due > after_us else None
    if word == "after":
        follows(trigger)
        return None
    return next_cron(trigger, after_us)


def follows(trigger: str) -> str | None:
    """The schedule that `after NAME` waits for; None for a trigger of times. Raises BadInput without a name."""
    word, _, rest = trigger.strip().partition(" ")
    if word != "after":
        return None
    if not rest.strip():
        raise BadInput(f"{trigger!r} names no schedule", HINT)
    return rest.strip()
