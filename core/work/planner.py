"""Plan turn by turn, and stop where the clock has jumped: a wrong clock would queue, or lose, a year of work."""

from __future__ import annotations

import time

from core.clock import DAY, SECOND, iso
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.store import Row, Store, Tx
from core.work import rows
from core.work.plan import Broken, attempt, give_way, plan_due
from core.work.stop import record_stopped
from core.work.trigger import next_due

# A clock that moved this much further, or less, than time did was set by somebody or is broken.
JUMP_US = DAY

DUE = "SELECT 1 FROM schedule WHERE paused = 0 AND next_us <= ? LIMIT 1"
JUMPED = "SELECT from_us, to_us FROM clock_jump"
JUMP = "INSERT INTO clock_jump(one, from_us, to_us) VALUES (1, ?, ?) ON CONFLICT DO NOTHING"
CLEAR = "DELETE FROM clock_jump"
# A one-off keeps its time: it is due once, whatever the clock did meanwhile.
GOES_ON = "SELECT * FROM schedule WHERE next_us IS NOT NULL AND trigger NOT LIKE 'once %' AND paused = 0"
MOVE = "UPDATE schedule SET next_us = ? WHERE id = ?"
MEND = "save it with another trigger (`tocsin schedule add`), or `tocsin schedule pause {0}`"


class Planner:
    """What queues due work in one daemon; `last_us` is when its predecessor was last seen, None where none was.

    A daemon that was down for days is no jump: then the catch-up policy of each schedule applies.
    """

    def __init__(self, desk: Desk, *, last_us: int | None = None) -> None:
        self.desk = desk
        now = desk.now_us()
        # A clock before the predecessor's last sign of life was set back; how far it went forward nobody can tell.
        self._last_us = now if last_us is None or last_us - now <= JUMP_US else last_us
        self._elapsed = elapsed_us()

    def turn(self) -> int:
        """Queue what is due; returns how many.

        Raises CheckFailed while planning is paused by a jump of the clock, and, when all others are planned, while
        a schedule is set aside.
        """
        now, elapsed = self.desk.now_us(), elapsed_us()
        moved, passed = now - self._last_us, elapsed - self._elapsed
        if abs(moved - passed) > JUMP_US:
            self._pause(self._last_us, now)
        self._last_us, self._elapsed = now, elapsed
        require_planning(self.desk.store)
        planned = 0
        while self.desk.store.one(DUE, (now,)):
            with self.desk.write() as tx:
                stopped, unread = give_way(tx, now)
                record_stopped(self.desk, tx, stopped, "overlap")
                runs, broken = plan_due(tx, now)
                record_broken(self.desk, tx, unread + broken)
            planned += runs
        _require_none_aside(self.desk.store)
        return planned

    def _pause(self, from_us: int, to_us: int) -> None:
        with self.desk.write() as tx:
            if tx.execute(JUMP, (from_us, to_us)).rowcount > 0:
                days = abs(to_us - from_us) // DAY
                self.desk.record(tx, "schedule.clock_jumped", data={"days": days, "forward": to_us > from_us})


def elapsed_us() -> int:
    """Microseconds since the machine started, its sleep included where the system counts it."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) * SECOND // 1_000_000_000


def require_planning(store: Store) -> None:
    """Raises CheckFailed while a jump of the clock keeps anything from being planned."""
    row = store.one(JUMPED)
    if row:
        raise CheckFailed(
            f"nothing is planned: the clock jumped from {iso(row['from_us'])} to {iso(row['to_us'])}",
            "once it is right, `tocsin schedule resume-all`",
        )


def _require_none_aside(store: Store) -> None:
    aside = rows.set_aside(store)
    if aside:
        more = f", and {len(aside) - 1} more" if len(aside) > 1 else ""
        raise CheckFailed(
            f"schedule {aside[0].name} is set aside: {aside[0].trouble}{more}", MEND.format(aside[0].name)
        )


def resume_all(desk: Desk) -> int:
    """Go on planning from now, after a jump of the clock; returns how many schedules were moved on.

    Times in between are not made up for, but a one-off keeps its own. Raises BadInput where no jump was seen.
    """
    now = desk.now_us()
    with desk.write() as tx:
        if tx.execute(CLEAR).rowcount == 0:
            raise BadInput("planning is not paused", "`tocsin schedule pause NAME --resume` resumes one schedule")
        found = {row["id"]: _next(tx, row, now) for row in tx.read(GOES_ON)}
        moved = [(due, number) for number, due in found.items() if not isinstance(due, Broken)]
        tx.executemany(MOVE, moved)
        record_broken(desk, tx, [one for one in found.values() if isinstance(one, Broken)])
        desk.record(tx, "schedule.all_resumed", data={"schedules": len(moved)})
    return len(moved)


def _next(tx: Tx, row: Row, now_us: int) -> int | Broken | None:
    return attempt(tx, row, lambda found: next_due(found.trigger, now_us))


def record_broken(desk: Desk, tx: Tx, broken: list[Broken]) -> None:
    """Write which schedules were set aside, and why."""
    for one in broken:
        desk.record(tx, "schedule.set_aside", data={"name": one.name, "reason": one.reason})
