from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from console.cli.main import run as tocsin
from core.clock import DAY, HOUR, SimClock
from core.desk import Desk
from core.errors import NotAllowed
from core.settings import Quota
from core.work import plan, rows
from core.work.claim import Ended, claim, finish, give_back, waits
from core.work.here import run_here
from core.work.quota import spend, why_waits

QUOTA = Quota(cpu_seconds=10, models={"big": 100, "free": 0})


def queue(desk: Desk, model: str, request: str = "") -> rows.Run:
    with desk.write() as tx:
        number = plan.request_run(tx, desk.now_us(), "train", {"model": model}, request or model)
    return rows.run(desk.store, number)


def used(desk: Desk, run: rows.Run, seconds: int) -> None:
    with desk.write() as tx:
        spend(tx, desk.now_us(), run, 1000 * seconds)


def take(desk: Desk) -> rows.Run | None:
    with desk.write() as tx:
        return claim(tx, desk.now_us(), "t", quota=QUOTA)


def test_a_model_that_has_used_its_day_up_waits_for_the_next_and_the_others_do_not(desk: Desk, clock: SimClock) -> None:
    small, big = queue(desk, "small"), queue(desk, "big")
    used(desk, small, 4)
    used(desk, small, 6)
    used(desk, big, 99)
    first = take(desk)
    assert first is not None
    assert first.args["model"] == "big"
    assert take(desk) is None
    assert not waits(desk.store, desk.now_us(), QUOTA)
    clock.advance(DAY - 1)
    assert take(desk) is None
    clock.advance(1)
    assert take(desk) is not None


def test_nought_is_no_limit_and_so_is_no_setting(desk: Desk) -> None:
    free = queue(desk, "free")
    used(desk, free, 10**6)
    assert take(desk) is not None
    other = queue(desk, "other")
    used(desk, other, 10**6)
    assert waits(desk.store, desk.now_us(), Quota())


@pytest.mark.parametrize("model", ['quo"te', "per%cent", "$.model", "ключ"])
def test_whatever_a_model_is_called_it_has_its_own_limit(desk: Desk, model: str) -> None:
    run = queue(desk, model)
    used(desk, run, 5)
    with desk.write() as tx:
        assert claim(tx, desk.now_us(), "t", quota=Quota(models={model: 5})) is None
        assert claim(tx, desk.now_us(), "t", quota=Quota(models={model: 6})) is not None


def test_a_run_that_waits_says_what_for(desk: Desk, clock: SimClock) -> None:
    def why(run: rows.Run) -> str:
        return why_waits(desk.store, desk.now_us(), QUOTA, rows.run(desk.store, run.id))

    small = queue(desk, "small")
    assert why(small) == ""
    used(desk, small, 12)
    assert why(small) == "small has used 12 of its 10 CPU seconds today: goes on at 2013-04-02T00:00:00Z"
    clock.advance(DAY)
    run = take(desk)
    assert run is not None
    with desk.write() as tx:
        give_back(tx, desk.now_us(), run, "crashed")
    assert why(small) == "tries again at 2013-04-02T00:00:30Z"
    with desk.write() as tx:
        plan.add_schedule(tx, desk.now_us(), "s", "train", {"model": "s"}, "every 1h")
    for _ in range(2):
        clock.advance(HOUR)
        with desk.write() as tx:
            plan.plan_due(tx, desk.now_us())
    take(desk)
    claimed = take(desk)
    assert claimed is not None
    newest = rows.runs(desk.store, 1)[0]
    assert why(newest) == f"job {claimed.id} of its schedule still runs"
    with desk.write() as tx:
        tx.execute(plan.NEED, (newest.id, claimed.id))
        finish(tx, desk.now_us(), claimed, Ended("failed"))
    assert why(newest) == f"needs job {claimed.id}, which is failed"


def test_a_person_is_told_at_once_and_the_job_is_cancelled(desk: Desk) -> None:
    held = dataclasses.replace(desk, settings=type(desk.settings)(quota=QUOTA))
    run = queue(held, "small")
    used(held, run, 11)
    with pytest.raises(NotAllowed, match="11 of its 10 CPU seconds"):
        run_here(held, {}, run.id, lambda share, text: None)
    assert rows.run(held.store, run.id).state == "cancelled"


def test_the_command_line_tells_why_a_job_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("[quota]\ncpu_seconds = 1\n")
    at = ["--home", str(home), "job"]
    assert tocsin([*at, "run", "train", "--arg", "model=m", "--yes"]) == 0
    capsys.readouterr()
    assert tocsin([*at, "show", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["waits"] is None
