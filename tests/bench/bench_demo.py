"""The headless demonstration: wall time, peak memory, requests a second through the endpoint, size of the store.

Run: python tests/bench/bench_demo.py [--days 30]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


def measure(days: int) -> dict[str, float]:
    """Play it once in a home of its own; figures of the whole run, training included."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        command = [sys.executable, "-m", "console.cli.main", "--home", str(home), "demo", "--headless", "--json"]
        done = subprocess.run([*command, "--days", str(days)], capture_output=True, text=True, check=True)
        summary = json.loads(done.stdout.splitlines()[-1])["summary"]
        store = sum(path.stat().st_size for path in home.glob("tocsin.db*"))
    return {
        "days": days,
        "wall_s": summary["wall_s"],
        "requests": summary["requests"],
        "requests_per_s": round(summary["requests"] / summary["wall_s"], 1),
        "peak_rss_mb": summary["peak_rss_mb"],
        "store_mb": round(store / 1e6, 2),
        "detected_after_hours": summary["bad_deploy_detected_after_hours"],
    }


@pytest.mark.bench
def test_a_short_replay_reports_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(3)
    with capsys.disabled():
        print(figures)
    assert figures["requests"] > 2000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    print(json.dumps(measure(parser.parse_args().days), indent=2))
