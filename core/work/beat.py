"""Whether a daemon lives on a home, by its heartbeat: the one rule for console, doctor and health checks."""

from __future__ import annotations

from typing import NamedTuple

from core.clock import HOUR, SECOND
from core.desk import Desk
from core.work.single import standby_waits

BEAT = "SELECT at_us, detail FROM heartbeat WHERE name = 'daemon'"
# A daemon that was not heard for this long is taken for dead. A replay's clock leaps half an hour at a time.
SILENT_AFTER_US = 90 * SECOND
SILENT_AFTER_REPLAY_US = 3 * HOUR


class Beat(NamedTuple):
    """What is known of the daemon: `state` is ok, silent, or none where none ever beat.

    `age_us` counts since its last beat, `trouble` is what it cannot do at the moment, `standby` whether a second one
    waits to take over.
    """

    state: str
    age_us: int | None
    trouble: str
    standby: bool


def heartbeat(desk: Desk) -> Beat:
    """The daemon of this home, as it was last heard."""
    row, standby = desk.store.one(BEAT), standby_waits(desk)
    if row is None:
        return Beat("none", None, "", standby)
    age = max(0, desk.now_us() - int(row["at_us"]))
    return Beat("silent" if age > silent_after_us(desk) else "ok", age, row["detail"], standby)


def silent_after_us(desk: Desk) -> int:
    """After what time without a beat a daemon is taken for dead: longer on a clock that a replay moves."""
    return SILENT_AFTER_REPLAY_US if desk.home.clock_path.exists() else SILENT_AFTER_US
