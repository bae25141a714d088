from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from console.cli.main import run as tocsin
from core.clock import DAY, HOUR, SimClock
from core.desk import Desk
from core.errors import NotAllowed
from core.home import Home
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


PRICED = Quota(price_per_cpu_hour=3.6, money=0.01, money_models={"big": 1.0, "free": 0}, currency="CHF")


def test_a_model_whose_jobs_cost_their_day_waits_for_the_next_and_the_others_do_not(
    desk: Desk, clock: SimClock
) -> None:
    small, big = queue(desk, "small"), queue(desk, "big")
    for run, seconds in ((small, 4), (small, 6), (big, 999)):
        with desk.write() as tx:
            spend(tx, desk.now_us(), run, 1000 * seconds, PRICED)
    assert rows.run(desk.store, small.id).cost_micros == 10_000
    with desk.write() as tx:
        first = claim(tx, desk.now_us(), "t", quota=PRICED)
        assert first is not None
        assert first.args["model"] == "big"
        assert claim(tx, desk.now_us(), "t", quota=PRICED) is None
    assert not waits(desk.store, desk.now_us(), PRICED)
    why = why_waits(desk.store, desk.now_us(), PRICED, rows.run(desk.store, small.id))
    assert why == "small has cost 0.0100 CHF of its 0.0100 CHF today: goes on at 2013-04-02T00:00:00Z"
    clock.advance(DAY)
    with desk.write() as tx:
        assert claim(tx, desk.now_us(), "t", quota=PRICED) is not None


def test_a_price_that_changes_leaves_what_was_spent_as_it_was(desk: Desk) -> None:
    run = queue(desk, "m")
    for price in (3.6, 36.0):
        with desk.write() as tx:
            spend(tx, desk.now_us(), run, 1000, Quota(price_per_cpu_hour=price))
    assert rows.run(desk.store, run.id).cost_micros == 1_000 + 10_000
    row = desk.store.one("SELECT cpu_ms, cost_micros FROM cpu_spent")
    assert row is not None
    assert tuple(row) == (2000, 11_000)


def test_without_a_price_nothing_costs_anything(desk: Desk) -> None:
    run = queue(desk, "m")
    used(desk, run, 10)
    assert rows.run(desk.store, run.id).cost_micros is None


def test_a_quota_of_money_without_a_price_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("[quota]\nmoney = 5\n")
    assert tocsin(["--home", str(home), "job", "list"]) == 2
    assert "needs `price_per_cpu_hour`" in capsys.readouterr().err


def test_the_command_line_tells_what_a_job_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home").prepare()
    home.settings_path.write_text("[quota]\nprice_per_cpu_hour = 3.6\nmoney = 0.5\n")
    priced = Desk.open(home, actor="ana")
    run = queue(priced, "m")
    with priced.write() as tx:
        spend(tx, priced.now_us(), run, 500_000, priced.settings.quota)
    assert tocsin(["--home", str(home.path), "job", "list", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["cost"], told["currency"]) == (0.5, "EUR")
    assert told["waits"].startswith("m has cost 0.5000 EUR of its 0.5000 EUR today")
    assert tocsin(["--home", str(home.path), "job", "show", "1"]) == 0
    assert "cost        0.5" in capsys.readouterr().out
