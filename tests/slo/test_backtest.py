from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import DAY, HOUR, MINUTE, iso, parse_time
from core.errors import BadInput, NotFound
from core.slo.backtest import Backtest, Recorded, read, run
from core.slo.rules import ESCALATION, Objective
from core.slo.windows import Window, parse_window

START = parse_time("2026-01-01T00:00:00Z")
MONTH = Objective(Fraction(999, 1000), Window(30 * DAY))


def rows(bad: Sequence[int], total: int = 1000, step: int = 5 * MINUTE) -> list[Recorded]:
    return [Recorded(START + index * step, total - one, total) for index, one in enumerate(bad)]


def test_an_outage_pages_and_resolves_and_says_when() -> None:
    found = run(MONTH, rows([0] * 288 + [200] * 12 + [0] * 288))
    page = next(one for one in found.episodes if one.severity == "page")
    assert page.rule == "1 h / 5 min x14.4"
    assert iso(page.fired_us) == "2026-01-02T00:05:00Z"
    assert page.resolved_us is not None
    assert page.resolved_us > START + DAY + HOUR
    assert "budget gone in" in page.summary
    assert (found.rows, found.step_us, found.to_us) == (588, 5 * MINUTE, START + 588 * 5 * MINUTE)


def test_quiet_counts_fire_nothing() -> None:
    assert run(MONTH, rows([0, 1] * 500, total=4000)).episodes == ()


def test_a_ticket_that_becomes_a_page_is_one_episode() -> None:
    found = run(MONTH, rows([1] * 288 * 4 + [300] * 12 + [300] * 12, total=800))
    burn = [one for one in found.episodes if one.condition == "burn"]
    assert len(burn) == 1
    assert burn[0].severity == "page"
    assert burn[0].escalated_us is not None
    assert burn[0].escalated_us > burn[0].fired_us
    assert burn[0].resolved_us is None


def test_half_a_calendar_budget_in_a_quarter_of_the_month_escalates() -> None:
    objective = Objective(Fraction(99, 100), parse_window("month", "UTC"))
    found = run(objective, rows([30] * 24 * 7 + [0] * 24 * 9, step=HOUR))
    budget = [one for one in found.episodes if one.condition == "budget"]
    assert [one.rule for one in budget] == [ESCALATION]
    assert budget[0].resolved_us is not None


def test_a_row_with_good_above_total_is_an_episode_of_its_own_and_is_left_out() -> None:
    found = run(MONTH, [*rows([0] * 100), Recorded(START + DAY, 2000, 1000), Recorded(START + DAY + HOUR, 10, 10)])
    assert [(one.condition, one.severity) for one in found.episodes] == [("integrity", "ticket")]
    assert found.episodes[0].resolved_us is None


def test_hourly_rows_raise_the_short_windows() -> None:
    found = run(MONTH, rows([0] * 48 + [20, 20], step=HOUR))
    assert found.episodes[0].rule == "1 h / 1 h x14.4"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 20, 400]), min_size=2, max_size=300))
def test_episodes_of_a_condition_never_overlap(bad: list[int]) -> None:
    found: Backtest = run(MONTH, rows(bad))
    for condition in {one.condition for one in found.episodes}:
        own = [one for one in found.episodes if one.condition == condition]
        for before, after in pairwise(own):
            assert before.resolved_us is not None
            assert before.fired_us < before.resolved_us < after.fired_us


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "counts.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffTotal,ts,good,note\n10,1767225600,9,x\n\n20,2026-01-01T00:05:00Z,19,y\n")
    assert read(path) == [Recorded(START, 9, 10), Recorded(START + 5 * MINUTE, 19, 20)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column ts, good, total"),
        ("ts,good\n1,2\n", "no column total"),
        ("ts,good,total\n", "holds 0 rows"),
        ("ts,good,total\n1,1,1\n", "holds 1 rows"),
        ("ts,good,total\nyesterday,1,1\n", "line 2: 'yesterday' is not a time"),
        ("ts,good,total\n1,1,1\n2,1\n", "line 3: it has 2 cells"),
        ("ts,good,total\n99999999999999999999,1,1\n", "line 2: 9+ is no time"),
        ("ts,good,total\n1900-01-01,1,1\n", "no time between 1970"),
        ("ts,good,total\n1,1.5,2\n", "line 2: '1.5' and '2' are not whole numbers"),
        ("ts,good,total\n1,,2\n", "not whole numbers"),
        ("ts,good,total\n1,-1,2\n", "never negative"),
        ("ts,good,total\n5,1,1\n5,1,1\n", "line 3: .* does not come after"),
        ("ts,good,total\n5,1,1\n4,1,1\n", "does not come after"),
        (b"ts,good,total\n\xff\xfe,1,1\n", "cannot be read as CSV"),
        ("ts,good,total\n1,99999999999999999999999999x,1\n", "not whole numbers"),
    ],
)
def test_a_malformed_file_is_refused_by_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        read(write(tmp_path, text))
    assert "ts,good,total" in error.value.hint or "a row is" in error.value.hint


def test_a_file_that_is_not_there_is_not_found_and_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path)


def test_rows_too_far_apart_for_any_rule_are_refused() -> None:
    with pytest.raises(BadInput, match="7d apart"):
        run(MONTH, rows([1, 1], step=7 * DAY))
    with pytest.raises(BadInput, match="two rows"):
        run(MONTH, rows([1]))
