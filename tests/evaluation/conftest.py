from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from core.clock import HOUR, parse_time
from core.datasets import ingest
from core.desk import Desk
from core.training.job import train


def delays(rows: int, start: str, seed: int) -> pa.Table:
    """Hourly rows whose delay depends on x and the carrier; nothing can be said of those of carrier ZZ."""
    draw = np.random.default_rng(seed)
    x, carrier = draw.normal(size=rows), draw.choice(["UA", "AA", "DL", "ZZ"], rows)
    delay = np.where(
        carrier == "ZZ", draw.normal(0, 12, rows), 12 * x + 4 * (carrier == "AA") + draw.normal(0, 6, rows)
    )
    at = parse_time(start) + np.arange(rows) * HOUR
    columns = {"at": pa.array(at, pa.timestamp("us", "UTC")), "x": x, "noise": draw.normal(size=rows)}
    return pa.table({**columns, "carrier": carrier.tolist(), "late": (delay > 6).astype(int)})


@pytest.fixture
def add(desk: Desk, tmp_path: Path) -> Callable[..., None]:
    def adding(rows: int = 3000, start: str = "2013-01-01", seed: int = 0) -> None:
        path = tmp_path / f"flights-{start}.csv"
        pyarrow.csv.write_csv(delays(rows, start, seed), path)
        ingest.add(desk, path, dataset="flights", time_column="at")

    return adding


@pytest.fixture
def trained(desk: Desk, add: Callable[..., None]) -> Desk:
    """A desk with a version trained on four months."""
    add()
    fit(desk)
    return desk


def fit(desk: Desk, **args: Any) -> None:
    train(desk, {"model": "flights", "dataset": "flights", "label": "late", "rounds": 20, **args}, lambda *_: None)
