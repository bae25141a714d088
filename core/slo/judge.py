"""What the rules of an objective say at one moment, from counts alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.slo import budget
from core.slo.budget import Counts
from core.slo.rules import BAD_FLOOR, ESCALATION, Objective, Rule, Severity
from core.slo.windows import edge

# The counts of [from, now) for a `from`.
Since = Callable[[int], Counts]


@dataclass(frozen=True)
class Spent:
    """An objective's budget at one moment: its window, the counts in it, and what of the budget is left.

    Where the window reaches back before the first measurement (`provisional`), the time before counts as spent
    without bad events at the same traffic, so that an hour's trouble on the first day is not taken for a month's.
    """

    start_us: int
    end_us: int
    began_us: int
    now_us: int
    counts: Counts
    target: Fraction

    @property
    def window_us(self) -> int:
        """The window's true length: a calendar month has 28 to 31 days and an hour more or less for its clock."""
        return self.end_us - self.start_us

    @property
    def provisional(self) -> bool:
        """Whether measuring began after the window did."""
        return self.began_us > self.start_us

    @property
    def burn(self) -> Fraction | None:
        """Burn over the window as far as it was observed; None without events."""
        return budget.burn(self.counts, self.target)

    @property
    def consumed(self) -> Fraction:
        """The share of the window's budget that is gone; above 1 where it is overspent."""
        observed = self.now_us - max(self.start_us, self.began_us)
        return budget.consumed(self.burn, observed, self.window_us)

    @property
    def left(self) -> Fraction:
        """What is left of the budget; 1 without events, negative where it is overspent."""
        return 1 - self.consumed


@dataclass(frozen=True)
class Verdict:
    """What a rule says now. `fired` is None where too little was counted to say.

    `provisional`: the long window reaches back before the first measurement.
    """

    rule: Rule
    fired: bool | None
    long: Counts
    short: Counts
    provisional: bool
    spent: Spent

    @property
    def low_traffic(self) -> bool:
        """Whether the floor of bad events holds this page back as a ticket."""
        return self.rule.severity == "page" and self.long.bad < BAD_FLOOR

    @property
    def severity(self) -> Severity:
        """The rule's severity, after the floor."""
        return "ticket" if self.low_traffic else self.rule.severity

    @property
    def burn(self) -> Fraction | None:
        """Burn over the long window."""
        return budget.burn(self.long, self.spent.target)

    @property
    def short_burn(self) -> Fraction | None:
        """Burn over the short window."""
        return budget.burn(self.short, self.spent.target)

    @property
    def exhausted_in_us(self) -> int | None:
        """When the budget is gone at this burn; 0 where it is, None where nothing is being spent."""
        return budget.exhausted_in(self.spent.left, self.spent.window_us, self.burn)

    @property
    def text(self) -> str:
        """`exhausted_in_us` in words."""
        return budget.gone_text(self.spent.left, self.spent.window_us, self.burn)


def edges(objective: Objective, rules: Sequence[Rule], now_us: int) -> list[int]:
    """Every `from` that `judge` will ask counts for, oldest first."""
    spans = {span for rule in rules for span in (rule.long_us, rule.short_us) if span}
    return sorted({edge(now_us, span) for span in spans} | {objective.window.since(now_us)})


def spent(objective: Objective, now_us: int, history_us: int | None, since: Since) -> Spent:
    """The budget at `now_us`; `history_us` is when measuring began (None: never)."""
    start, end = objective.window.bounds(now_us)
    began = now_us if history_us is None else min(history_us, now_us)
    return Spent(start, end, began, now_us, since(objective.window.since(now_us)), objective.target)


def judge(objective: Objective, rules: Sequence[Rule], whole: Spent, since: Since) -> list[Verdict]:
    """What each rule says at the moment of `whole`."""
    return [_calendar(rule, whole) if rule.elapsed else _rolling(rule, objective, whole, since) for rule in rules]


def _rolling(rule: Rule, objective: Objective, whole: Spent, since: Since) -> Verdict:
    now = whole.now_us
    long = since(edge(now, rule.long_us))
    short = long if rule.short_us == rule.long_us else since(edge(now, rule.short_us))
    observed = min(now - whole.began_us, rule.long_us)
    part = Fraction(observed, rule.long_us)
    fired: bool | None = None
    if long.total:
        fired = budget.reaches(long, objective.budget, rule.factor, part, strict=rule.strict)
        if fired:
            enough = budget.reaches(short, objective.budget, rule.factor, strict=rule.strict)
            fired = enough if short.total else None
    return Verdict(rule, fired, long, short, observed < rule.long_us, whole)


def _calendar(rule: Rule, whole: Spent) -> Verdict:
    fired: bool | None = None
    if whole.counts.total:
        elapsed = Fraction(whole.now_us - whole.start_us, whole.window_us)
        spent_enough = whole.consumed > rule.factor if rule.strict else whole.consumed >= rule.factor
        fired = elapsed <= (rule.elapsed or 1) and spent_enough
    return Verdict(rule, fired, whole.counts, whole.counts, whole.provisional, whole)


def strongest(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The verdict an alert speaks with: a page before a ticket, an escalation before what it escalates."""
    fired = [verdict for verdict in verdicts if verdict.fired]
    return min(fired, key=lambda v: (v.severity != "page", v.rule.name != ESCALATION), default=None)
