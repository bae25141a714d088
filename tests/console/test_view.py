from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console import view
from console.pages.chrome import key_line, too_small
from console.pages.layout import Section, compose
from core.clock import DAY, HOUR, parse_time

texts = st.text(max_size=40)
lines = st.lists(st.tuples(texts, st.sampled_from(["", "bold", "bad"])), max_size=6).map(
    lambda spans: view.line(*spans)
)


@given(texts, st.integers(0, 50))
def test_a_padded_text_takes_exactly_its_width(text: str, width: int) -> None:
    assert view.cells(view.pad(view.clean(text), width)) == width


@given(lines, st.integers(0, 60))
def test_a_fitted_line_never_exceeds_its_width(spans: view.Line, width: int) -> None:
    assert view.cells(view.text_of(view.fit(spans, width))) <= width


@given(lines, st.integers(40, 60))
def test_the_right_part_of_a_spread_line_is_always_whole(spans: view.Line, width: int) -> None:
    shown = view.text_of(view.spread(spans, view.line("03:04Z"), width))
    assert shown.endswith("03:04Z")
    assert view.cells(shown) == width


@given(texts)
def test_no_text_can_steer_the_terminal(text: str) -> None:
    assert view.text_of(view.line(text)).isprintable()


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(1, 30))
def test_a_sparkline_has_one_bar_a_value_up_to_its_width(values: list[float], width: int) -> None:
    assert len(view.spark(values, width)) == min(len(values), width)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=99), st.integers(1, 30))
def test_a_squeezed_history_keeps_its_range(values: list[float], width: int) -> None:
    squeezed = view.squeeze(values, width)
    assert len(squeezed) == min(len(values), width)
    assert min(values) - 1e-9 <= min(squeezed) <= max(squeezed) <= max(values) + 1e-9


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 40))
def test_a_composed_page_never_exceeds_its_height_and_keeps_what_matters_most(sizes: list[int], height: int) -> None:
    sections = [
        Section([view.line(f"{rank}.{row}") for row in range(size)], min(2, size), rank)
        for rank, size in enumerate(sizes)
    ]
    shown = compose(sections, 80, height)
    assert len(shown) <= height
    assert view.text_of(shown[0]) == "0.0"


def test_wide_characters_take_two_cells() -> None:
    assert view.cells("航班") == 4
    assert view.crop("航班延误", 5) == "航班…"
    assert view.pad("航班", 5) == "航班 "


def test_a_time_says_its_date_only_when_it_is_another_day() -> None:
    now = parse_time("2013-04-16T03:04:00Z")
    assert view.when(now - HOUR, now) == "02:04"
    assert view.when(now - DAY, now) == "04-15 03:04"
    assert view.when(now - 400 * DAY, now) == "2012-03-12"


def test_a_small_share_is_never_shown_as_nothing() -> None:
    assert [view.share(one) for one in (0, 0.00001, 0.0002, 0.031, 0.82, -1.5)] == [
        "0.0%",
        "<0.01%",
        "0.02%",
        "3.1%",
        "82%",
        "-150%",
    ]


def test_the_tail_of_the_key_line_survives_any_width() -> None:
    hints = [("a", "acknowledge"), ("R", "rollback"), ("b", "runbook")]
    for width in range(25, 90):
        shown = view.text_of(key_line(hints, width, ((":", "find"), ("?", "help"), ("q", "quit"))))
        assert shown.endswith(": find  ? help  q quit")
        assert len(shown) <= width


def test_the_message_for_a_small_terminal_fits_it() -> None:
    for width, height in ((40, 10), (20, 5), (10, 3), (1, 1)):
        shown = too_small(width, height)
        assert len(shown) <= height
        assert all(view.cells(view.text_of(one)) <= width for one in shown)
