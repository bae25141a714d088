"""How an objective stands: its state, what of its budget is left, and what each of its rules says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from core.clock import DAY, MINUTE, span
from core.slo import budget, measures
from core.slo.budget import Counts
from core.slo.judge import Spent, Verdict, edges, judge, spent, strongest
from core.slo.rows import ENDPOINT, Serving, Slo, serving
from core.store import Store

# An endpoint that has not been heard for this long has stopped reporting.
SILENT_AFTER = 15 * MINUTE


class State(StrEnum):
    """How an objective stands, worst first where several would fit."""

    BAD_DATA = "BAD_DATA"
    NO_DATA = "NO_DATA"
    NO_TRAFFIC = "NO_TRAFFIC"
    BREACHED = "BREACHED"
    BURNING = "BURNING"
    OK = "OK"


@dataclass(frozen=True)
class Status:
    """An objective at one moment.

    `heard_us` is when its endpoint last answered or counted; `silent` that this is too long ago; `awaiting_us`, of a
    quality objective, since when no hour could be judged for want of labels (None: the last one could).
    """

    slo: Slo
    at_us: int
    state: State
    spent: Spent
    rules: tuple[Verdict, ...]
    version: int | None
    heard_us: int | None
    silent: bool
    paused: bool
    awaiting_us: int | None

    @property
    def good(self) -> int:
        """Good events in the window."""
        return self.spent.counts.good

    @property
    def total(self) -> int:
        """All events in the window."""
        return self.spent.counts.total

    @property
    def sli(self) -> Fraction | None:
        """good / total; None without events."""
        return budget.sli(self.spent.counts)

    @property
    def burn(self) -> Fraction | None:
        """Burn over the window; None without events."""
        return self.spent.burn

    @property
    def left(self) -> Fraction:
        """The share of the budget that is left; negative where it is overspent."""
        return self.spent.left

    @property
    def consumed(self) -> Fraction:
        """The share of the budget that is gone."""
        return self.spent.consumed

    @property
    def provisional(self) -> bool:
        """Whether the window reaches back before the first measurement."""
        return self.spent.provisional

    @property
    def faulty(self) -> int:
        """Windows of the last day whose counts contradict themselves."""
        return _last_day(self.rules).faulty

    @property
    def strongest(self) -> Verdict | None:
        """The gravest rule that fires."""
        return strongest(self.rules)

    @property
    def pace(self) -> Fraction | None:
        """The burn to reckon with: that of the gravest rule that fires, else of the last day, else of the window."""
        day = next((v.burn for v in self.rules if v.rule.long_us == DAY), None)
        return self.strongest.burn if self.strongest else day if day is not None else self.burn

    @property
    def exhausted_in_us(self) -> int | None:
        """When the budget is gone at this pace; 0 where it is, None where nothing is being spent."""
        return budget.exhausted_in(self.left, self.spent.window_us, self.pace)

    @property
    def text(self) -> str:
        """The state in words, with the time to exhaustion: `burn 15, budget gone in 2d`."""
        if self.state is State.BAD_DATA:
            return f"{self.faulty} windows of counts contradict themselves and are left out"
        if self.state is State.NO_TRAFFIC:
            return "no traffic, budget unchanged"
        gone = budget.gone_text(self.left, self.spent.window_us, self.pace)
        if self.state is State.NO_DATA:
            return self._silence() if self.total == 0 else f"{self._silence()}; {gone}"
        return f"burn {budget.short(self.pace)}, {gone}{' (provisional)' if self.provisional else ''}"

    def _silence(self) -> str:
        if self.silent:
            return "never heard" if self.heard_us is None else f"not heard for {span(self.at_us - self.heard_us)}"
        return "not enough labels yet"


def measure(store: Store, slo: Slo, now_us: int) -> Status:
    """How an objective stands at `now_us`, from what has been counted so far."""
    to = measures.until(slo, now_us)
    seen = measures.span(store, slo)
    rungs = measures.ladder(store, slo, edges(slo.objective, slo.rules, to), to)
    whole = spent(slo.objective, to, seen.first_us, rungs.__getitem__)
    verdicts = judge(slo.objective, slo.rules, whole, rungs.__getitem__)
    served = serving(store, slo.endpoint, slo.model, now_us)
    endpoint = store.one(ENDPOINT, (slo.endpoint,))
    heard = _latest(endpoint["seen_us"] if endpoint else None, seen.last_us)
    silent = heard is None or now_us - heard > max(SILENT_AFTER, slo.slice_us)
    by_slices = slo.measure == "quality"
    awaiting = _awaiting(slo, served, seen.last_us, to) if by_slices else None
    state = _state(whole, verdicts, silent, by_slices)
    paused = endpoint is not None and endpoint["state"] == "paused"
    version = served.version if served else None
    return Status(slo, now_us, state, whole, tuple(verdicts), version, heard, silent, paused, awaiting)


def _last_day(verdicts: Sequence[Verdict]) -> Counts:
    return next((verdict.long for verdict in verdicts if verdict.rule.long_us == DAY), Counts())


def _latest(*times: int | None) -> int | None:
    return max((time for time in times if time is not None), default=None)


def _awaiting(slo: Slo, served: Serving | None, last_us: int | None, to_us: int) -> int | None:
    if served is None or (last_us is not None and last_us >= to_us):
        return None
    return max(served.since_us, slo.created_us, last_us or 0)


def _state(whole: Spent, verdicts: Sequence[Verdict], silent: bool, by_slices: bool) -> State:
    if _last_day(verdicts).faulty:
        return State.BAD_DATA
    if silent or (by_slices and whole.counts.total == 0):
        return State.NO_DATA
    if whole.counts.total == 0:
        return State.NO_TRAFFIC
    if whole.consumed > 1:
        return State.BREACHED
    return State.BURNING if any(verdict.fired for verdict in verdicts) else State.OK
