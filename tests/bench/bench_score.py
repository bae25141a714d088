"""Rows a second of `score` against bare `Booster.predict` on a matrix that is in memory already.

`score` is counted whole: reading the snapshot's Parquet, building the matrix, predicting, parts flushed to disk and
recorded, joining, and the output's Parquet flushed to disk; the next rows are read while these are scored, on a core
of their own where there is one. Both run in one process on as many threads, in pairs by
turns that begin with the other one each time; the figure is the median of the ratios.

Run: python -m tests.bench.bench_score [--rows 1000000] [--columns 20] [--trees 200] [--pairs 5] [--threads 1]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.datasets import load
from core.datasets.rows import insert_snapshot
from core.desk import Desk
from core.home import Home
from core.scoring.job import score
from core.training.record import Draft, register
from tests.bench.bench_endpoint import model


def prepared(home: Path, rows: int, columns: int, trees: int) -> tuple[Desk, Any, Any]:
    """A desk with a registered model and a snapshot, the booster, and the matrix of the same rows."""
    import numpy as np
    import pyarrow as pa

    desk = Desk.open(Home(home), actor="bench")
    artefact, booster, _ = model(columns, trees)
    matrix = np.random.default_rng(1).normal(size=(rows, columns))
    table = pa.table({f"f{place}": np.ascontiguousarray(matrix[:, place]) for place in range(columns)})
    with desk.blobs.part() as part:
        load.write_parquet(part, [table])
        blob = desk.blobs.adopt(part)
    held: dict[str, Any] = {"dataset": "rows", "sha256": blob, "blob": blob, "source": "bench", "rows": rows}
    held |= {"columns": dict.fromkeys(table.column_names, "number"), "profile": {}, "created_us": desk.now_us()}
    held |= dict.fromkeys(("time_column", "time_from_us", "time_to_us", "contract_id"))
    with desk.write() as tx:
        kept = insert_snapshot(tx, held)
    register(desk, Draft(artefact, kept.id, "rows/1", None, "", {}, {}, {}))
    return desk, booster, matrix


def took(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds; the latter are what a machine that others use too can be asked for."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(rows: int, columns: int, trees: int, pairs: int, threads: int) -> dict[str, Any]:
    """Rows a second of both, and the ratio of each pair."""
    with tempfile.TemporaryDirectory() as folder:
        desk, booster, matrix = prepared(Path(folder) / "home", rows, columns, trees)
        args = {"model": "bench", "dataset": "rows", "threads": threads}

        def ours() -> None:
            score(desk, args, lambda share, text="": None)

        def bare() -> None:
            booster.predict(matrix, num_threads=threads)

        ours()
        bare()
        both: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for pair in range(pairs):
            first, second = (ours, bare) if pair % 2 else (bare, ours)
            spent = took(first), took(second)
            both.append(spent if pair % 2 else spent[::-1])
        desk.store.close()
    ratios, cpu_ratios = (sorted(bare_s[kind] / ours_s[kind] for ours_s, bare_s in both) for kind in (0, 1))
    return {
        "rows": rows,
        "columns": columns,
        "trees": trees,
        "threads": threads,
        "score_rows_per_s": round(rows / statistics.median(each[0] for each, _ in both)),
        "bare_rows_per_s": round(rows / statistics.median(each[0] for _, each in both)),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(each, 3) for each in ratios],
        "cpu_ratio": round(statistics.median(cpu_ratios), 3),
        "cpu_ratios": [round(each, 3) for each in cpu_ratios],
    }


PEAK = """
import sys
from pathlib import Path
from core.desk import Desk
from core.home import Home
from core.scoring.job import score
desk = Desk.open(Home(Path(sys.argv[1])), actor="bench")
args = {"model": "bench", "dataset": "rows", "chunk": int(sys.argv[2]), "threads": 1}
score(desk, args, lambda share, text="": None)
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
print(next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0))
"""


def peak_mb(chunks: int, chunk: int, columns: int, trees: int) -> float:
    """The peak resident megabytes of a process that scores so many chunks; 0 where the system does not tell."""
    with tempfile.TemporaryDirectory() as folder:
        prepared(Path(folder) / "home", chunks * chunk, columns, trees)[0].store.close()
        command = [sys.executable, "-c", PEAK, str(Path(folder) / "home"), str(chunk)]
        # Not getrusage: a process begins with the peak of the one that made it.
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


@pytest.mark.bench
def test_the_figures_are_reported_and_memory_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(40_000, 6, 20, 2, 1)
    few, many = peak_mb(10, 2000, 6, 20), peak_mb(100, 2000, 6, 20)
    with capsys.disabled():
        print({**figures, "peak_mb": [round(few), round(many)]})
    assert figures["ratio"] > 0
    # The rows are 1 and 10 MB: neither is held as a whole, whatever a library keeps for itself.
    assert many < few + 40


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 1_000_000), ("columns", 20), ("trees", 200), ("pairs", 5), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.rows, asked.columns, asked.trees, asked.pairs, asked.threads)))
    few, many = (peak_mb(count, 20_000, asked.columns, asked.trees) for count in (10, 100))
    print(json.dumps({"peak_mb_10_chunks": round(few), "peak_mb_100_chunks": round(many)}))
