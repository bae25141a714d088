"""False alarms and detections, seeded: the traps that peers fall into."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.clock import DAY
from core.measures import distance, significance
from core.measures.bins import number_bins
from core.measures.significance import Scatter, chi_square_tail, psi_tail

Sampler = Callable[[np.random.Generator, int], np.ndarray]

SHAPES: dict[str, Sampler] = {
    "normal": lambda draw, n: draw.normal(size=n),
    "heavy tails": lambda draw, n: draw.standard_t(2, n),
    "lognormal": lambda draw, n: np.exp(draw.normal(size=n)),
    "few values": lambda draw, n: draw.poisson(2, n).astype(float),
}


def false_alarms(sampler: Sampler, n: int, nominal: float, windows: int = 1500, reference: int = 20_000) -> float:
    """The share of windows of pure noise that alarm, each against a reference of its own kind in 64 quantile bins."""
    draw = np.random.default_rng(7)
    hits = 0
    for _ in range(windows // 50):
        past = sampler(draw, reference)
        bins = number_bins(past)
        left = bins.count(past)
        hits += sum(psi_tail(left, bins.count(sampler(draw, n))) <= nominal for _ in range(50))
    return hits / windows


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [50, 200, 5000])
def test_noise_alarms_at_close_to_the_nominal_one_percent(shape: str, n: int) -> None:
    # 1,500 windows at 1 % give 15 alarms, give or take 4: the bounds are three of those wide.
    assert 0.002 <= false_alarms(SHAPES[shape], n, 0.01) <= 0.018


@pytest.mark.parametrize("levels", [3, 10, 30])
def test_a_goodness_of_fit_test_alarms_on_noise_and_ours_does_not(levels: int) -> None:
    # Trap 2: at 1000 rows a side and a nominal 5 %, reading the reference as exact alarms in 23, 48 and 88 %.
    draw = np.random.default_rng(2)
    shares = np.full(levels, 1 / levels)
    sides = [(draw.multinomial(1000, shares).tolist(), draw.multinomial(1000, shares).tolist()) for _ in range(600)]
    exact = [chi_square_tail(sum((a - b) ** 2 / a for a, b in zip(*pair, strict=True)), levels - 1) for pair in sides]
    ours = [psi_tail(*pair) for pair in sides]
    contingency = [chi_square_tail(*distance.chi_square(*pair)) for pair in sides]
    assert np.mean(np.array(exact) <= 0.05) > 0.15
    assert 0.02 <= np.mean(np.array(ours) <= 0.05) <= 0.08
    assert 0.02 <= np.mean(np.array(contingency) <= 0.05) <= 0.08


def test_an_outlier_does_not_hide_a_shift() -> None:
    # Trap 1: over pooled equal-width bins one value of 1e4 turned the PSI of a 1-sigma shift from 1.12 to 0.0006.
    draw = np.random.default_rng(1)
    past, now = draw.normal(size=5000), draw.normal(1, 1, 5000)
    spoilt = np.append(now, 1e4)
    width = np.histogram_bin_edges(np.concatenate([past, spoilt]), 10)
    pooled = distance.psi(*(np.histogram(side, width)[0].tolist() for side in (past, spoilt)))
    bins = number_bins(past)
    clean, ours = (distance.psi(bins.count(past), bins.count(side)) for side in (now, spoilt))
    assert pooled < 0.01
    assert ours > 0.9
    assert ours == pytest.approx(clean, rel=0.01)


def test_few_rows_of_noise_do_not_alarm_and_a_small_shift_of_many_is_seen() -> None:
    # Trap 3: fixed thresholds alarm on noise at n = 50, and never see 0.09 sigma at n = 50,000.
    draw = np.random.default_rng(3)
    past = draw.normal(size=50_000)
    bins = number_bins(past)
    left = bins.count(past)
    noise = [bins.count(draw.normal(size=50)) for _ in range(200)]
    assert np.mean([distance.psi(left, right) > 0.2 for right in noise]) > 0.7
    assert np.mean([psi_tail(left, right) <= 0.01 for right in noise]) <= 0.03
    shifted = bins.count(draw.normal(0.09, 1, 50_000))
    assert distance.psi(left, shifted) < 0.02
    assert psi_tail(left, shifted) < 1e-6


def test_fewer_than_thirty_rows_never_alarm() -> None:
    assert psi_tail([1000, 0], [0, 29]) == 1.0
    assert psi_tail([1000, 0], [0, 30]) < 1e-6


@pytest.mark.parametrize("reference", [[80_000, 0], [40_000, 40_000, 0], [79_200, 800]])
def test_values_rare_or_new_to_the_reference_are_seen_in_fifty_rows(reference: list[int]) -> None:
    noise, novel = [0] * len(reference), [0] * len(reference)
    noise[0], novel[0], novel[-1] = 50, 40, 10
    if len(reference) == 3:
        noise[:2], novel[:2] = [25, 25], [20, 20]
    assert psi_tail(reference, noise) > 0.1
    assert psi_tail(reference, novel) < 1e-6


def test_levels_that_noise_had_not_shown_before_do_not_alarm() -> None:
    # A long tail always shows new levels: that they are new is no evidence by itself.
    draw = np.random.default_rng(8)
    shares = 1 / np.arange(1, 2001) ** 1.1
    shares /= shares.sum()
    hits = 0
    for _ in range(300):
        past, now = draw.multinomial(3000, shares), draw.multinomial(300, shares)
        assert now[past == 0].sum() > 0
        hits += psi_tail(past.tolist(), now.tolist()) <= 0.01
    assert hits <= 9


def test_correlated_days_alarm_no_more_than_nominal_once_their_scatter_is_known() -> None:
    from core.training.reference import overdispersion

    draw = np.random.default_rng(4)

    def days(count: int) -> np.ndarray:
        return (draw.normal(size=(count, 1)) + 0.5 * draw.normal(size=(count, 100))).ravel()

    naive, scattered = [], []
    for _ in range(60):
        past = days(90)
        bins = number_bins(past)
        places = bins.indices(past)
        known = Scatter(overdispersion(places, np.repeat(np.arange(90), 100), bins.size), 100)
        left = bins.count(past)
        for _ in range(5):
            right = bins.count(days(7))
            naive.append(psi_tail(left, right) <= 0.01)
            scattered.append(psi_tail(left, right, known) <= 0.01)
    assert np.mean(naive) > 0.9
    assert np.mean(scattered) <= 0.03


def test_correlated_days_far_from_the_reference_are_still_seen() -> None:
    draw = np.random.default_rng(5)
    past = draw.normal(size=9000)
    bins = number_bins(past)
    far = bins.count(draw.normal(4, 0.5, 700))
    assert psi_tail(bins.count(past), far, Scatter(20, 100)) < 1e-4


def test_the_level_of_a_look_shares_one_false_alarm_among_the_looks_of_a_month() -> None:
    assert significance.level(DAY) == pytest.approx(1 / 30)
    assert significance.level(DAY, budget=2, span_us=7 * DAY) == pytest.approx(2 / 7)
    assert significance.level(60 * DAY) == 1.0


def test_pooling_keeps_every_row_and_fills_every_cell() -> None:
    draw = np.random.default_rng(6)
    left, right = draw.multinomial(900, [1 / 90] * 90).tolist(), draw.multinomial(40, [1 / 90] * 90).tolist()
    a, b = significance.pooled(left, right)
    assert (sum(a), sum(b)) == (900, 40)
    assert all((x + y) * 40 / 940 >= 5 for x, y in zip(a, b, strict=True))
