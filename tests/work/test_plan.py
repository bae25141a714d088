from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import DAY, HOUR, MINUTE, SimClock, iso, parse_time
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.work import plan, rows
from core.work.trigger import next_due


def planned(desk: Desk) -> list[int]:
    return sorted(run.due_us for run in rows.runs(desk.store, 1000))


def plan_at(desk: Desk, clock: SimClock, at_us: int) -> int:
    clock.set(at_us)
    with desk.write() as tx:
        return plan.plan_due(tx, at_us).runs


@pytest.mark.parametrize(
    ("trigger", "after", "due"),
    [
        ("every 15m", "2013-04-01T00:07:00Z", "2013-04-01T00:15:00Z"),
        ("every 15m", "2013-04-01T00:15:00Z", "2013-04-01T00:30:00Z"),
        ("0 3 * * *", "2013-04-01T03:00:00Z", "2013-04-02T03:00:00Z"),
        ("0 9 * * 0", "2013-04-01T00:00:00Z", "2013-04-07T09:00:00Z"),
        ("once 2013-05-01T00:00:00Z", "2013-04-01T00:00:00Z", "2013-05-01T00:00:00Z"),
    ],
)
def test_a_trigger_says_the_next_time_strictly_after(trigger: str, after: str, due: str) -> None:
    found = next_due(trigger, parse_time(after))
    assert found is not None
    assert iso(found) == due


def test_a_one_off_that_has_passed_is_never_due_again() -> None:
    assert next_due("once 2013-01-01", parse_time("2013-01-01T00:00:00Z")) is None


@pytest.mark.parametrize("trigger", ["", "every", "every day", "every 0m", "61 * * * *", "once tomorrow", "* * * *"])
def test_a_trigger_that_means_nothing_is_refused_with_a_hint(trigger: str) -> None:
    with pytest.raises(BadInput) as caught:
        next_due(trigger, 0)
    assert caught.value.hint


def test_planning_twice_queues_a_due_time_once(desk: Desk, clock: SimClock) -> None:
    with desk.write() as tx:
        plan.add_schedule(tx, clock.now_us(), "nightly", "train", {"model": "m"}, "0 3 * * *")
    at = parse_time("2013-04-01T03:00:30Z")
    assert plan_at(desk, clock, at) == 1
    with desk.write() as tx:
        tx.execute("UPDATE schedule SET next_us = ?", (parse_time("2013-04-01T03:00:00Z"),))
    assert plan_at(desk, clock, at) == 0
    assert len(planned(desk)) == 1


@pytest.mark.parametrize(("policy", "count"), [("all", 3), ("latest", 1), ("skip", 0)])
def test_missed_times_are_made_up_for_as_the_policy_says(desk: Desk, clock: SimClock, policy: str, count: int) -> None:
    with desk.write() as tx:
        plan.add_schedule(tx, clock.now_us(), "s", "train", {}, "0 3 * * *", policy)
    plan_at(desk, clock, parse_time("2013-04-03T12:00:00Z"))
    due = planned(desk)
    assert len(due) == count
    if policy == "latest":
        assert iso(due[0]) == "2013-04-03T03:00:00Z"


def test_a_paused_schedule_plans_nothing_and_resumes_from_now(desk: Desk, clock: SimClock) -> None:
    with desk.write() as tx:
        plan.add_schedule(tx, clock.now_us(), "s", "train", {}, "every 1h", "all")
        plan.pause_schedule(tx, clock.now_us(), "s", paused=True)
    assert plan_at(desk, clock, clock.now_us() + DAY) == 0
    with desk.write() as tx:
        plan.pause_schedule(tx, clock.now_us(), "s", paused=False)
    assert plan_at(desk, clock, clock.now_us() + HOUR) == 1


def test_pausing_an_unknown_schedule_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound), desk.write() as tx:
        plan.pause_schedule(tx, 0, "nobody", paused=True)


def test_one_request_id_is_one_job(desk: Desk) -> None:
    with desk.write() as tx:
        first = plan.request_run(tx, 0, "train", {"model": "a"}, "req-1")
        again = plan.request_run(tx, 5, "train", {"model": "b"}, "req-1")
    assert first == again
    assert rows.run(desk.store, first).args == {"model": "a"}


@given(steps=st.lists(st.integers(1, 6 * 60), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_whatever_the_pace_of_planning_every_due_time_is_walked_once(steps: list[int]) -> None:
    start = parse_time("2013-04-01T00:00:00Z")
    now, due, seen = start, next_due("every 30m", start), []
    for step in steps:
        now += step * MINUTE
        while due is not None and due <= now:
            seen.append(due)
            due = next_due("every 30m", due)
    assert seen == [start + (i + 1) * 30 * MINUTE for i in range((now - start) // (30 * MINUTE))]
