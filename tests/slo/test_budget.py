from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.clock import DAY, HOUR, MINUTE, parse_time
from core.errors import BadInput
from core.slo import budget
from core.slo.budget import Counts
from core.slo.judge import Spent, Verdict, edges, judge, spent, strongest
from core.slo.rules import ESCALATION, Objective, factor, rules_of
from core.slo.windows import Window, edge, parse_window

NOW = parse_time("2013-04-15T12:00:00Z")
T = Fraction(999, 1000)
MONTH = Window(30 * DAY)


def bad(count: int, total: int) -> Counts:
    return Counts(total - count, total)


def verdicts(objective: Objective, windows: dict[int, Counts], whole: Counts | None = None) -> list[Verdict]:
    """The rules on counts given by window length; windows that are not given saw traffic without a bad event."""
    quiet = bad(0, 10**9)
    rules, _ = rules_of(objective)
    given = {edge(NOW, length): counts for length, counts in windows.items()}
    given[objective.window.since(NOW)] = whole or quiet
    asked = {from_us: given.get(from_us, quiet) for from_us in edges(objective, rules, NOW)}
    total = spent(objective, NOW, 0, asked.__getitem__)
    return judge(objective, rules, total, asked.__getitem__)


def fired(objective: Objective, windows: dict[int, Counts]) -> Verdict | None:
    return strongest([one for one in verdicts(objective, windows) if one.rule.condition == "burn"])


def test_vector_1_a_burn_of_exactly_the_factor_does_not_page() -> None:
    windows = {HOUR: bad(1440, 100_000), 5 * MINUTE: bad(120, 8333)}
    assert budget.burn(windows[HOUR], T) == Fraction("14.4")
    assert float(budget.burn(windows[5 * MINUTE], T) or 0) == pytest.approx(14.4006, abs=5e-5)
    assert fired(Objective(T, MONTH), windows) is None


def test_vector_2_both_windows_above_the_factor_page() -> None:
    windows = {HOUR: bad(1500, 100_000), 5 * MINUTE: bad(150, 8333)}
    assert budget.burn(windows[HOUR], T) == 15
    assert budget.short(budget.burn(windows[5 * MINUTE], T)) == "18"
    top = fired(Objective(T, MONTH), windows)
    assert top is not None
    assert (top.severity, top.rule.name) == ("page", "1 h / 5 min x14.4")
    assert top.text == "budget gone in 2d"


def test_vector_3_a_recovered_short_window_does_not_page() -> None:
    windows = {HOUR: bad(1500, 100_000), 5 * MINUTE: bad(2, 8333)}
    assert budget.short(budget.burn(windows[5 * MINUTE], T)) == "0.24"
    assert fired(Objective(T, MONTH), windows) is None


def test_vector_4_six_hours_at_seven_page() -> None:
    windows = {6 * HOUR: bad(700, 100_000), 30 * MINUTE: bad(60, 8333)}
    assert budget.burn(windows[6 * HOUR], T) == 7
    top = fired(Objective(T, MONTH), windows)
    assert top is not None
    assert (top.severity, top.rule.name) == ("page", "6 h / 30 min x6")


def test_vector_5_three_days_just_over_the_budget_are_a_ticket() -> None:
    windows = {3 * DAY: bad(110, 100_000), 6 * HOUR: bad(10, 8333)}
    top = fired(Objective(T, MONTH), windows)
    assert top is not None
    assert (top.severity, top.burn) == ("ticket", Fraction("1.1"))


@pytest.mark.parametrize(
    ("count", "burn", "left", "breached"), [(250, "0.25", "75 %", 0), (1000, "1", "0 %", 0), (2500, "2.5", "-150 %", 1)]
)
def test_vector_6_what_is_left_may_be_negative_and_only_less_than_nothing_is_a_breach(
    count: int, burn: str, left: str, breached: int
) -> None:
    whole = bad(count, 1_000_000)
    objective = Objective(T, MONTH, critical=True)
    found = verdicts(objective, {}, whole)
    assert budget.short(found[0].spent.burn) == burn
    assert budget.percent(found[0].spent.left) == left
    assert sum(bool(one.fired) for one in found if one.rule.condition == "breach") == breached
    assert (found[0].spent.consumed > 1) == bool(breached)


def test_vector_7_below_the_floor_of_bad_events_a_page_is_a_marked_ticket() -> None:
    windows = {HOUR: bad(1, 10), 5 * MINUTE: bad(1, 2)}
    top = fired(Objective(T, MONTH), windows)
    assert top is not None
    assert (top.burn, top.severity, top.low_traffic, top.rule.severity) == (100, "ticket", True, "page")
    assert fired(Objective(T, MONTH), {HOUR: bad(3, 10), 5 * MINUTE: bad(1, 2)}).severity == "page"  # type: ignore[union-attr]


