from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import parse_time
from core.datasets.facts import DISTINCT_KEPT
from core.datasets.normal import normal
from core.datasets.profile import profile


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(1, 5))
def test_moments_are_the_same_however_the_rows_are_cut_into_batches(values: list[float], size: int) -> None:
    whole = profile(pa.table({"x": values}))["columns"]["x"]
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    cut = profile(pa.table({"x": pa.chunked_array(parts, pa.float64())}))["columns"]["x"]
    assert cut["mean"] == pytest.approx(whole["mean"], rel=1e-9, abs=1e-6)
    assert cut["std"] == pytest.approx(whole["std"], rel=1e-6, abs=1e-4)
    assert (cut["min"], cut["max"], cut["distinct"]) == (whole["min"], whole["max"], whole["distinct"])


def test_a_number_column_has_the_facts_a_hand_finds() -> None:
    facts = profile(normal(pa.table({"x": [1.0, 2.0, 3.0, math.nan, math.inf, None]})))["columns"]["x"]
    assert (facts["missing"], facts["infinite"], facts["min"], facts["max"]) == (2, 1, 1.0, 3.0)
    assert (facts["mean"], facts["p50"]) == (2.0, 2.0)
    assert facts["std"] == pytest.approx(math.sqrt(2 / 3))


def test_levels_are_counted_commonest_first_and_free_text_is_not_listed() -> None:
    table = pa.table({"g": ["b", "a", "b", None] * 600, "note": [str(row // 2) for row in range(2400)]})
    columns = profile(table)["columns"]
    assert list(columns["g"]["levels"].items()) == [("b", 1200), ("a", 600)]
    assert (columns["note"]["levels"], columns["note"]["distinct"]) == (None, 1200)


def test_distinct_values_beyond_what_is_kept_are_many() -> None:
    table = pa.table({"x": list(range(DISTINCT_KEPT + 1)), "s": [str(v) for v in range(DISTINCT_KEPT + 1)]})
    columns = profile(table)["columns"]
    assert columns["x"]["distinct"] is None
    assert columns["s"]["distinct"] is None
    assert columns["x"]["unique"]
    assert columns["s"]["unique"]


def test_one_repeated_value_far_down_is_not_unique() -> None:
    table = pa.table({"x": [*range(100_000), 5]})
    assert not profile(table)["columns"]["x"]["unique"]


def test_times_are_in_microseconds_and_an_empty_column_has_no_numbers() -> None:
    from datetime import datetime

    table = normal(pa.table({"at": [datetime(2013, 4, 1), datetime(2013, 4, 2)], "none": pa.nulls(2)}))
    columns = profile(table)["columns"]
    assert (columns["at"]["min"], columns["at"]["max"]) == (parse_time("2013-04-01"), parse_time("2013-04-02"))
    assert columns["none"] == {"type": "unknown", "missing": 2, "distinct": 0, "unique": False}


def test_a_profile_is_json_without_not_a_numbers() -> None:
    table = normal(
        pa.table({"x": [math.nan, None], "y": [math.inf, 1.0], "b": [True, None], "n": pa.nulls(2, pa.int64())})
    )
    json.dumps(profile(table), allow_nan=False)
