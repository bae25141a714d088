"""What planning costs with many schedules, and how long a queued job takes until its own code runs.

Planning is a turn in which nothing is due, and one in which every schedule is. Claim to start is from the runner's
turn that finds a job to the first line of the job's function, a fresh interpreter between them.

Run: python tests/bench/bench_work.py [--schedules 10000] [--jobs 40]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from core.clock import HOUR, SimClock, parse_time
from core.desk import Desk
from core.home import Home
from core.work import plan, rows
from core.work.claim import Owner, waits
from core.work.planner import Planner
from core.work.runner import Runner

TRIGGERS = ("every 1h", "0 * * * *", "0 * * * * Europe/Berlin", "0 0-23 * * * America/New_York")
JOB = "import time\n\ndef job(desk, args, progress):\n    return {'began': time.time()}\n"


def planning(schedules: int) -> dict[str, Any]:
    """Milliseconds of a turn of the planner, idle and with every schedule due, and of asking whether a run is ready."""
    with tempfile.TemporaryDirectory() as folder:
        clock = SimClock(parse_time("2025-06-01T00:30:00Z"))
        desk = Desk.open(Home(Path(folder)), actor="bench", clock=clock)
        with desk.write() as tx:
            for number in range(schedules):
                trigger = TRIGGERS[number % len(TRIGGERS)]
                plan.add_schedule(tx, clock.now_us(), f"s{number}", "train", {"model": f"m{number}"}, trigger)
        planner = Planner(desk)
        idle = statistics.median(_ms(planner.turn) for _ in range(50))
        clock.advance(HOUR)
        every = _ms(planner.turn)
        queued = len(rows.runs(desk.store, schedules + 1))
        ready = statistics.median(
            _ms(lambda: waits(desk.store, clock.now_us(), desk.settings.quota)) for _ in range(50)
        )
        desk.store.close()
    return {
        "schedules": schedules,
        "queued": queued,
        "idle turn ms": round(idle, 3),
        "all due turn ms": round(every, 1),
        "all due, each us": round(1000 * every / schedules, 1),
        "ready ms": round(ready, 3),
    }


def starting(jobs: int) -> dict[str, Any]:
    """Milliseconds from claiming a job to its function's first line."""
    taken: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench_jobs.py").write_text(JOB)
        os.environ["PYTHONPATH"] = folder
        desk = Desk.open(Home(Path(folder, "home")), actor="bench")
        owner = Owner(desk.home, "bench")
        runner = Runner(desk, {"job": "bench_jobs:job"}, owner)
        for number in range(jobs):
            with desk.write() as tx:
                job = plan.request_run(tx, desk.now_us(), "job", {}, f"r{number}")
            claimed = time.time()
            while runner.step():
                time.sleep(0.002)
            taken.append(1000 * ((rows.run(desk.store, job).result or {})["began"] - claimed))
        owner.close()
        desk.store.close()
    taken.sort()
    return {
        "jobs": jobs,
        "claim to start p50 ms": round(statistics.median(taken), 1),
        "claim to start p95 ms": round(taken[int(0.95 * (len(taken) - 1))], 1),
    }


def _ms(work: Any) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


@pytest.mark.bench
def test_planning_and_starting_are_measured_and_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    figures = {**planning(200), **starting(2)}
    with capsys.disabled():
        print(figures)
    assert figures["queued"] == 200


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=40)
    given = parser.parse_args()
    print(json.dumps({**planning(given.schedules), **starting(given.jobs)}, indent=2))