def test_vector_8_a_factor_that_cannot_be_reached_is_clamped_and_told() -> None:
    objective = Objective(Fraction(9, 10), MONTH)
    top = fired(objective, {HOUR: bad(1000, 1000), 5 * MINUTE: bad(80, 80)})
    assert top is not None
    assert (top.severity, top.rule.name, top.burn) == ("page", "1 h / 5 min x8", 10)
    assert rules_of(objective)[1] == (
        "1 h / 5 min: burn cannot exceed 10 at this target, so the factor is lowered from 14.4 to 8",
    )


def test_vector_9_over_twice_the_budget_for_a_day_and_two_hours_pages() -> None:
    windows = {DAY: bad(90, 800), 2 * HOUR: bad(8, 70)}
    top = fired(Objective(Fraction(95, 100), MONTH), windows)
    assert top is not None
    assert (top.severity, top.rule.name, top.burn) == ("page", "over 200 % of budget", Fraction("2.25"))
    assert budget.short(top.short_burn) == "2.29"


def test_vector_10_the_factor_of_a_shorter_window_is_clamped_to_one() -> None:
    objective = Objective(T, Window(28 * DAY))
    assert fired(objective, {3 * DAY: bad(95, 100_000), 6 * HOUR: bad(95, 100_000)}) is None
    assert fired(objective, {3 * DAY: bad(101, 100_000), 6 * HOUR: bad(101, 100_000)}) is not None
    assert rules_of(objective)[1] == (
        "3 d / 6 h: the factor is raised from 0.933 to 1, because a slower burn keeps the objective",
    )


def test_vector_11_counts_are_added_and_ratios_never_averaged() -> None:
    total = bad(500, 100_000) + bad(0, 100)
    assert budget.short(budget.burn(total, T)) == "5"
    assert float(budget.burn(total, T) or 0) == pytest.approx(4.995, abs=5e-4)


def test_vector_12_time_slices_are_events_like_any_other() -> None:
    counts = bad(40, 8064)
    rate = budget.burn(counts, Fraction(99, 100))
    assert float(rate or 0) == pytest.approx(0.496, abs=5e-4)
    assert budget.percent(1 - budget.consumed(rate, 28 * DAY, 28 * DAY)) == "50.397 %"


def test_vector_13_no_traffic_burns_nothing_and_leaves_the_budget_as_it_was() -> None:
    nothing = Counts()
    found = verdicts(Objective(T, MONTH), {HOUR: nothing, 5 * MINUTE: nothing}, nothing)
    assert (budget.burn(nothing, T), budget.sli(nothing)) == (None, None)
    assert (found[0].fired, found[0].spent.left, found[0].text) == (None, 1, "budget unchanged")


