from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.features.columns import Feature, ViewColumn
from core.features.view import apply, compile_view, default_view

FEATURES = (Feature("minute", "number"), Feature("carrier", "category", ("UA", "AA")), Feature("temp", "number"))


@dataclass(frozen=True)
class View:
    features: Sequence[Feature]
    view: Sequence[ViewColumn]


def view() -> View:
    return View(FEATURES, default_view(FEATURES, {"minute": 1440}))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "minute": st.none() | st.integers(-5000, 5000),
            "carrier": st.none() | st.sampled_from(["UA", "AA", "ZZ", ""]),
            "temp": st.none() | st.floats(),
        }
    ),
    min_size=1,
    max_size=40,
)


@given(ROWS)
@settings(max_examples=200, deadline=None)
def test_one_row_and_a_whole_table_give_the_same_bits(rows: list[dict[str, Any]]) -> None:
    types = {"minute": pa.int64(), "carrier": pa.string(), "temp": pa.float64()}
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})
    compiled = compile_view(view())
    scalar = np.array([compiled(row)[0] for row in rows])
    assert np.array_equal(apply(view().view, FEATURES, table), scalar, equal_nan=True)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=60), st.floats(1e-3, 1e6))
@settings(max_examples=200, deadline=None)
def test_cycles_agree_to_the_last_bit_for_any_number_and_period(values: list[float], period: float) -> None:
    features = (Feature("x", "number"),)
    wave = View(features, default_view(features, {"x": period}))
    scalar = np.array([compile_view(wave)({"x": value})[0] for value in values])
    whole = apply(wave.view, features, pa.table({"x": pa.array(values, pa.float64())}))
    assert whole.tobytes() == scalar.tobytes() or np.array_equal(whole, scalar, equal_nan=True)


def test_a_category_becomes_its_code_and_a_cycle_closes() -> None:
    row, missing = compile_view(view())({"minute": 360, "carrier": "AA", "temp": 3})
    assert row == [pytest.approx(1.0), pytest.approx(0.0, abs=1e-12), 1.0, 3.0]
    assert missing == []
    midnight, _ = compile_view(view())({"minute": 1440, "carrier": "AA", "temp": 3})
    assert midnight[:2] == [pytest.approx(0.0, abs=1e-12), pytest.approx(1.0)]


def test_missing_inputs_are_named_and_unknown_ones_are_not_missing() -> None:
    row, missing = compile_view(view())({"carrier": None, "temp": math.nan, "more": 1})
    assert missing == ["minute", "carrier", "temp"]
    assert all(math.isnan(value) for value in row)
    row, missing = compile_view(view())({"minute": "12", "carrier": "new", "temp": []})
    assert missing == []
    assert all(math.isnan(value) for value in row)


def test_a_table_without_an_input_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="temp"):
        apply(view().view, FEATURES, pa.table({"minute": [1], "carrier": ["UA"]}))


@pytest.mark.parametrize("column", [ViewColumn("x", "log", "temp"), ViewColumn("x", "identity", "gone")])
def test_a_view_that_cannot_be_computed_is_refused(column: ViewColumn) -> None:
    with pytest.raises(BadInput):
        compile_view(View(FEATURES, [column]))


@pytest.mark.parametrize("cycles", [{"carrier": 7.0}, {"gone": 7.0}, {"temp": 0.0}, {"temp": math.inf}])
def test_a_cycle_of_no_number_or_no_length_is_refused(cycles: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        default_view(FEATURES, cycles)


def test_serving_and_monitoring_load_no_heavy_library_for_the_model_file() -> None:
    heavy = "numpy", "pandas", "pyarrow", "lightgbm"
    code = f"import sys, core.training.artefact, core.features.view; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
