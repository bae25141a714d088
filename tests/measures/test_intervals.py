from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import DAY
from core.measures.intervals import NOTHING, RESAMPLES, Blocks, Interval, bootstrap, wilson


def test_wilson_gives_the_published_interval() -> None:
    # Newcombe, 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, rows, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(hits, rows)
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(0, 0) == NOTHING


@given(st.integers(1, 500), st.data())
def test_a_wilson_interval_holds_its_share_and_stays_in_the_unit(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, rows))
    found = wilson(hits, rows)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= hits / rows <= found.high <= 1


def test_days_are_drawn_whole_and_few_days_row_by_row() -> None:
    times = np.repeat(np.arange(12), 5) * DAY
    assert Blocks.by_day(times).kind == "day"
    assert Blocks.by_day(times).count == 12
    assert Blocks.by_day(times[:45]).kind == "row"
    assert Blocks.by_day(times).part(times < 3 * DAY).count == 3


def _mean(values: np.ndarray, blocks: Blocks, resamples: int = RESAMPLES) -> Interval:
    sums, rows = blocks.sums(values, np.ones(len(values))).T
    return bootstrap(lambda times: {"m": (times @ sums) / (times @ rows)}, blocks, resamples=resamples)["m"]


def test_rows_that_agree_within_a_day_widen_the_interval() -> None:
    draw = np.random.default_rng(3)
    values = np.repeat(draw.normal(size=40), 50)
    by_day = _mean(values, Blocks(np.repeat(np.arange(40), 50), 40, "day"))
    by_row = _mean(values, Blocks(np.arange(2000), 2000, "row"))
    assert by_day.low is not None
    assert by_day.high is not None
    assert by_row.low is not None
    assert by_row.high is not None
    ratio = (by_day.high - by_day.low) / (by_row.high - by_row.low)
    assert 5 < ratio < 9, "a day of 50 equal rows counts as one: the square root of 50"


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    seed = 11
    draw, held = np.random.default_rng(seed), 0
    for _ in range(200):
        values = np.repeat(draw.normal(size=30), 4) + draw.normal(size=120)
        blocks = Blocks(np.repeat(np.arange(30), 4), 30, "day")
        found = _mean(values, blocks, 200)
        held += bool(found.low <= 0 <= found.high)  # type: ignore[operator]
    assert held >= 176, f"seed {seed}: {held} of 200 intervals held the truth"


def test_the_same_seed_draws_the_same_and_no_rows_are_no_value() -> None:
    values = np.arange(50.0)
    blocks = Blocks(np.arange(50), 50, "row")
    assert _mean(values, blocks, 20) == _mean(values, blocks, 20)
    nothing = bootstrap(lambda times: {"m": np.full(len(times), np.nan)}, Blocks(np.array([], int), 0, "row"))
    assert nothing == {"m": NOTHING}
