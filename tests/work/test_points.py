from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import MINUTE, SimClock
from core.datasets import ingest
from core.desk import Desk
from core.registry import versions
from core.work import points, rows
from core.work.claim import Owner, cancel, claim
from core.work.kinds import KINDS
from core.work.logs import log_path
from core.work.plan import request_run
from core.work.runner import Runner

Tocsin = Callable[..., tuple[int, str, str]]


def asked(desk: Desk, name: str, kind: str = "train", **args: object) -> int:
    with desk.write() as tx:
        return request_run(tx, desk.now_us(), kind, args, name, attempts=1)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_curve_keeps_its_ends_and_never_more_than_500_points(desk: Desk, bites: list[int]) -> None:
    job, step = asked(desk, f"curve/{rows.runs(desk.store, 1)[0].id if rows.runs(desk.store, 1) else 0}"), 0
    for bite in bites:
        with desk.write() as tx:
            points.add(tx, job, [(step + place, "loss", 1 / (1 + step + place)) for place in range(bite)])
        step += bite
        curve = points.series(desk.store, job)["loss"]
        assert len(curve) <= points.MOST
        assert (curve[0][0], curve[-1][0]) == (0, step - 1)
        assert [one for one, _ in curve] == sorted(one for one, _ in curve)


def test_not_a_number_is_no_point(desk: Desk) -> None:
    job = asked(desk, "nan")
    with desk.write() as tx:
        points.add(tx, job, [(1, "loss", float("nan")), (2, "loss", float("inf")), (3, "loss", 0.5)])
    assert points.series(desk.store, job) == {"loss": [(3, 0.5)]}


def test_the_time_left_follows_from_the_share_done(desk: Desk, clock: SimClock) -> None:
    job = asked(desk, "left")
    assert rows.run(desk.store, job).left_us(desk.now_us()) is None
    with desk.write() as tx:
        claim(tx, desk.now_us(), "me")
        tx.execute("UPDATE run SET progress = 0.25 WHERE id = ?", (job,))
    clock.advance(10 * MINUTE)
    assert rows.run(desk.store, job).left_us(desk.now_us()) == 30 * MINUTE


def data(desk: Desk, tmp_path: Path, count: int) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=count)
    late = (x + draw.normal(size=count) > 0).astype(int)
    pyarrow.csv.write_csv(pa.table({"x": x, "y": draw.normal(size=count), "late": late}), tmp_path / "d.csv")
    ingest.add(desk, tmp_path / "d.csv", dataset="d", label="late")


def test_a_training_keeps_its_losses_and_logs_its_parameters(desk: Desk, tmp_path: Path, tocsin: Tocsin) -> None:
    data(desk, tmp_path, 600)
    code, out, _ = tocsin(
        "train", "m", "--dataset", "d", "--split", "stratified", "--rounds", "30", "--param", "num_leaves=5", "--json"
    )
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert {"progress", "text", "left_s"} == set(lines[0])
    curves = points.series(desk.store, 1)
    assert set(curves) == {"trial.fit", "trial.held", "final.fit"}
    assert [step for step, _ in curves["final.fit"]] == list(range(1, 31))
    assert curves["final.fit"][-1][1] < curves["final.fit"][0][1]
    told = json.loads(tocsin("job", "show", "1", "--json")[1])
    assert told["points"]["trial.held"][0][0] == 1
    assert "trial.held: " in tocsin("job", "show", "1")[1]
    assert '"num_leaves": 5' in log_path(desk.home, 1).read_text()


def test_a_training_is_cancelled_between_two_rounds_and_registers_nothing(desk: Desk, tmp_path: Path) -> None:
    data(desk, tmp_path, 3000)
    job = asked(desk, "long", model="m", dataset="d", split="stratified", rounds=5000, param={"num_leaves": 200})
    owner = Owner(desk.home, "test")
    runner = Runner(desk, KINDS, owner, only=job)
    try:
        while not any("round" in child.text for child in runner.children):
            runner.step()
        with desk.write() as tx:
            cancel(tx, desk.now_us(), job)
        while runner.step():
            pass
    finally:
        runner.stop()
        owner.close()
    found = rows.run(desk.store, job)
    # 130 is the job's own answer to being asked: it was not killed.
    assert (found.state, found.exit) == ("cancelled", 130)
    assert versions.models(desk.store) == []
