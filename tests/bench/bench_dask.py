"""The engine `dask` on a cluster of one and of two workers on this machine, beside the local engine on one thread.

Each figure is a ratio of wall times in one run, local over Dask: above 1 the cluster is quicker. The cluster runs
already, connecting is counted. Scoring and training start from Parquet in memory of the file system's cache.

Run: python tests/bench/bench_dask.py [--rows 1000000] [--rounds 100] [--repeats 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.datasets.load import parquet_bytes, path
from core.datasets.profile import profile
from core.datasets.rows import snapshot
from core.desk import Desk
from core.engines.engine import HERE, Choice
from core.measures.tables import ParquetTable
from core.scoring.output import Scorer
from core.scoring.parts import chunks
from core.training.find import load_artefact
from core.training.fit import Recipe, Rows, fit, parameters_of
from tests.bench.bench_score import prepared

COLUMNS, TREES, CHUNK = 20, 100, 50_000


def works(desk: Desk, matrix: Any, rounds: int) -> dict[str, Callable[[Choice], Any]]:
    """What is timed, by name; each gives what is to be the same wherever it is done, None for a fit."""
    found = path(desk, snapshot(desk.store, "rows"))
    scorer = Scorer(load_artefact(desk, "bench", 1), 1)
    inputs = [feature.name for feature in scorer.artefact.features]
    labels = (matrix[:, 0] + matrix[:, 1] > 0).astype(float)
    parameters = {**parameters_of("binary", (), (), {}), "seed": 1}

    def profiling(choice: Choice) -> Any:
        with choice.open(1) as engine:
            return profile(ParquetTable(found), engine=engine)

    def scoring(choice: Choice) -> Any:
        with choice.open(1) as engine:
            parts = ((table.select([]), table) for table in chunks(found, inputs, 0, CHUNK))
            return [parquet_bytes(each) for each in engine.each(scorer, parts)]

    def training(choice: Choice) -> Any:
        with choice.open(1) as engine:
            boost = getattr(engine, "boost", None)
            if boost is None:
                fit(Rows(matrix, labels), Recipe(parameters, rounds, (), 1), lambda *_: None)
            else:
                boost({**parameters, "verbosity": -1}, rounds, matrix, labels, None, [])

    return {"profile": profiling, "score": scoring, "train": training}


def timed(work: Callable[[Choice], Any], choices: dict[str, Choice], repeats: int) -> dict[str, float]:
    """The median wall seconds of each choice, by turns; all must give the same."""
    took: dict[str, list[float]] = {name: [] for name in choices}
    results = []
    for _ in range(repeats):
        for name, choice in choices.items():
            began = time.perf_counter()
            results.append(work(choice))
            took[name].append(time.perf_counter() - began)
    assert all(result == results[0] for result in results)
    return {name: statistics.median(found) for name, found in took.items()}


def measure(rows: int, rounds: int, repeats: int) -> None:
    """Print a table of seconds and ratios."""
    from distributed import LocalCluster

    def cluster(workers: int) -> Any:
        quiet = {"dashboard_address": None, "worker_dashboard_address": None}
        return LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **quiet)

    with tempfile.TemporaryDirectory() as home, cluster(1) as one, cluster(2) as two:
        desk, _, matrix = prepared(Path(home), rows, COLUMNS, TREES)
        choices = {"local": HERE} | {
            f"{count} worker": Choice("dask", each.scheduler_address) for count, each in ((1, one), (2, two))
        }
        print(f"{rows:,} rows of {COLUMNS} columns, {TREES} trees to score with, {rounds} rounds to fit")
        for name, work in works(desk, matrix, rounds).items():
            took = timed(work, choices, repeats)
            ratios = " ".join(
                f"{each} {seconds:.2f} s ({took['local'] / seconds:.2f})" for each, seconds in took.items()
            )
            print(f"{name:8} {ratios}", flush=True)
        desk.store.close()


@pytest.mark.bench
def test_the_engines_agree_on_a_small_size(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed", reason="the package dask is not installed: pip install 'tocsin[dask]'")
    measure(20_000, 5, 1)
    assert "train" in capsys.readouterr().out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    measure(asked.rows, asked.rounds, asked.repeats)
