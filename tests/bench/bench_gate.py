"""How long a gate takes to be asked: one rule of every kind, without and with the rule that scores rows.

As a script it reports wall times: `python tests/bench/bench_gate.py [TIMES]`. As a test (marked `bench`) it runs a few
times and asserts only what the rules said.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pytest

from core.clock import SimClock, parse_time
from core.desk import Desk
from core.gates.ask import ask, ask_and_keep
from core.gates.declared import Gates, read
from core.home import Home
from tests.gates.scene import REPORT, evaluate, version

RULES = """
[[rule]]
name = "floor"
kind = "metric"
metric = "auc"
at_least = 0.6
[[rule]]
name = "no-worse"
kind = "regression"
metric = "auc"
[[rule]]
name = "fair"
kind = "fairness"
gap = "tpr"
at_most = 0.1
[[rule]]
name = "robust"
kind = "robustness"
trial = "missing"
at_most = 0.1
[[rule]]
name = "small"
kind = "size"
at_most_mb = 10
[[rule]]
name = "seen"
kind = "approval"
optional = true
"""
FAST = '[[rule]]\nname = "fast"\nkind = "latency"\nat_most_ms = 1000.0\nrows = 1000\n'


def gates(folder: Path, text: str) -> Gates:
    path = folder / "gates.toml"
    path.write_text(text)
    return read(path)


def measure(folder: Path, times: int) -> dict[str, float]:
    """Median milliseconds of asking the rules, of keeping the result too, and of asking with 1000 rows scored."""
    desk = Desk.open(Home(folder / "home"), actor="ana", clock=SimClock(parse_time("2013-04-01")))
    version(desk)
    evaluate(desk, 1, **REPORT)
    plain, scored = gates(folder, RULES), gates(folder, RULES + FAST)
    took: dict[str, list[float]] = {"ask": [], "ask and keep": [], "ask and score 1000 rows": []}
    for _ in range(times):
        for name, run, rules in (("ask", ask, plain), ("ask and keep", ask_and_keep, plain)):
            began = time.perf_counter()
            assert [each["state"] for each in run(desk, "m", 1, rules).results][:5] == ["pass"] * 5
            took[name].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert ask(desk, "m", 1, scored).results[-1]["measured"] > 0
        took["ask and score 1000 rows"].append(time.perf_counter() - began)
    desk.store.close()
    return {name: sorted(each)[len(each) // 2] * 1000 for name, each in took.items()}


@pytest.mark.bench
def test_a_gate_of_every_kind_is_asked(tmp_path: Path) -> None:
    print(measure(tmp_path, 3))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for name, median in measure(Path(made), int(sys.argv[1]) if len(sys.argv) > 1 else 50).items():
            print(f"{name}: p50 {median:.2f} ms")
