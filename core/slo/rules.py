"""The rules that fire on a burning budget: the multi-window tiers of the SRE Workbook and the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from core.clock import DAY, HOUR, MINUTE, span
from core.slo import budget
from core.slo.windows import Window

Severity = Literal["page", "ticket"]
Condition = Literal["burn", "budget", "breach"]

# Severity, long window, short window, share of the budget that the long window may spend.
TIERS: tuple[tuple[Severity, int, int, Fraction], ...] = (
    ("page", HOUR, 5 * MINUTE, Fraction(2, 100)),
    ("page", 6 * HOUR, 30 * MINUTE, Fraction(5, 100)),
    ("ticket", DAY, 2 * HOUR, Fraction(10, 100)),
    ("ticket", 3 * DAY, 6 * HOUR, Fraction(10, 100)),
)
LEAST_FACTOR = Fraction(1)
# No burn can exceed 1 / budget; above this share of it a rule would as good as never fire.
REACHABLE = Fraction(8, 10)
# A page on fewer bad events than this becomes a marked ticket. The floor is on bad events, never on traffic.
BAD_FLOOR = 3
HALF = Fraction(1, 2)
ESCALATION = "50 % of budget in 25 % of window"


@dataclass(frozen=True)
class Objective:
    """What the rules need to know of an SLO; `slice_us` is the least window that holds a measurement."""

    target: Fraction
    window: Window
    critical: bool = False
    slice_us: int = MINUTE

    @property
    def budget(self) -> Fraction:
        """The share of events that may be bad."""
        return 1 - self.target


@dataclass(frozen=True)
class Rule:
    """Fires where the burn over `long_us` and over `short_us` is above `factor` (or at it, unless `strict`).

    `condition` says which of an objective's alerts it speaks for. A calendar rule has `elapsed` instead of windows: it
    compares the share of the budget spent since the period began with `factor`, while at most that share of the
    period has elapsed.
    """

    name: str
    condition: Condition
    severity: Severity
    long_us: int
    short_us: int
    factor: Fraction
    strict: bool = True
    elapsed: Fraction | None = None


def factor(share: Fraction, window_us: int, long_us: int, error_budget: Fraction) -> Fraction:
    """The burn rate at which `share` of the budget goes in the long window: p x W / L, clamped to what makes sense.

    At least 1 (a slower burn keeps the objective) and at most 0.8 / budget (a faster one can hardly be reached).
    """
    return max(LEAST_FACTOR, min(share * window_us / long_us, REACHABLE / error_budget))


@lru_cache(maxsize=256)
def rules_of(objective: Objective) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules of an objective, and what had to be clamped or left out, in sentences for whoever saves it."""
    rules: list[Rule] = []
    told: list[str] = []
    window_us = objective.window.length_us
    for severity, long_us, short_us, share in TIERS:
        if long_us > window_us:
            told.append(f"the rule over {_window(long_us)} is left out: the window is only {span(window_us)}")
            continue
        wanted = share * window_us / long_us
        rate = factor(share, window_us, long_us, objective.budget)
        windows = max(long_us, objective.slice_us), max(short_us, objective.slice_us)
        pair = f"{_window(windows[0])} / {_window(windows[1])}"
        told += _clamp_told(pair, wanted, rate, objective.budget)
        rules.append(Rule(f"{pair} x{budget.short(rate)}", "burn", severity, *windows, rate))
    rules.append(_double(objective, told))
    rules += _budget_rules(objective, told)
    return tuple(rules), tuple(told)


def _double(objective: Objective, told: list[str]) -> Rule:
    rate = max(LEAST_FACTOR, min(Fraction(2), REACHABLE / objective.budget))
    told += _clamp_told("over 200 % of budget", Fraction(2), rate, objective.budget)
    name = f"over {budget.short(rate * 100)} % of budget"
    return Rule(name, "burn", "page", DAY, max(2 * HOUR, objective.slice_us), rate)


def _clamp_told(name: str, wanted: Fraction, rate: Fraction, error_budget: Fraction) -> list[str]:
    change = f"from {budget.short(wanted)} to {budget.short(rate)}"
    if rate < wanted:
        most = budget.short(1 / error_budget)
        return [f"{name}: burn cannot exceed {most} at this target, so the factor is lowered {change}"]
    if rate > wanted:
        return [f"{name}: the factor is raised {change}, because a slower burn keeps the objective"]
    return []


def _budget_rules(objective: Objective, told: list[str]) -> list[Rule]:
    window_us = objective.window.length_us
    rules: list[Rule] = []
    if not objective.critical:
        rules.append(_half("50 % of budget in 50 % of window", objective, 2))
    rules.append(_half(ESCALATION, objective, 4))
    if objective.budget > HALF:
        told.append(f"{ESCALATION} cannot happen with a target under 50 %")
    if objective.critical:
        calendar = Fraction(1) if objective.window.period else None
        name = "critical objective breached"
        rules.append(Rule(name, "breach", "page", window_us, window_us, Fraction(1), elapsed=calendar))
    return rules


def _half(name: str, objective: Objective, part: int) -> Rule:
    if objective.window.period:
        return Rule(name, "budget", "ticket", 0, 0, HALF, strict=False, elapsed=Fraction(1, part))
    span_us = objective.window.length_us // part
    return Rule(name, "budget", "ticket", span_us, span_us, HALF * part, strict=False)


def _window(us: int) -> str:
    """A rule's window as the Workbook writes it: `5 min`, `1 h`, `3 d`."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if us >= unit and us % unit == 0:
            return f"{us // unit} {name}"
    return span(us)
