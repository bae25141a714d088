"""Published figures on the car-loan data of a peer, found by path and never imported.

`pip install --no-deps nannyml==0.13.1` brings the data; without it these tests are skipped.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest

from core.measures import distance, ranking
from core.measures.compare import compare
from core.measures.evaluate import delong
from core.measures.ranking import SCORE_BINS
from core.measures.tables import MemoryTable
from core.monitor import estimate

CHUNK = 5000
REALISED = [0.970962, 0.970248, 0.976282, 0.967721, 0.969886, 0.960050, 0.958530, 0.959041, 0.963094, 0.957556]
EXPECTED = [0.970744, 0.971011, 0.971407, 0.971091, 0.971123, 0.961090, 0.961825, 0.961073, 0.962533, 0.961316]
CAR_VALUE_KS = [0.4353, 0.43028, 0.43772, 0.43602, 0.43838]
INPUTS = [
    "car_value",
    "salary_range",
    "debt_to_income_ratio",
    "loan_length",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "driver_tenure",
]


def folder() -> Path:
    found = importlib.util.find_spec("nannyml")
    if found is None or found.origin is None:
        pytest.skip("the car-loan data is not here: pip install --no-deps nannyml==0.13.1")
    return Path(found.origin).parent / "datasets" / "data"


@pytest.fixture(scope="module")
def reference() -> pa.Table:
    return pyarrow.csv.read_csv(folder() / "synthetic_car_loan_reference.csv")


@pytest.fixture(scope="module")
def chunks() -> list[pa.Table]:
    rows = pyarrow.csv.read_csv(folder() / "synthetic_car_loan_analysis.csv")
    target = pyarrow.csv.read_csv(folder() / "synthetic_car_loan_analysis_target.csv")
    assert pc.all(pc.equal(rows["id"], target["id"])).as_py()
    whole = rows.append_column("repaid", target["repaid"])
    return [whole.slice(start, CHUNK) for start in range(0, whole.num_rows, CHUNK)]


def scored(table: pa.Table) -> tuple[Any, Any]:
    return table["y_pred_proba"].to_numpy(), table["repaid"].to_numpy()


def counted(table: pa.Table) -> tuple[list[int], list[int]]:
    scores, labels = scored(table)
    places = np.minimum((scores * SCORE_BINS).astype(int), SCORE_BINS - 1)
    neg, pos = (np.bincount(places[labels == value], minlength=SCORE_BINS).tolist() for value in (0, 1))
    return neg, pos


def test_realised_auc_is_the_published_one_exact_from_rows_and_from_counts(chunks: Sequence[pa.Table]) -> None:
    for chunk, published in zip(chunks, REALISED, strict=True):
        scores, labels = scored(chunk)
        assert delong(scores[labels == 1], scores[labels == 0])[0] == pytest.approx(published, abs=1e-6)
        assert ranking.auc(*counted(chunk)) == pytest.approx(published, abs=0.002)


def test_the_estimate_without_labels_is_within_three_thousandths_of_the_published_one(
    reference: pa.Table, chunks: Sequence[pa.Table]
) -> None:
    calibrated_by = counted(reference)
    for chunk, published in zip(chunks, EXPECTED, strict=True):
        neg, pos = counted(chunk)
        found = estimate.of_counts([n + p for n, p in zip(neg, pos, strict=True)], *calibrated_by)
        assert found.auc == pytest.approx(published, abs=0.003)


def test_ks_of_the_car_value_is_the_published_one_to_a_bin(reference: pa.Table, chunks: Sequence[pa.Table]) -> None:
    for chunk, published in zip(chunks[5:], CAR_VALUE_KS, strict=True):
        raw = distance.kolmogorov_smirnov_raw(reference["car_value"].to_pylist(), chunk["car_value"].to_pylist())
        found = compare(MemoryTable(reference.select(["car_value"])), MemoryTable(chunk.select(["car_value"])))
        assert raw == pytest.approx(published, abs=1e-3)
        assert found.columns[0].ks == pytest.approx(published, abs=1 / 64)


def test_the_last_five_chunks_alarm_and_none_of_the_first_five(reference: pa.Table, chunks: Sequence[pa.Table]) -> None:
    past = MemoryTable(reference.select(INPUTS))
    alarms = [compare(past, MemoryTable(chunk.select(INPUTS))).drifted for chunk in chunks]
    assert [bool(found) for found in alarms] == [False] * 5 + [True] * 5
    assert all("car_value" in found for found in alarms[5:])
