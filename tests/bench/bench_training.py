"""What training with Tocsin costs beyond LightGBM: the same two fits on the same matrix, in alternating pairs.

Bare: `lightgbm.train` on the rows fitted on, its scores of the hold-out, `lightgbm.train` on all rows, with the same
parameters. Tocsin: the whole of `core.training.job.train` from the snapshot: reading it, the view, the same fits with
their losses told, the measures, the reference, the model file, the registry's transaction. The ratios are the medians
over the pairs: of wall time, and of processor time, which other work on the machine moves less.
Run: python -m tests.bench.bench_training [rows] [pairs]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from core.clock import MINUTE, parse_time
from core.desk import Desk
from core.home import Home

NUMBERS, ROUNDS, SEED = 18, 100, 11


def prepared(folder: Path, rows: int) -> Desk:
    """A home with a data set of 18 numbers, two categories, a time and a label."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    from core.datasets.ingest import add

    draw = np.random.default_rng(SEED)
    columns: dict[str, Any] = {f"x{place}": draw.normal(size=rows) for place in range(NUMBERS)}
    score = columns["x0"] + columns["x1"] * columns["x2"] + draw.normal(size=rows)
    columns |= {f"c{place}": draw.choice([*"abcdefgh"], rows) for place in range(2)}
    columns["at"] = pa.array(parse_time("2013-01-01") + np.arange(rows) * MINUTE, pa.timestamp("us", "UTC"))
    columns["late"] = (score > 1).astype(int)
    pyarrow.parquet.write_table(pa.table(columns), folder / "d.parquet")
    desk = Desk.open(Home(folder / "home").prepare(), actor="bench")
    add(desk, folder / "d.parquet", dataset="d", time_column="at", label="late")
    return desk


def measure(rows: int, pairs: int) -> dict[str, Any]:
    """Wall and processor seconds of both ways in each pair, and the medians of their ratios."""
    import lightgbm

    from core.training.fit import category_places, parameters_of
    from core.training.job import split_of, train
    from core.training.material import gather
    from core.training.plan import Plan

    with tempfile.TemporaryDirectory() as folder:
        desk = prepared(Path(folder), rows)
        request = {"model": "m", "dataset": "d", "rounds": ROUNDS, "seed": SEED}
        plan = Plan.of(request)
        material = gather(desk, plan)
        split = split_of(plan, material)
        threads = {"num_threads": desk.settings.threads, "verbosity": -1, "seed": SEED}
        parameters = {**parameters_of("binary", (), (), {}), **threads}
        places = category_places(material.features, material.view)

        def fit(part: Any) -> Any:
            data = lightgbm.Dataset(material.matrix[part], material.labels[part], categorical_feature=places)
            return lightgbm.train(parameters, data, ROUNDS)

        def bare() -> None:
            fit(split.fit).predict(material.matrix[split.holdout], num_threads=desk.settings.threads)
            fit(slice(None))

        def ours() -> None:
            train(desk, request, lambda share, text="": None)

        times: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for number in range(pairs):
            ways = (bare, ours) if number % 2 == 0 else (ours, bare)
            spent = {way: _seconds(way) for way in ways}
            times.append((spent[bare], spent[ours]))
    wall, cpu = (statistics.median(own[kind] / theirs[kind] for theirs, own in times) for kind in (0, 1))
    return {"rows": rows, "pairs": times, "ratio": wall, "cpu_ratio": cpu}


def _seconds(work: Any) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


@pytest.mark.bench
def test_training_is_measured_against_bare_lightgbm() -> None:
    found = measure(3000, 1)
    print(found)
    assert found["ratio"] > 0


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]] + [300_000, 5][len(sys.argv[1:]) :]
    result = measure(*given)
    for theirs, own in result["pairs"]:
        walls = f"bare {theirs[0]:.2f} s, tocsin {own[0]:.2f} s, ratio {own[0] / theirs[0]:.3f}"
        print(f"{walls}; processor {theirs[1]:.2f} s, {own[1]:.2f} s, ratio {own[1] / theirs[1]:.3f}")
    took = f"{result['ratio']:.3f} times as long as bare LightGBM, {result['cpu_ratio']:.3f} in processor time"
    print(f"{result['rows']:,} rows: tocsin takes {took}")
