"""What a trial costs beyond its fits, and what going on with a search costs before its next trial.

Overhead: the median CPU time of a trial less that of `lightgbm.cv` alone on the same parameters (of real time the noise
of the fits' threads is greater than what is looked for).
Resume: rebuilding the study from the kept trials and drawing the next.
Run: python tests/bench/bench_search.py [rows] [trials]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from core.training.material import gather
from core.training.plan import Plan
from core.training.trial import split_of
from core.tuning import rows as kept
from core.tuning.job import search
from core.tuning.metrics import metric_of
from core.tuning.objective import Objective, without_holdout
from core.tuning.space import space_of
from core.tuning.study import Study
from core.work.plan import request_run
from tests.bench.bench_training import prepared


def measure(rows: int, trials: int) -> dict[str, Any]:
    """Milliseconds a trial beyond its fits, and of a resume."""
    with tempfile.TemporaryDirectory() as folder:
        desk = prepared(Path(folder), rows)
        args = {"model": "m", "dataset": "d", "rounds": 30, "folds": 3, "trials": trials, "register": "none"}
        with desk.write() as tx:
            job = request_run(tx, desk.now_us(), "search", args, "bench")
        plan = Plan.of(args)
        material = gather(desk, plan)
        metric = metric_of("", material.task)
        objective = Objective(plan, without_holdout(material, split_of(plan, material)), metric, desk.settings.threads)
        search(desk, {**args, "run_id": job}, lambda share, text="", /: None)
        done = kept.trials(desk.store, job)
        ended = [one for one in done if one.state == kept.COMPLETE]
        bare = []
        for one in ended:
            began = time.process_time()
            objective(one.params, lambda done, value: None)
            bare.append(1000 * (time.process_time() - began))
        over = sorted(one.cpu_ms - alone for one, alone in zip(ended, bare, strict=True))
        began = time.perf_counter()
        study = Study(space_of({}, {}), done, more=metric.more, seed=plan.seed)
        study.ask(len(done))
        return {
            "rows": rows,
            "trials": trials,
            "fit_cpu_ms": round(sum(bare) / len(bare), 1),
            "overhead_cpu_ms": round(over[len(over) // 2], 1),
            "resume_ms": round(1000 * (time.perf_counter() - began), 1),
        }


@pytest.mark.bench
def test_bench_search() -> None:
    print(json.dumps(measure(2_000, 15)))


if __name__ == "__main__":
    print(json.dumps(measure(int((sys.argv[1:] or ["5000"])[0]), int((sys.argv[2:] or ["20"])[0]))))
