"""What a search may use, what it has used, and so why it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.clock import parse_span, span
from core.errors import BadInput
from core.settings import Quota

TRIALS = 50
MOST_TRIALS = 10_000


class Used(NamedTuple):
    """What a search has used so far: trials that ended, and milliseconds of time and of CPU."""

    trials: int
    wall_ms: int
    cpu_ms: int


@dataclass(frozen=True)
class Budget:
    """The most trials, milliseconds of time and of CPU, and millionths of money; None where there is no limit."""

    trials: int
    wall_ms: int | None
    cpu_ms: int | None
    micros: int | None
    quota: Quota

    @classmethod
    def of(cls, args: Mapping[str, Any], quota: Quota) -> Budget:
        """What a job's arguments `trials`, `wall`, `cpu` and `money` say. Raises BadInput naming what does not fit."""
        trials, money = args.get("trials"), args.get("money")
        trials = TRIALS if trials is None else trials
        if not isinstance(trials, int) or isinstance(trials, bool) or not 1 <= trials <= MOST_TRIALS:
            raise BadInput(f"trials is {trials!r}", f"it is a whole number from 1 to {MOST_TRIALS}")
        if money is not None and (not isinstance(money, int | float) or not 0 < money < 1e9):
            raise BadInput(f"money is {money!r}", "it is an amount above 0, as --money 2.50")
        if money is not None and not quota.price_per_cpu_hour:
            raise BadInput("money needs a price", "set `quota.price_per_cpu_hour` in settings.toml")
        micros = None if money is None else round(money * 1e6)
        return cls(trials, _ms(args.get("wall")), _ms(args.get("cpu")), micros, quota)

    def ended(self, used: Used) -> str:
        """Which limit has been reached, with its amount; empty where none has."""
        if used.trials >= self.trials:
            return f"trials: all {self.trials} were tried"
        if self.wall_ms is not None and used.wall_ms >= self.wall_ms:
            return f"time: {span(self.wall_ms * 1000)} are up"
        if self.cpu_ms is not None and used.cpu_ms >= self.cpu_ms:
            return f"cpu: {span(self.cpu_ms * 1000)} of CPU time are used"
        if self.micros is not None and self._cost(used) >= self.micros:
            return f"money: {self.quota.amount(self.micros)} are spent"
        return ""

    def share(self, used: Used) -> float:
        """How much of the nearest limit is used, from 0 to 1."""
        shares = [used.trials / self.trials]
        shares += [used.wall_ms / self.wall_ms] if self.wall_ms else []
        shares += [used.cpu_ms / self.cpu_ms] if self.cpu_ms else []
        shares += [self._cost(used) / self.micros] if self.micros else []
        return min(1.0, max(shares))

    def _cost(self, used: Used) -> int:
        return self.quota.cost_micros(used.cpu_ms) or 0


def _ms(text: Any) -> int | None:
    return None if text is None else max(1, parse_span(str(text)) // 1000)
