from __future__ import annotations

from typing import Any

import pytest

from core.clock import DAY, HOUR, MINUTE, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.ledger import timeline
from core.work import plan, rows
from core.work.claim import Ended, claim, finish
from core.work.planner import Planner, resume_all


def add(desk: Desk, name: str = "s", trigger: str = "every 1h", **more: Any) -> None:
    with desk.write() as tx:
        plan.add_schedule(tx, desk.now_us(), name, "train", {"model": name}, trigger, **more)


def take(desk: Desk) -> rows.Run | None:
    with desk.write() as tx:
        return claim(tx, desk.now_us(), "t")


def states(desk: Desk) -> list[str]:
    return [run.state for run in reversed(rows.runs(desk.store, 100))]


def told(desk: Desk) -> list[str]:
    return [event.kind for event in timeline(desk.store)]


def test_a_queued_run_waits_until_the_earlier_one_of_its_schedule_has_ended(desk: Desk, clock: SimClock) -> None:
    add(desk)
    planner = Planner(desk)
    clock.advance(HOUR)
    planner.turn()
    first = take(desk)
    assert first is not None
    clock.advance(HOUR)
    planner.turn()
    assert states(desk) == ["claimed", "planned"]
    assert take(desk) is None
    with desk.write() as tx:
        finish(tx, desk.now_us(), first, Ended("succeeded"))
    assert take(desk) is not None


def test_a_run_that_would_overlap_is_left_out_and_counted(desk: Desk, clock: SimClock) -> None:
    add(desk, overlap="skip")
    planner = Planner(desk)
    for _ in range(3):
        clock.advance(HOUR)
        planner.turn()
        take(desk)
    assert states(desk) == ["claimed"]
    assert rows.schedule(desk.store, "s").skipped == 2


def test_a_run_that_is_due_again_ends_the_earlier_one_where_the_schedule_says_so(desk: Desk, clock: SimClock) -> None:
    add(desk, overlap="cancel")
    planner = Planner(desk)
    clock.advance(HOUR)
    planner.turn()
    running = take(desk)
    assert running is not None
    clock.advance(HOUR)
    planner.turn()
    assert rows.run(desk.store, running.id).cancel
    clock.advance(HOUR)
    planner.turn()
    assert states(desk) == ["claimed", "cancelled", "planned"]
    assert told(desk) == ["job.cancel_asked", "job.cancel_asked"]


def test_an_overlap_policy_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match="overlap"):
        add(desk, overlap="perhaps")


@pytest.mark.parametrize("jump", [25 * HOUR, -25 * HOUR, 4000 * DAY])
def test_a_jump_of_the_clock_stops_planning_until_a_person_says_go_on(desk: Desk, clock: SimClock, jump: int) -> None:
    add(desk, catch_up="all")
    planner = Planner(desk)
    clock.advance(jump)
    for _ in range(2):
        with pytest.raises(CheckFailed, match="the clock jumped"):
            planner.turn()
    assert told(desk) == ["schedule.clock_jumped"]
    assert states(desk) == []
    assert resume_all(desk) == 1
    assert planner.turn() == 0
    clock.advance(HOUR)
    assert planner.turn() == 1
    assert told(desk) == ["schedule.clock_jumped", "schedule.all_resumed"]


def test_a_jump_does_not_lose_a_one_off(desk: Desk, clock: SimClock) -> None:
    add(desk, trigger="once 2013-04-02T00:00Z")
    planner = Planner(desk)
    clock.advance(3 * DAY)
    with pytest.raises(CheckFailed):
        planner.turn()
    resume_all(desk)
    assert planner.turn() == 1


def test_a_daemon_that_was_down_for_days_catches_up_and_one_whose_clock_went_back_does_not(
    desk: Desk, clock: SimClock
) -> None:
    add(desk, catch_up="all")
    start = clock.now_us()
    clock.advance(2 * DAY)
    assert Planner(desk, last_us=start).turn() == 48
    clock.set(start)
    with pytest.raises(CheckFailed):
        Planner(desk, last_us=start + 2 * DAY).turn()


def test_the_daemon_tells_of_a_jump_in_its_heartbeat_and_runs_what_was_queued(desk: Desk, clock: SimClock) -> None:
    daemon = Daemon(desk)
    with desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "dance", {}, "r")
    clock.advance(2 * DAY)
    assert daemon.tick().errors == [
        "work: nothing is planned: the clock jumped from 2013-04-01T00:00:00Z to 2013-04-03T00:00:00Z"
    ]
    assert states(desk) == ["failed"]
    resume_all(desk)
    clock.advance(MINUTE)
    assert daemon.tick().errors == []
    daemon.close()


def test_resuming_where_nothing_is_paused_is_refused(desk: Desk) -> None:
    with pytest.raises(BadInput):
        resume_all(desk)


def test_a_schedule_after_another_is_queued_once_for_each_success(desk: Desk, clock: SimClock) -> None:
    add(desk)
    add(desk, "next", "after s")
    clock.advance(HOUR)
    Planner(desk).turn()
    run = take(desk)
    assert run is not None
    with desk.write() as tx:
        finish(tx, desk.now_us(), run, Ended("succeeded"))
        plan.follow(tx, desk.now_us(), run)
        plan.follow(tx, desk.now_us(), run)
    assert states(desk) == ["succeeded", "planned"]
    follower = take(desk)
    assert follower is not None
    assert (follower.args, follower.due_us) == ({"model": "next"}, run.due_us)


def test_schedules_that_would_wait_for_each_other_are_refused(desk: Desk) -> None:
    add(desk, "a")
    add(desk, "b", "after a")
    with pytest.raises(BadInput, match="itself"):
        add(desk, "a", "after b")
