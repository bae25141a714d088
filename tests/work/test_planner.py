from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from console.pages.jobs import schedule_line
from console.view import text_of
from core.briefing.jobs import schedules
from core.clock import DAY, HOUR, MINUTE, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.doctor import CHECKS
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
    assert told(desk) == ["job.cancel_asked", "job.cancel_asked", "job.cancelled"]


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


def spoil(desk: Desk, name: str, trigger: str = "whenever it suits") -> None:
    with desk.write() as tx:
        tx.execute("UPDATE schedule SET trigger = ? WHERE name = ?", (trigger, name))


@pytest.mark.parametrize("overlap", ["queue", "skip", "cancel"])
@pytest.mark.parametrize("trigger", ["whenever it suits", "0 3 * * * Nowhere/Land", "every 0m", "once", ""])
def test_a_schedule_that_nobody_can_read_is_set_aside_and_all_others_are_planned(
    desk: Desk, clock: SimClock, overlap: str, trigger: str
) -> None:
    for name in ("a", "b", "c"):
        add(desk, name, overlap=overlap)
    spoil(desk, "b", trigger)
    planner = Planner(desk)
    for turn in (1, 2):
        clock.advance(HOUR)
        with pytest.raises(CheckFailed, match="schedule b is set aside: "):
            planner.turn()
        assert sum(run.args["model"] in "ac" for run in rows.runs(desk.store, 100)) == (
            2 if overlap == "skip" else 2 * turn
        )
    aside = rows.schedule(desk.store, "b")
    assert aside.paused
    assert aside.trouble
    assert told(desk).count("schedule.set_aside") == 1


def test_a_schedule_whose_reading_goes_wrong_in_an_unforeseen_way_is_set_aside_as_well(
    desk: Desk, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(desk, "a")
    add(desk, "b", trigger="every 2h")
    known = plan.next_due

    def fails(trigger: str, after_us: int) -> int | None:
        return known(trigger, after_us // 0 if trigger == "every 2h" else after_us)

    monkeypatch.setattr(plan, "next_due", fails)
    planner = Planner(desk)
    clock.advance(2 * HOUR)
    with pytest.raises(CheckFailed, match="schedule b is set aside: ZeroDivisionError"):
        planner.turn()
    assert states(desk) == ["planned"]


def test_a_schedule_set_aside_goes_on_when_it_is_saved_anew_and_is_silent_when_a_person_pauses_it(
    desk: Desk, clock: SimClock
) -> None:
    add(desk)
    spoil(desk, "s")
    planner = Planner(desk)
    clock.advance(HOUR)
    with pytest.raises(CheckFailed):
        planner.turn()
    with pytest.raises(BadInput), desk.write() as tx:
        plan.pause_schedule(tx, desk.now_us(), "s", paused=False)
    with desk.write() as tx:
        plan.pause_schedule(tx, desk.now_us(), "s", paused=True)
    assert planner.turn() == 0
    spoil(desk, "s", "every 1h")
    with desk.write() as tx:
        plan.pause_schedule(tx, desk.now_us(), "s", paused=False)
    spoil(desk, "s")
    clock.advance(HOUR)
    with pytest.raises(CheckFailed):
        planner.turn()
    add(desk, trigger="every 2h")
    assert rows.schedule(desk.store, "s").trouble is None
    clock.advance(2 * HOUR)
    assert planner.turn() == 1


def test_going_on_after_a_jump_sets_aside_what_nobody_can_read(desk: Desk, clock: SimClock) -> None:
    add(desk, "a")
    add(desk, "b")
    spoil(desk, "b")
    planner = Planner(desk)
    clock.advance(3 * DAY)
    with pytest.raises(CheckFailed):
        planner.turn()
    assert resume_all(desk) == 1
    assert told(desk) == ["schedule.clock_jumped", "schedule.set_aside", "schedule.all_resumed"]


def test_what_was_set_aside_is_told_by_heartbeat_doctor_list_and_show(
    desk: Desk, clock: SimClock, tocsin: Callable[..., tuple[int, str, str]]
) -> None:
    add(desk)
    spoil(desk, "s", "whenever")
    clock.advance(HOUR)
    daemon = Daemon(desk)
    assert daemon.tick().errors == ["work: schedule s is set aside: 'whenever' is not a trigger"]
    assert daemon.tick().errors == ["work: schedule s is set aside: 'whenever' is not a trigger"]
    daemon.close()
    assert [found[0] for found in CHECKS["schedules"](desk)] == ["wrong"]
    assert "set aside: 'whenever' is not a trigger" in tocsin("schedule", "list")[1]
    assert json.loads(tocsin("schedule", "show", "s", "--json")[1])["trouble"] == "'whenever' is not a trigger"
    assert "set aside: 'whenever'" in text_of(schedule_line(schedules(desk)[0], desk.now_us()))