@pytest.mark.parametrize(
    ("day", "burn", "rule"),
    [(7, "2.14", ESCALATION), (10, "1.5", "50 % of budget in 50 % of window"), (16, "0.938", None)],
)
def test_vector_14_half_a_calendar_budget_gone_early_escalates_then_is_a_ticket_then_nothing(
    day: int, burn: str, rule: str | None
) -> None:
    start = parse_time("2013-04-01T00:00:00Z")
    now = start + day * DAY
    objective = Objective(T, parse_window("month", "UTC"))
    # A budget of 3000 in a month of 3,000,000 events, 1500 of it spent by now.
    counts = bad(1500, 3_000_000 * day // 30)
    whole = Spent(start, start + 30 * DAY, 0, now, counts, T)
    rules = [one for one in rules_of(objective)[0] if one.condition == "budget"]
    top = strongest(judge(objective, rules, whole, lambda _: Counts()))
    assert (budget.short(whole.burn), whole.consumed) == (burn, Fraction(1, 2))
    assert (top.rule.name if top else None) == rule
    assert top is None or top.severity == "ticket"


def test_half_the_budget_in_a_quarter_of_a_rolling_window_escalates_the_ticket() -> None:
    counts = {15 * DAY: bad(100, 100_000), 15 * DAY // 2: bad(100, 50_000)}
    found = [one for one in verdicts(Objective(T, MONTH), counts) if one.rule.condition == "budget"]
    top = strongest(found)
    assert top is not None
    assert (top.rule.name, top.severity, sum(bool(one.fired) for one in found)) == (ESCALATION, "ticket", 2)


def test_a_critical_objective_has_no_half_budget_ticket() -> None:
    names = {rule.name for rule in rules_of(Objective(T, MONTH, critical=True))[0]}
    assert "50 % of budget in 50 % of window" not in names
    assert {"critical objective breached", ESCALATION} <= names


def test_rule_windows_shorter_than_a_slice_are_raised_to_it() -> None:
    rules, told = rules_of(Objective(Fraction(8, 10), MONTH, slice_us=HOUR))
    assert [rule.name for rule in rules][:4] == ["1 h / 1 h x4", "6 h / 1 h x4", "1 d / 2 h x3", "3 d / 6 h x1"]
    assert min(rule.short_us for rule in rules) == HOUR
    assert len(told) == 2


def test_tiers_longer_than_the_window_are_left_out_and_told() -> None:
    rules, told = rules_of(Objective(T, Window(DAY)))
    assert not any(rule.long_us > DAY for rule in rules)
    assert "left out" in " ".join(told)


def test_the_first_day_is_not_taken_for_a_month() -> None:
    objective = Objective(T, MONTH)
    rules, _ = rules_of(objective)
    counts = bad(50, 1000)
    whole = spent(objective, NOW, NOW - HOUR, lambda _: counts)
    found = {one.rule.name: one for one in judge(objective, rules, whole, lambda _: counts)}
    assert whole.provisional
    assert (whole.burn, whole.consumed) == (50, Fraction(50, 720))
    assert found["1 h / 5 min x14.4"].fired
    assert not found["1 h / 5 min x14.4"].provisional
    assert found["50 % of budget in 50 % of window"].fired is False
    assert found["3 d / 6 h x1"].provisional


@pytest.mark.parametrize("given", ["1", "100%", 1.0, Decimal(1)])
def test_a_target_of_one_is_refused_because_it_leaves_no_budget(given: str | float | Decimal) -> None:
    with pytest.raises(BadInput, match="no error budget"):
        budget.parse_target(given)


@pytest.mark.parametrize(
    "given", ["0", "99.9", "-0.5", "nan", "inf", "much", "", "0%", 0.0, "1e3", "1e-999999999", "1e999999999"]
)
def test_what_is_no_share_is_refused_as_a_target(given: str | float) -> None:
    with pytest.raises(BadInput) as error:
        budget.parse_target(given)
    assert "99.9%" in error.value.hint


@pytest.mark.parametrize("given", ["99.9%", "99.9 %", "0.999", ".999", 0.999, Decimal("0.999"), T])
def test_a_target_is_read_exactly(given: str | float | Decimal | Fraction) -> None:
    assert budget.parse_target(given) == T


@pytest.mark.parametrize(
    ("left", "rate", "text"),
    [
        (Fraction(1), Fraction(15), "budget gone in 2d"),
        (Fraction(1), Fraction("14.7"), "budget gone in 2d"),
        (Fraction(98, 100), Fraction("14.4"), "budget gone in 2d 1h"),
        (Fraction(-1), Fraction(2), "budget gone"),
        (Fraction(1), Fraction(0), "no budget being spent"),
        (Fraction(1, 2), None, "budget unchanged"),
        (Fraction(1), Fraction(1, 2), "budget lasts the window"),
    ],
)
def test_the_time_to_exhaustion_is_told_in_words(left: Fraction, rate: Fraction | None, text: str) -> None:
    assert budget.gone_text(left, 30 * DAY, rate) == text


def test_counts_that_contradict_themselves_are_left_out_and_counted() -> None:
    total = Counts.of(11, 10) + Counts.of(-1, 10) + Counts.of(9, 10)
    assert total == Counts(9, 10, faulty=2)


counts = st.integers(0, 10**6).flatmap(lambda total: st.builds(Counts, st.integers(0, total), st.just(total)))
targets = st.integers(1, 9999).map(lambda n: Fraction(n, 10_000))


@given(counts, counts, counts)
def test_adding_counts_is_associative_and_commutative(a: Counts, b: Counts, c: Counts) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Counts() == a


@given(counts, counts, targets)
def test_the_burn_of_a_sum_lies_between_the_burns_of_its_parts(a: Counts, b: Counts, target: Fraction) -> None:
    assume(a.total and b.total)
    first, second, both = (budget.burn(one, target) for one in (a, b, a + b))
    assert first is not None
    assert second is not None
    assert both is not None
    assert min(first, second) <= both <= max(first, second)


@given(counts, targets, st.fractions(0, 20, max_denominator=100), st.fractions(0, 1, max_denominator=50), st.booleans())
def test_cross_multiplication_agrees_with_the_fraction(
    one: Counts, target: Fraction, limit: Fraction, part: Fraction, strict: bool
) -> None:
    rate = budget.burn(one, target)
    said = budget.reaches(one, 1 - target, limit, part, strict=strict)
    assert said == (rate is not None and (rate * part > limit or (not strict and rate * part == limit)))


@given(targets, st.integers(1, 365), st.sampled_from([HOUR, 6 * HOUR, DAY, 3 * DAY]))
def test_a_factor_is_at_least_one_and_never_out_of_reach(target: Fraction, days: int, long_us: int) -> None:
    found = factor(Fraction(1, 50), days * DAY, long_us, 1 - target)
    assert found >= 1
    assert found < 1 / (1 - target)


@given(counts, targets)
def test_what_is_consumed_and_what_is_left_make_a_budget(one: Counts, target: Fraction) -> None:
    whole = Spent(NOW - 30 * DAY, NOW, 0, NOW, one, target)
    assert whole.consumed + whole.left == 1
    assert one.total == 0 or (whole.left < 0) == (Fraction(one.good, one.total) < target)
