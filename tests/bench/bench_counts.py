"""Taking in counts: rows a second through `series.add` at three grains, against plain inserts of the same bytes.

Run: python tests/bench/bench_counts.py [--rows 20000]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import pytest

from core.clock import MINUTE, SimClock
from core.counts import series, vector
from core.counts.series import SeriesKey
from core.desk import Desk
from core.home import Home


def measure(rows: int) -> dict[str, float]:
    """A minute of 20 features each transaction, as one pull of one endpoint brings them."""
    random.seed(7)
    minutes = max(1, rows // 20)
    vectors = [[random.randrange(20) for _ in range(68)] for _ in range(20)]
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk.open(Home(Path(folder)), actor="bench", clock=SimClock(0))
        started = time.perf_counter()
        for minute in range(minutes):
            with desk.write() as tx:
                for number, vec in enumerate(vectors):
                    series.add(tx, SeriesKey("feature", "m", 1, "e", f"f{number}"), minute * MINUTE, vec)
        adding = time.perf_counter() - started
        with desk.write() as tx:
            tx.execute("CREATE TABLE plain(series INTEGER, start_us INTEGER, vec BLOB, PRIMARY KEY(series, start_us))")
        started = time.perf_counter()
        for minute in range(minutes):
            with desk.write() as tx:
                for number, vec in enumerate(vectors):
                    row = (number, minute * MINUTE, vector.encode(vec))
                    tx.execute("INSERT INTO plain VALUES (?, ?, ?)", row)
        plain = time.perf_counter() - started
        desk.store.close()
    return {
        "rows": minutes * 20,
        "rows_per_s": round(minutes * 20 / adding),
        "plain_rows_per_s": round(minutes * 20 / plain),
        "ratio_to_plain": round(adding / plain, 2),
    }


@pytest.mark.bench
def test_counts_are_taken_in_and_the_figures_reported(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(400)
    with capsys.disabled():
        print(figures)
    assert figures["rows"] == 400


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    print(json.dumps(measure(parser.parse_args().rows), indent=2))
