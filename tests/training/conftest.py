from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from core.clock import HOUR, parse_time
from core.desk import Desk


def delays(rows: int = 900, seed: int = 0) -> dict[str, Any]:
    """Hourly rows whose delay depends on x and the carrier, so that there is something to learn."""
    draw = np.random.default_rng(seed)
    x, carrier = draw.normal(size=rows), draw.choice(["UA", "AA", "DL"], rows)
    delay = 10 * x + 4 * (carrier == "AA") + draw.normal(0, 8, rows)
    at = parse_time("2013-01-01") + np.arange(rows) * HOUR
    return {
        "at": pa.array(at, pa.timestamp("us", "UTC")),
        "x": x,
        "minute": draw.integers(0, 1440, rows),
        "carrier": carrier.tolist(),
        "delay": [None if i % 90 == 0 else float(value) for i, value in enumerate(delay)],
    }


@pytest.fixture
def add(desk: Desk, tmp_path: Path) -> Callable[..., str]:
    """Add a table as a data set; keyword arguments add columns, a name copies one there is."""

    def adding(dataset: str = "flights", rows: int = 900, **columns: Any) -> str:
        from core.datasets import ingest

        known = delays(rows)
        table = {**known, **{name: known.get(c, c) if isinstance(c, str) else c for name, c in columns.items()}}
        path = tmp_path / f"{dataset}.csv"
        pyarrow.csv.write_csv(pa.table(table), path)
        ingest.add(desk, path, dataset=dataset, time_column="at")
        return dataset

    return adding
