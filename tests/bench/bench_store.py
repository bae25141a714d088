"""The store: commits a second, its size after a simulated year of many models, and how long backup and restore take.

Run: python tests/bench/bench_store.py [--models 100] [--features 10]

A year of a model is written as retention leaves it: every day of a year, hours of the last 400 days, minutes of the
last 14, from a pool of real vectors of its kind, through the rows that `series.add` would have written.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.backup import make, restore
from core.clock import DAY, HOUR, MINUTE, SimClock
from core.counts import series, vector
from core.counts.series import SeriesKey
from core.desk import Desk
from core.home import Home

PUT = "INSERT INTO count_window(series, grain, start_us, vec) VALUES (?, ?, ?, ?)"
DAYS = 365
KEPT_DAYS = {MINUTE: 14, HOUR: 365, DAY: DAYS}
BINS = {"requests": 2, "latency": 60, "score": 50, "feature": 24}


def vectors(chance: random.Random, kind: str, grain: int) -> list[bytes]:
    """Sixteen encoded vectors of a kind: two requests a minute, so that minutes are sparse and days are full."""
    requests = 2 * grain // MINUTE
    pool = []
    for _ in range(16):
        vec = [0] * BINS[kind]
        for _ in range(min(requests, 400)):
            vec[min(int(chance.expovariate(6 / BINS[kind])), BINS[kind] - 1)] += max(1, requests // 400)
        pool.append(vector.encode(vec))
    return pool


def keys(model: str, features: int) -> list[SeriesKey]:
    """What one model on one endpoint is counted by."""
    plain = [SeriesKey(kind, model, 1, "e") for kind in ("requests", "latency", "score")]
    return plain + [SeriesKey("feature", model, 1, "e", f"f{number}") for number in range(features)]


def year(desk: Desk, models: int, features: int) -> int:
    """Write a year of counts for every model; returns the windows written."""
    chance = random.Random(7)
    pools = {(kind, grain): vectors(chance, kind, grain) for kind in BINS for grain in KEPT_DAYS}
    written = 0
    for number in range(models):
        for key in keys(f"model-{number}", features):
            with desk.write() as tx:
                series.add(tx, key, 0, [0])
                row = tx.one(series.FIND, key.columns)
                assert row is not None
                tx.execute("DELETE FROM count_window WHERE series = ?", (row["id"],))
                for grain in series.grains_of(key.kind):
                    tx.executemany(PUT, windows(int(row["id"]), grain, pools[key.kind, grain]))
                    written += KEPT_DAYS[grain] * DAY // grain
    return written


def windows(number: int, grain: int, pool: list[bytes]) -> Iterator[tuple[int, int, int, bytes]]:
    """The rows of one series and grain that retention leaves at the end of the year."""
    first = (DAYS - KEPT_DAYS[grain]) * DAY
    return ((number, grain, start, pool[start // grain % 16]) for start in range(first, DAYS * DAY, grain))


def commits(desk: Desk, seconds: float) -> float:
    """Durable transactions a second, each a state and its ledger event."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        with desk.write() as tx:
            count += 1
            tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('n', ?, 1)", (count,))
            desk.record(tx, "slo.saved", data={"n": count})
    return count / (time.perf_counter() - started)


def measure(models: int, features: int, seconds: float) -> dict[str, float]:
    """All figures, in a temporary home."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk.open(Home(Path(folder) / "home"), actor="bench", clock=SimClock(DAYS * DAY))
        rate = commits(desk, seconds)
        written = year(desk, models, features)
        desk.store.checkpoint()
        size = desk.home.store_path.stat().st_size
        started = time.perf_counter()
        make(desk, Path(folder) / "b.tar", keys=True)
        backing = time.perf_counter() - started
        started = time.perf_counter()
        restore(Path(folder) / "b.tar", Home(Path(folder) / "back"))
        restoring = time.perf_counter() - started
        desk.store.close()
    return {
        "commits_per_s": round(rate),
        "models": models,
        "features": features,
        "windows": written,
        "store_mb": round(size / 1e6, 1),
        "backup_s": round(backing, 2),
        "restore_s": round(restoring, 2),
    }


@pytest.mark.bench
def test_the_store_is_measured_and_the_figures_reported(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(1, 2, 0.2)
    with capsys.disabled():
        print(figures)
    assert figures["windows"] == 5 * 365 + 5 * 8760 + 2 * 20160


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--features", type=int, default=10)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.models, asked.features, 5.0), indent=2))
