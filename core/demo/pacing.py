"""How fast simulated time runs: quickly while all is well, slowly while a person has something to do."""

from __future__ import annotations

import time

from core.clock import DAY, HOUR, MINUTE
from core.demo.plan import TICK_US, Plan
from core.desk import Desk

STATE = """SELECT state FROM incident WHERE state IN ('triage', 'active', 'mitigated', 'monitoring')
ORDER BY state IN ('triage', 'active') DESC LIMIT 1"""

# Simulated time a second while an incident waits for its operator, and while its recovery is being proved.
WAITING_US = 10 * MINUTE
PROVING_US = 2 * HOUR


class Pace:
    """Keeps simulated time to its speed. Without a person to wait for (headless), speed alone decides."""

    def __init__(self, desk: Desk, plan: Plan) -> None:
        self._desk = desk
        self._plan = plan
        self._last = (time.monotonic(), 0)

    def speed_us(self) -> float:
        """Simulated microseconds a real second; 0 where nothing is to be waited for."""
        usual = self._plan.speed * DAY
        if self._plan.automatic or usual == 0:
            return usual
        row = self._desk.store.one(STATE)
        if row is None:
            return usual
        return min(usual, WAITING_US if row["state"] in ("triage", "active") else PROVING_US)

    def step_us(self) -> int:
        """How far to go before the daemon's next turn: so that a person who acts is answered within a second."""
        speed = self.speed_us()
        if self._plan.automatic or speed == 0:
            return TICK_US
        return max(MINUTE, min(TICK_US, int(speed / 2)))

    def wait(self, at_us: int) -> None:
        """Sleep until simulated time may have come as far as `at_us`."""
        then, before = self._last
        speed = self.speed_us()
        if speed and before:
            pause = (at_us - before) / speed - (time.monotonic() - then)
            if pause > 0:
                time.sleep(min(pause, 5.0))
        self._last = (time.monotonic(), at_us)
