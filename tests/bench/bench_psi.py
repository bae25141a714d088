"""Drift of 20 columns over a million rows, side by side with a plain pandas implementation.

As a script it reports wall time, peak memory and their ratio: `python tests/bench/bench_psi.py [ROWS]`. As a test
(marked `bench`) it runs a small size and asserts that both find the same distances, never how long they took.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

NUMBERS, CATEGORIES = 15, 5
SIDES = ("reference.parquet", "current.parquet")


def generate(folder: Path, rows: int) -> None:
    """Two Parquet files of 15 numbers and 5 categories; a third of the current one's columns has moved."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    for side, name in enumerate(SIDES):
        random = np.random.default_rng(side)
        columns: dict[str, Any] = {}
        for place in range(NUMBERS):
            values = random.normal(0.3 * side * (place % 3 == 0), 1, rows)
            columns[f"number_{place:02d}"] = np.exp(values) if place % 4 == 3 else values
        for place in range(CATEGORIES):
            codes = random.zipf(1.5 - 0.1 * side * (place == 0), rows) % 30
            columns[f"category_{place}"] = pa.DictionaryArray.from_arrays(
                pa.array(codes.astype(np.int32)), pa.array([f"level {code}" for code in range(30)])
            )
        table = pa.table(columns)
        pq.write_table(table.cast(pa.schema([(f.name, _plain(f.type)) for f in table.schema])), folder / name)


def _plain(kind: Any) -> Any:
    import pyarrow as pa

    return pa.string() if pa.types.is_dictionary(kind) else kind


def with_tocsin(folder: Path, threads: int = 1) -> dict[str, float]:
    """PSI of every column by the product, which also works out the other distances and their significance."""
    from core.datasets.tables import open_table
    from core.measures.compare import compare

    found = compare(*(open_table(folder / name) for name in SIDES), threads=threads)
    return {column.name: column.psi for column in found.columns}


def with_pandas(folder: Path) -> dict[str, float]:
    """PSI of every column as one would write it down: whole frames, deciles, value counts."""
    import numpy as np
    import pandas as pd

    reference, current = (pd.read_parquet(folder / name) for name in SIDES)
    found = {}
    for name in reference.columns:
        if name.startswith("number"):
            edges = np.unique(reference[name].quantile(np.linspace(0, 1, 11)).to_numpy())
            edges[0], edges[-1] = -np.inf, np.inf
            left, right = (pd.cut(side[name], edges).value_counts(sort=False) for side in (reference, current))
        else:
            left = reference[name].value_counts()
            right = current[name].value_counts().reindex(left.index, fill_value=0)
        p, q = (((side + 0.5) / (side.sum() + 0.5 * len(side))).to_numpy() for side in (left, right))
        found[name] = float(((p - q) * np.log(p / q)).sum())
    return found


METHODS = {
    "tocsin, 1 thread": lambda folder: with_tocsin(folder, 1),
    "tocsin, 2 threads": lambda folder: with_tocsin(folder, 2),
    "pandas": with_pandas,
}


def measured(method: str, folder: Path) -> tuple[float, float]:
    """Wall seconds and peak megabytes of one method in a process of its own, imports included."""
    start = time.perf_counter()
    said = _call("--run", method, str(folder))
    return time.perf_counter() - start, float(said)


def _call(*arguments: str) -> str:
    # A child's peak memory begins at that of its parent, so the parent itself never holds the data.
    return subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True).stdout


def report(rows: int, repeats: int = 3) -> None:
    """Print the best of some alternating runs of each method."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _call("--generate", str(rows), name)
        runs: dict[str, list[tuple[float, float]]] = {method: [] for method in METHODS}
        for _ in range(repeats):
            for method, list_ in runs.items():
                list_.append(measured(method, folder))
    plain = min(runs["pandas"])[0]
    print(f"{rows:,} rows x {NUMBERS + CATEGORIES} columns, reference and current, best of {repeats}")
    print(f"{'method':20}{'wall s':>8}{'peak MB':>9}{'pandas takes':>14}")
    for method, results in runs.items():
        wall, peak = min(results)
        print(f"{method:20}{wall:8.2f}{peak:9.0f}{plain / wall:13.1f}x")


def _run_one(method: str, folder: Path) -> None:
    METHODS[method](folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))


@pytest.mark.bench
def test_the_fast_form_finds_the_distances_of_the_plain_one(tmp_path: Path) -> None:
    generate(tmp_path, 20_000)
    fast, plain = with_tocsin(tmp_path, 2), with_pandas(tmp_path)
    assert fast.keys() == plain.keys()
    for name in fast:
        assert fast[name] == pytest.approx(plain[name], abs=0.01, rel=0.05)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    if sys.argv[1:2] == ["--run"]:
        _run_one(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--generate"]:
        generate(Path(sys.argv[3]), int(sys.argv[2]))
    else:
        report(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 1_000_000)
