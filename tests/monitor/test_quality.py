from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import DAY, HOUR
from core.measures import ranking
from core.measures.evaluate import delong
from core.measures.ranking import SCORE_BINS, score_bin
from core.monitor import estimate, quality
from core.monitor.labels import join, record
from tests.monitor.conftest import ENDPOINT, MODEL, START, Lab

scored = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=200)


def counted(scores: list[float], labels: list[int]) -> tuple[list[int], list[int]]:
    neg, pos = [0] * SCORE_BINS, [0] * SCORE_BINS
    for score, label in zip(scores, labels, strict=True):
        (pos if label else neg)[score_bin(score)] += 1
    return neg, pos


def raw_auc(scores: list[float], labels: list[int]) -> float:
    pairs = [
        (p > n) + (p == n) / 2
        for p, a in zip(scores, labels, strict=True)
        if a
        for n, b in zip(scores, labels, strict=True)
        if not b
    ]
    return sum(pairs) / len(pairs)


@given(scored)
def test_the_auc_is_within_its_stated_resolution_of_the_raw_one(rows: list[tuple[float, int]]) -> None:
    scores, labels = [row[0] for row in rows], [row[1] for row in rows]
    neg, pos = counted(scores, labels)
    value = ranking.auc(neg, pos)
    if not 0 < sum(labels) < len(labels):
        assert value is None
    else:
        assert value == pytest.approx(raw_auc(scores, labels), abs=ranking.resolution(neg, pos) + 1e-9)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.floats(1, 6), st.floats(1, 12)),
    slope=st.floats(0.3, 3),
    seed=st.integers(0, 10_000),
)
def test_the_auc_is_within_two_thousandths_of_the_raw_one(shape: tuple[float, float], slope: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.beta(*shape, size=3000)
    chance = 1 / (1 + np.exp(-slope * (scores - scores.mean()) / scores.std()))
    labels = (draw.random(3000) < chance).astype(int)
    exact, _ = delong(scores[labels == 1], scores[labels == 0])
    assert ranking.auc(*counted(scores.tolist(), labels.tolist())) == pytest.approx(exact, abs=0.002)


def test_the_interval_is_that_of_delong_on_the_same_bins() -> None:
    draw = np.random.default_rng(1)
    labels = (draw.random(800) < 0.3).astype(int)
    scores = np.floor(256 * draw.beta(2 + labels, 4)) / 256
    auc, variance = delong(scores[labels == 1], scores[labels == 0])
    interval = ranking.auc_interval(*counted(scores.tolist(), labels.tolist()))
    half = 1.959964 * math.sqrt(variance)
    assert interval == pytest.approx((auc - half, auc + half), abs=1e-9)


def test_the_interval_covers_the_true_auc_in_about_95_percent_of_samples() -> None:
    draw = np.random.default_rng(2)
    truth, covered = 0.5 * math.erfc(-1 / 2), 0
    for _ in range(400):
        labels = (draw.random(300) < 0.3).astype(int)
        scores = 1 / (1 + np.exp(-draw.normal(labels, 1)))
        low, high = ranking.auc_interval(*counted(scores.tolist(), labels.tolist())) or (1.0, 0.0)
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_where_days_differ_only_the_interval_by_day_covers_the_truth() -> None:
    # Each day has a skill of its own: rows of a day are not independent, and DeLong takes them to be.
    draw = np.random.default_rng(7)

    def day(skill: float) -> tuple[list[int], list[int]]:
        labels = (draw.random(300) < 0.3).astype(int)
        return counted((1 / (1 + np.exp(-draw.normal(skill * labels, 1)))).tolist(), labels.tolist())

    truth = np.mean([0.5 * math.erfc(-skill / 2) for skill in draw.normal(0.6, 0.5, 20_000)])
    rows, days = 0, 0
    for _ in range(150):
        week = [day(skill) for skill in draw.normal(0.6, 0.5, 7)]
        pooled = [[sum(bins) for bins in zip(*(one[side] for one in week), strict=True)] for side in (0, 1)]
        for_rows = ranking.auc_interval(*pooled) or (1.0, 0.0)
        for_days = ranking.auc_interval_by_day(week) or (1.0, 0.0)
        rows += for_rows[0] <= truth <= for_rows[1]
        days += for_days[0] <= truth <= for_days[1]
    assert rows / 150 < 0.75
    assert 0.88 <= days / 150 <= 0.99


def test_fewer_than_four_days_give_no_interval_by_day(lab: Lab) -> None:
    lab.score(1, [0.2, 0.8] * 60, START, 4 * DAY)
    record(lab.desk, MODEL, [(f"r{n}", (n // 2) % 2, START) for n in range(120)])
    join(lab.desk)
    place = (lab.desk.store, MODEL, 1, ENDPOINT, START)
    assert quality.interval_by_day(*place, START + 3 * DAY) is None
    low, high = quality.interval_by_day(*place, START + 4 * DAY) or (1.0, 0.0)
    assert low <= 0.5 <= high


def test_one_label_of_a_class_bounds_nothing_and_none_gives_no_figure() -> None:
    neg, pos = counted([0.1, 0.2, 0.9], [0, 0, 1])
    assert ranking.auc_interval(neg, pos) == (0.0, 1.0)
    assert ranking.auc_interval(neg, [0] * SCORE_BINS) is None
    empty = quality.of_counts([0] * SCORE_BINS, [0] * SCORE_BINS, 0, [])
    assert (empty.auc, empty.coverage, empty.logloss, empty.ece, empty.n) == (None, None, None, None, 0)


def test_precision_recall_and_f1_are_exact_where_the_threshold_is_a_bin_edge() -> None:
    draw = np.random.default_rng(3)
    scores, labels = draw.random(500), draw.integers(0, 2, 500)
    found = ranking.at_threshold(*counted(scores.tolist(), labels.tolist()), 0.75)
    called = scores >= 0.75
    assert found.true_positives == int((called & (labels == 1)).sum())
    assert found.precision == pytest.approx(labels[called].mean())
    assert found.recall == pytest.approx(called[labels == 1].mean())
    assert ranking.at_threshold([0] * SCORE_BINS, [0] * SCORE_BINS, 0.5).f1 is None


def test_calibrated_scores_have_a_small_calibration_error_and_overconfident_ones_a_large() -> None:
    draw = np.random.default_rng(4)
    scores = draw.random(20_000)
    labels = (draw.random(20_000) < scores).astype(int)
    good = ranking.calibration_error(*counted(scores.tolist(), labels.tolist()))
    bad = ranking.calibration_error(*counted((scores**3).tolist(), labels.tolist()))
    assert good is not None
    assert bad is not None
    assert good < 0.015 < 0.15 < bad


def test_log_loss_and_brier_are_the_means_of_the_raw_rows(lab: Lab) -> None:
    draw = np.random.default_rng(5)
    scores, labels = draw.random(300), draw.integers(0, 2, 300)
    lab.score(1, scores.tolist(), START)
    record(lab.desk, MODEL, [(f"r{n}", int(value), START) for n, value in enumerate(labels[:240])])
    assert join(lab.desk) == 240
    found = quality.measure(lab.desk.store, MODEL, 1, ENDPOINT, START, START + DAY)
    s, y = scores[:240], labels[:240]
    assert found.logloss == pytest.approx(-np.mean(np.log(np.where(y == 1, s, 1 - s))), abs=1e-6)
    assert found.brier == pytest.approx(np.mean((s - y) ** 2), abs=1e-6)
    assert (found.n, found.predictions, found.coverage) == (240, 300, 0.8)
    assert found.positives == int(y.sum())


def test_quality_is_counted_at_the_time_of_the_prediction_not_of_the_label(lab: Lab) -> None:
    lab.score(1, [0.2, 0.8], START, HOUR)
    record(lab.desk, MODEL, [("r0", 0, START + 3 * DAY), ("r1", 1, START + 3 * DAY)])
    join(lab.desk)
    assert quality.measure(lab.desk.store, MODEL, 1, ENDPOINT, START, START + HOUR).auc == 1.0
    assert quality.measure(lab.desk.store, MODEL, 1, ENDPOINT, START + 3 * DAY, START + 4 * DAY).n == 0


def test_quality_is_kept_apart_by_version_and_by_day(lab: Lab) -> None:
    lab.score(1, [0.2, 0.8] * 30, START, prefix="a")
    lab.score(2, [0.8, 0.2] * 30, START + DAY, prefix="b")
    record(lab.desk, MODEL, [(f"{p}{n}", n % 2, START) for p in "ab" for n in range(60)])
    join(lab.desk)
    days = quality.by_day(lab.desk.store, MODEL, START, START + 2 * DAY)
    assert [(day, version, measured.auc) for day, _, version, measured in days] == [
        (START + DAY, 2, 0.0),
        (START, 1, 1.0),
    ]


def test_the_estimate_meets_the_truth_while_the_relation_holds_and_misses_a_change_of_concept() -> None:
    draw = np.random.default_rng(6)
    scores = draw.beta(2, 3, 20_000)
    labels = (draw.random(20_000) < scores**2).astype(int)
    neg, pos = counted(scores[:10_000].tolist(), labels[:10_000].tolist())
    shown, truth = counted(scores[10_000:].tolist(), labels[10_000:].tolist())
    expected = estimate.of_counts([a + b for a, b in zip(shown, truth, strict=True)], neg, pos)
    assert expected.auc == pytest.approx(ranking.auc(shown, truth), abs=0.02)
    assert expected.calibrated_on == 10_000
    # Trap 7: labels turned round leave the estimate as it was; what is measured falls.
    assert ranking.auc(truth, shown) == pytest.approx(1 - (ranking.auc(shown, truth) or 0))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=SCORE_BINS, max_size=SCORE_BINS))
def test_the_calibration_curve_never_falls_and_keeps_the_base_rate(rows: list[tuple[int, int]]) -> None:
    neg, pos = [row[0] for row in rows], [row[1] for row in rows]
    curve = estimate.calibration(neg, pos)
    assert all(a <= b + 1e-12 for a, b in pairwise(curve))
    expected = sum(chance * (n + p) for chance, n, p in zip(curve, neg, pos, strict=True))
    assert expected == pytest.approx(sum(pos), abs=1e-6)
