from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.measures import distance, significance
from core.measures.significance import chi_square_tail

# Published in the unit tests of a peer (menelaus 0.2.0, histogram density methods) over six levels.
REFERENCE, CURRENT = [16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]
cells = st.lists(st.integers(0, 500), min_size=2, max_size=40)


def test_the_published_hellinger_distance_and_total_variation_are_reproduced() -> None:
    assert distance.hellinger(REFERENCE, CURRENT) == pytest.approx(0.06812, abs=1e-5)
    assert distance.total_variation(REFERENCE, CURRENT) == pytest.approx(6 / 88, abs=1e-12)


def test_the_two_sample_chi_square_differs_from_the_published_goodness_of_fit() -> None:
    # The peer takes one side as exact; its p of .67309 follows from the one-sample statistic. Both sides vary here.
    one_sample = sum((a - b) ** 2 / a for a, b in zip(REFERENCE, CURRENT, strict=True))
    assert chi_square_tail(one_sample, 5) == pytest.approx(0.67309, abs=1e-5)
    statistic, freedom = distance.chi_square(REFERENCE, CURRENT)
    assert freedom == 5
    assert statistic == pytest.approx(one_sample / 2, rel=0.05)
    assert chi_square_tail(statistic, freedom) > 0.89


@given(cells, st.data())
def test_distances_are_zero_for_equal_counts_symmetric_and_bounded(left: list[int], data: st.DataObject) -> None:
    right = data.draw(st.lists(st.integers(0, 500), min_size=len(left), max_size=len(left)))
    bounded = (distance.jensen_shannon, distance.kolmogorov_smirnov, distance.hellinger, distance.total_variation)
    for measure in (distance.psi, *bounded):
        assert measure(left, left) == pytest.approx(0, abs=1e-7)
        assert measure(left, right) == pytest.approx(measure(right, left), abs=1e-9)
        assert measure(left, right) >= 0
    for measure in bounded:
        assert measure(left, right) <= 1 + 1e-12


@given(cells, st.integers(2, 9))
def test_distances_but_psi_do_not_depend_on_the_number_of_rows(left: list[int], times: int) -> None:
    right = left[::-1]
    many = [times * count for count in right]
    for measure in (distance.jensen_shannon, distance.kolmogorov_smirnov, distance.hellinger, distance.total_variation):
        assert measure(left, many) == pytest.approx(measure(left, right), abs=1e-9)


def test_no_rows_are_no_distance() -> None:
    assert distance.psi([0, 0], [3, 4]) == 0
    assert distance.wasserstein([1, 1], [0, 0], [0.0, 1.0]) == 0
    assert distance.chi_square([0, 0], [0, 0]) == (0.0, 0)


def test_psi_of_a_vanished_cell_is_large_but_finite() -> None:
    assert 1 < distance.psi([500, 500], [1000, 0]) < 20


def test_a_shift_by_one_interquartile_range_is_a_wasserstein_distance_of_one() -> None:
    points = [float(place) for place in range(40)]
    left, right = [1] * 20 + [0] * 20, [0] * 10 + [1] * 20 + [0] * 10
    assert distance.wasserstein(left, right, points) == pytest.approx(1.0)


def test_binned_ks_is_within_one_bin_of_the_raw_statistic() -> None:
    draw = np.random.default_rng(3)
    left, right = draw.normal(size=6400), draw.normal(0.3, 1.2, 3000)
    edges = np.quantile(left, np.linspace(0, 1, 65)[1:-1])
    binned = [np.bincount(np.searchsorted(edges, side), minlength=64).tolist() for side in (left, right)]
    raw = distance.kolmogorov_smirnov_raw(left.tolist(), right.tolist())
    assert 0 <= raw - distance.kolmogorov_smirnov(*binned) <= 1 / 64 + 1e-3


@pytest.mark.parametrize("statistic", [0.01, 0.5, 3.0, 12.0, 60.0, 300.0])
def test_the_chi_square_tail_meets_its_closed_forms(statistic: float) -> None:
    half = statistic / 2
    assert chi_square_tail(statistic, 1) == pytest.approx(math.erfc(math.sqrt(half)), rel=1e-9)
    assert chi_square_tail(statistic, 2) == pytest.approx(math.exp(-half), rel=1e-9)
    poisson = sum(math.exp(-half + k * math.log(half) - math.lgamma(k + 1)) for k in range(32))
    assert chi_square_tail(statistic, 64) == pytest.approx(poisson, rel=1e-9)


def test_the_ks_tail_meets_its_tables() -> None:
    # 1.3581 and 1.6276 are the 5 % and 1 % points of Kolmogorov's distribution.
    n = 4_000_000
    for point, share in ((1.3581, 0.05), (1.6276, 0.01)):
        assert significance.ks_tail(point / math.sqrt(n / 2), n, n) == pytest.approx(share, rel=0.01)


def test_holm_multiplies_the_smallest_by_all_and_never_reorders() -> None:
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert significance.holm([]) == []
    assert significance.holm([0.9, 0.8]) == [1.0, 1.0]
