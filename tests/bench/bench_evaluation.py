"""How long a report of 100,000 rows takes, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.evaluation.fairness import fairness
from core.evaluation.measured import measured
from core.evaluation.overall import explanations
from core.evaluation.robustness import robustness
from core.evaluation.rows import LATER, Scored
from core.evaluation.weakest import weakest
from core.training.booster import score_table
from core.training.record import Version
from tests.serving.tiny import LEVELS, artefact

ROWS = 100_000


def scored() -> Scored:
    draw, model = np.random.default_rng(1), artefact()
    columns = {"a": draw.normal(size=ROWS), "b": draw.uniform(0, 9, ROWS), "c": draw.choice(LEVELS, ROWS).tolist()}
    table = pa.table(columns)
    scores = score_table(model, table)
    labels = (draw.uniform(size=ROWS) < scores).astype(float)
    times = np.sort(draw.integers(0, 90, ROWS)) * 86_400_000_000
    version = Version("m", 1, "candidate", "", None, None, "", {}, {}, {}, 0)
    return Scored(version, replace(model), None, "made", LATER, 0, table, labels, times, scores)


@pytest.mark.bench
def test_a_report_of_a_hundred_thousand_rows() -> None:
    rows = scored()
    parts: dict[str, Callable[[], Any]] = {
        "measures": lambda: measured(rows),
        "groups": lambda: fairness(rows, ["c"], 200),
        "weakest": lambda: weakest(rows, 200),
        "robustness": lambda: robustness(rows, 200, 1, lambda _: None),
        "explanations": lambda: explanations(rows, 1),
    }
    for name, part in parts.items():
        began = time.perf_counter()
        part()
        print(f"{name:<14}{time.perf_counter() - began:6.2f} s for {ROWS:,} rows")
