"""How long commands take to answer, against a bare interpreter started in alternation with them.

Run: python tests/bench/bench_start.py [--home DIR] [--rounds 20]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time

import pytest

COMMANDS = {
    "bare": ["-c", "pass"],
    "help": ["-m", "console.cli.main", "--help"],
    "now --json": ["-m", "console.cli.main", "now", "--json"],
}


def measure(home: str, rounds: int) -> dict[str, float]:
    """Medians in milliseconds, and what each command takes beyond the bare interpreter's median."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, *arguments], env={"TOCSIN_HOME": home, "PATH": ""}, capture_output=True, check=True
            )
            taken[name].append(1000 * (time.perf_counter() - started))
    # The first round warms the disk's cache, and makes the home where there is none.
    medians = {name: statistics.median(times[1:]) for name, times in taken.items()}
    return {
        **{f"{name} ms": round(value, 1) for name, value in medians.items()},
        "help beyond bare ms": round(medians["help"] - medians["bare"], 1),
        "now beyond bare ms": round(medians["now --json"] - medians["bare"], 1),
    }


@pytest.mark.bench
def test_commands_answer_and_the_figures_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        figures = measure(home, 2)
    with capsys.disabled():
        print(figures)
    assert figures["help ms"] > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        print(json.dumps(measure(given.home or empty, given.rounds), indent=2))
