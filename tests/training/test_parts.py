from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from core.clock import DAY
from core.errors import BadInput
from core.features.events import event_times
from core.measures.scores import counted
from core.training.inputs import choose_features
from core.training.label import label_values, parse_label
from core.training.plan import Plan
from core.training.reference import overdispersion
from core.training.split import temporal_split

TABLE = pa.table(
    {
        "delay": pa.array([20.0, None, 15.0, -3.0, math.nan]),
        "late": pa.array([1, 0, None, 1, 0]),
        "state": pa.array(["late", "ok", None, "ok", "late"]),
        "flag": pa.array([True, False, None, True, False]),
    }
)


def values(text: str) -> list[float | None]:
    found = label_values(parse_label(text, TABLE.column_names), TABLE)
    return [None if math.isnan(value) else value for value in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delay>=15", [1, None, 1, 0, None]),
        (" delay > 15 ", [1, None, 0, 0, None]),
        ("delay<-1.5", [0, None, 0, 1, None]),
        ("delay<=15", [0, None, 1, 1, None]),
        ("late", [1, 0, None, 1, 0]),
        ("flag", [1, 0, None, 1, 0]),
        ("state==late", [1, 0, None, 0, 1]),
        ("state == 'late'", [1, 0, None, 0, 1]),
    ],
)
def test_a_label_is_a_column_or_a_comparison_and_rows_without_it_are_unlabelled(
    text: str, expected: list[float | None]
) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("gone", "not in the data"),
        ("gone>=1", "not in the data"),
        ("delay", "more than zeros and ones"),
        ("delay>=many", "no number"),
        ("state", "text"),
        ("state>=2", "text"),
        ("state==gone", "one class alone"),
        ("delay>=900", "one class alone"),
    ],
)
def test_a_label_that_cannot_be_learned_is_refused_with_a_hint(text: str, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        values(text)
    assert "--label" in caught.value.hint


def test_features_are_what_the_contract_allows_less_the_label_and_what_is_left_out() -> None:
    found = choose_features(["delay", "late", "state"], TABLE, "delay", ["late"])
    assert [(feature.name, feature.kind, feature.levels) for feature in found] == [
        ("state", "category", ("late", "ok"))
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, None]),
        pa.array([math.nan, None]),
        pa.array([math.inf, None]),
        pa.array([None, None], pa.string()),
    ],
)
def test_a_feature_without_any_value_is_refused_by_name(column: pa.Array) -> None:
    with pytest.raises(BadInput, match="'x'") as caught:
        choose_features(["x", "y"], pa.table({"x": column, "y": [1, 2]}), "label", [])
    assert caught.value.hint == "leave it out: --exclude x"


def test_leaving_out_what_is_not_there_or_everything_is_refused() -> None:
    with pytest.raises(BadInput, match="gone"):
        choose_features(["late"], TABLE, "delay", ["gone"])
    with pytest.raises(BadInput, match="no feature"):
        choose_features(["late"], TABLE, "delay", ["late"])


def test_the_hold_out_is_later_than_every_row_fitted_on_whatever_the_order_of_the_file() -> None:
    times = np.random.default_rng(0).permutation(400) * DAY
    split = temporal_split(times, (np.arange(400) % 3 == 0).astype(float), None)
    assert times[split.fit].max() < split.from_us <= times[split.holdout].min()
    assert split.holdout.sum() == 100
    assert (split.fit ^ split.holdout).all()


def test_too_few_rows_or_too_few_of_a_class_in_a_part_are_refused() -> None:
    with pytest.raises(BadInput, match="only 199"):
        temporal_split(np.arange(199), np.arange(199) % 2, None)
    early = (np.arange(400) < 100).astype(float)
    with pytest.raises(BadInput, match="rarer class") as caught:
        temporal_split(np.arange(400) * DAY, early, None)
    assert "--holdout-from" in caught.value.hint


def test_order_in_a_file_is_never_taken_for_time() -> None:
    with pytest.raises(BadInput, match="no time column"):
        event_times(pa.table({"x": [1]}), None, "flights")


def test_overdispersion_is_one_for_independent_days_and_the_group_size_for_grouped_rows() -> None:
    draw = np.random.default_rng(0)
    days = np.repeat(np.arange(60), 100)
    assert overdispersion(draw.integers(4, 12, 6000), days, 12) == pytest.approx(1, abs=0.15)
    # Every value drawn once and seen ten times: a day's counts scatter ten times as much.
    grouped = np.repeat(draw.integers(4, 12, 600), 10)
    assert overdispersion(grouped, days, 12) == pytest.approx(10, rel=0.15)


def test_overdispersion_of_one_day_or_one_value_is_one() -> None:
    assert overdispersion(np.array([4, 5, 6]), np.zeros(3, dtype=int), 8) == 1
    assert overdispersion(np.full(6, 4), np.arange(6), 8) == 1


def test_scores_of_zero_and_one_have_bins() -> None:
    counts = counted(np.array([0.0, 1.0, 0.5]), ())
    assert (counts[0], counts[255], counts[128], sum(counts)) == (1, 1, 1, 3)


@pytest.mark.parametrize(
    "args",
    [
        {"dataset": "d"},
        {"model": "m"},
        {"model": "a b", "dataset": "d"},
        {"model": "../m", "dataset": "d"},
        {"model": "m", "dataset": "d", "rounds": 0},
        {"model": "m", "dataset": "d", "seed": -1},
        {"model": "m", "dataset": "d", "holdout_from": "soon"},
        {"model": "m", "dataset": "d", "encode": {"x": "day"}},
    ],
)
def test_a_request_that_means_nothing_is_refused_before_data_is_touched(args: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        Plan.of(args)
    assert caught.value.hint
