"""The profile of a table of 20 columns, side by side with pandas and with what has an environment of its own.

As a script it reports wall time, processor time and peak memory of each method in one run, beside pandas:
`python tests/bench/bench_profile.py --rows 10_000_000 --peer duckdb=/envs/duckdb/bin/python`. A peer is duckdb, polars
or whylogs (which needs numpy<2, pandas and pyarrow<18 beside it). As a test (marked `bench`) it runs a small size and
asserts that the methods agree, never how long they took.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

METHODS = Path(__file__).with_name("profile_methods.py")
OURS = ("tocsin, 1 thread", "tocsin, 2 threads", "tocsin dataset add", "pandas")
NUMBERS, CATEGORIES = 15, 5
AT_ONCE = 500_000


def generate(path: Path, rows: int) -> None:
    """A Parquet file of 15 numbers (some whole, one with gaps) and 5 categories, written in parts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    names = [f"number_{place:02d}" for place in range(NUMBERS)] + [f"category_{place}" for place in range(CATEGORIES)]
    kinds = [pa.float64()] * 12 + [pa.int64()] * 3 + [pa.string()] * CATEGORIES
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, AT_ONCE):
            writer.write_table(_part(random, schema, min(AT_ONCE, rows - start)))


def _part(random: Any, schema: Any, rows: int) -> Any:
    import numpy as np
    import pyarrow as pa

    levels = pa.array([f"level {code}" for code in range(30)])
    columns: list[Any] = [
        pa.array(random.normal(size=rows), mask=random.random(rows) < 0.02 * (n == 2)) for n in range(12)
    ]
    columns += [pa.array(random.integers(0, 5000, rows)) for _ in range(3)]
    codes = (random.zipf(1.5, rows) % 30 for _ in range(CATEGORIES))
    columns += [
        pa.DictionaryArray.from_arrays(pa.array(each.astype(np.int32)), levels).cast(pa.string()) for each in codes
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def measured(python: str, method: str, path: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak megabytes of one method in a process of its own, imports included."""
    start = time.perf_counter()
    done = subprocess.run([python, str(METHODS), method, str(path)], check=True, capture_output=True, text=True)
    peak, used = done.stdout.split()[-2:]
    return time.perf_counter() - start, float(used), float(peak)


def report(path: Path, rows: int, peers: dict[str, str], repeats: int) -> None:
    """Print the best of some alternating runs of each method."""
    pythons = dict.fromkeys(OURS, sys.executable) | peers
    runs: dict[str, list[tuple[float, float, float]]] = {method: [] for method in pythons}
    for _ in range(repeats):
        for method, python in pythons.items():
            try:
                runs[method].append(measured(python, method, path))
            except subprocess.CalledProcessError as error:
                print(f"{method} does not run: {(error.stderr.strip() or 'no word').splitlines()[-1]}")
    plain = min(runs["pandas"])
    print(f"{rows:,} rows x {NUMBERS + CATEGORIES} columns, best of {repeats}")
    print(f"{'method':20}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{'wall/pandas':>13}{'memory/pandas':>15}")
    for method, results in ((method, results) for method, results in runs.items() if results):
        wall, used, peak = min(results)
        print(f"{method:20}{wall:8.1f}{used:8.1f}{peak:9.0f}{wall / plain[0]:13.2f}{peak / plain[2]:15.2f}")


@pytest.mark.bench
def test_the_streamed_profile_finds_what_pandas_finds(tmp_path: Path) -> None:
    from tests.bench.profile_methods import ingested, with_pandas, with_tocsin

    generate(tmp_path / "t.parquet", 20_000)
    ours, plain = with_tocsin(tmp_path / "t.parquet", 2), with_pandas(tmp_path / "t.parquet")
    assert ours.keys() == plain.keys() == ingested(tmp_path / "t.parquet").keys()
    for name, facts in plain.items():
        assert ours[name]["missing"] == facts["missing"]
        assert (ours[name]["distinct"] or ours[name]["about"]) == pytest.approx(facts["distinct"], rel=0.04)
        assert ours[name].get("levels") == facts.get("levels")
        for how in {"min", "max", "mean"} & facts.keys():
            assert ours[name][how] == pytest.approx(facts[how], rel=1e-9, abs=1e-12)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    words.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    words.add_argument("--repeats", type=int, default=1)
    words.add_argument("--generate", metavar="FILE", help="only write the table")
    said = words.parse_args()
    if said.generate:
        generate(Path(said.generate), said.rows)
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        # A child's peak memory begins at that of its parent, so the parent itself never holds the data.
        table = str(Path(folder) / "t.parquet")
        subprocess.run([sys.executable, __file__, "--generate", table, "--rows", str(said.rows)], check=True)
        report(Path(folder) / "t.parquet", said.rows, dict(each.split("=", 1) for each in said.peer), said.repeats)
