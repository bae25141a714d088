"""The engine `dask` on a real cluster in other processes, beside the local one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import ledger
from core.datasets.load import write_parquet
from core.datasets.profile import profile
from core.desk import Desk
from core.engines.engine import Choice
from core.measures.tables import ParquetTable
from core.registry.versions import version
from core.scoring.job import score
from core.training.job import train

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, str, str]]
ROWS = 300_000


def quiet(share: float, text: str = "") -> None:
    """Nobody looks."""


def wide(path: Path, rows: int = ROWS, seed: int = 1, shift: float = 0.0) -> Path:
    """Numbers with gaps and infinities, whole numbers, keys, few and many texts, times and yes or no."""
    draw = np.random.default_rng(seed)
    x = draw.normal(shift, 1, rows) * 10.0 ** draw.integers(-9, 9, rows)
    x[::1000] = np.inf
    table = pa.table(
        {
            "x": pa.array(x, mask=draw.random(rows) < 0.3),
            "whole": draw.integers(0, 50, rows),
            "key": np.arange(rows) * 7 + 10**15,
            "text": draw.choice(["a", "b", "c", None], rows, p=[0.5, 0.3, 0.1, 0.1]).tolist(),
            "name": [f"n{value}" for value in draw.integers(0, rows, rows)],
            "at": pa.array(np.sort(draw.integers(0, 10**15, rows)), pa.timestamp("us", "UTC")),
            "yes": draw.random(rows) < 0.2,
            "gone": pa.nulls(rows, pa.float64()),
        }
    )
    write_parquet(path, [table])
    return path


def test_a_profile_is_the_local_one_to_the_last_bit(cluster: Any, tmp_path: Path) -> None:
    table = ParquetTable(wide(tmp_path / "rows.parquet"))
    with Choice("dask", cluster.scheduler_address).open(1) as engine:
        there = profile(table, engine=engine)
        assert engine.elsewhere_ms > 0
        assert engine.told == {"engine": "dask", "workers": 2}
    here = profile(table)
    assert json.dumps(there) == json.dumps(here)
    assert here["columns"]["key"]["unique"]
    assert here["columns"]["name"]["distinct"] is None
    assert here["columns"]["x"]["infinite"] > 100


def test_the_command_profiles_a_snapshot(cluster: Any, trained: Desk, tocsin: Run) -> None:
    address = cluster.scheduler_address
    code, out, _ = tocsin("dataset", "profile", "flights/1", "--engine", "dask", "--address", address, "--json")
    kept = json.loads(tocsin("dataset", "profile", "flights", "--json")[1])
    assert (code, json.loads(out)) == (0, kept)


def test_a_comparison_counts_as_the_local_one_does(cluster: Any, tmp_path: Path, tocsin: Run) -> None:
    first, second = wide(tmp_path / "a.parquet", 200_000), wide(tmp_path / "b.parquet", 150_000, 2, 0.3)
    csv = tmp_path / "c.csv"
    csv.write_text("whole,text\n" + "".join(f"{row % 60},{'abd'[row % 3]}\n" for row in range(5000)))
    for current in (second, csv):
        command = ["drift", "compare", str(first), str(current), "--json"]
        there = tocsin(*command, "--engine", "dask", "--address", cluster.scheduler_address)
        assert there == tocsin(*command)
        assert there[0] == 1


def test_a_scoring_is_the_same_to_the_last_byte(cluster: Any, trained: Desk, tocsin: Run, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    options = ["--engine", "dask", "--address", cluster.scheduler_address, "--keep", "at,carrier", "--chunk", "100"]
    code, said, messages = tocsin("score", "flights", "flights", "--out", str(out), *options, "--json")
    assert code == 0, messages
    here = score(trained, {"model": "flights", "dataset": "flights", "keep": ["at", "carrier"]}, quiet)
    assert out.read_bytes() == trained.blobs.read(here["output"])
    assert json.loads(said.splitlines()[-1])["output"] == here["output"]
    assert pq.read_metadata(out).num_rows == 900


def test_a_scoring_begun_here_is_ended_there(cluster: Any, trained: Desk) -> None:
    args = {"model": "flights", "dataset": "flights", "chunk": 100}

    def stop(share: float, text: str = "") -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(trained, args, stop)
    there = score(trained, {**args, "engine": "dask", "address": cluster.scheduler_address}, quiet)
    assert there["score"] == 1
    assert there["output"] == score(trained, args, quiet)["output"]


def test_a_distributed_fit_is_registered_and_as_good_as_the_local_one(
    cluster: Any, desk: Desk, add: Callable[..., str], tocsin: Run
) -> None:
    add(rows=4000)
    request: dict[str, Any] = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 30}
    here = train(desk, {**request, "class_weight": "balanced"}, quiet)
    code, out, messages = tocsin(
        *("train", "flights", "--dataset", "flights", "--label", "delay>=8", "--rounds", "30", "--json"),
        *("--class-weight", "balanced", "--engine", "dask", "--address", cluster.scheduler_address),
    )
    assert code == 0, messages
    there = json.loads(out.splitlines()[-1])
    found = version(desk.store, "flights", 2)
    assert (found.parameters["engine"], found.parameters["workers"]) == ("dask", 2)
    assert here["metrics"]["auc_low"] <= there["metrics"]["auc"] <= here["metrics"]["auc_high"]
    assert cluster.scheduler_address not in json.dumps([event.data for event in ledger.timeline(desk.store)])
    code, out, messages = tocsin("model", "reproduce", "flights", "2", "--json")
    said = json.loads(out)
    assert code == 0, messages
    assert (said["identical"], said["agrees"], said["by"]) == (False, True, "interval")
    assert json.loads(tocsin("model", "reproduce", "flights", "1", "--json")[1])["by"] == "bits"
