from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.clock import MINUTE, SimClock
from core.desk import Desk
from core.home import Home
from core.work import plan, rows
from core.work.claim import Ended, Owner, beat, cancel, claim, finish, give_back, held, owner_lives, recover
from core.work.rows import Run


def queue(desk: Desk, request: str = "r") -> int:
    with desk.write() as tx:
        return plan.request_run(tx, desk.now_us(), "train", {}, request)


def take(desk: Desk, owner: str = "a") -> Run | None:
    with desk.write() as tx:
        return claim(tx, desk.now_us(), owner)


def test_a_run_is_claimed_by_one_owner(desk: Desk) -> None:
    queue(desk)
    assert take(desk, "a") is not None
    assert take(desk, "b") is None


def test_the_fence_keeps_out_an_owner_that_lost_its_run(desk: Desk) -> None:
    queue(desk)
    first = take(desk, "a")
    assert first is not None
    with desk.write() as tx:
        give_back(tx, desk.now_us(), first, "lease ran out")
    assert isinstance(desk.clock, SimClock)
    desk.clock.advance(10 * MINUTE)
    second = take(desk, "b")
    assert second is not None
    with desk.write() as tx:
        assert not held(tx, first.id, first.fence)
        assert not finish(tx, desk.now_us(), first, Ended("succeeded", result={"who": "a"}))
        assert beat(tx, desk.now_us(), first, progress=0.5, pid=1, pid_start="1") is None
        assert finish(tx, desk.now_us(), second, Ended("succeeded", result={"who": "b"}))
    assert rows.run(desk.store, first.id).result == {"who": "b"}


def test_a_run_that_crashes_too_often_ends_dead(desk: Desk) -> None:
    number = queue(desk)
    assert isinstance(desk.clock, SimClock)
    for _ in range(3):
        run = take(desk)
        assert run is not None
        with desk.write() as tx:
            give_back(tx, desk.now_us(), run, "killed")
        desk.clock.advance(30 * MINUTE)
    found = rows.run(desk.store, number)
    assert found.state == "dead"
    assert "3 times" in (found.error or "")


def test_cancelling_a_waiting_run_ends_it_and_a_running_one_is_told(desk: Desk) -> None:
    waiting, running = queue(desk, "w"), queue(desk, "r")
    with desk.write() as tx:
        assert cancel(tx, desk.now_us(), waiting)
    run = take(desk)
    assert run is not None
    assert run.id == running
    with desk.write() as tx:
        assert cancel(tx, desk.now_us(), running)
        assert beat(tx, desk.now_us(), run, progress=None, pid=1, pid_start="1") is True
    assert rows.run(desk.store, waiting).state == "cancelled"


def test_a_dead_owners_run_is_taken_back_at_once_and_a_living_ones_is_not(desk: Desk) -> None:
    queue(desk)
    owner = Owner(desk.home, "daemon")
    take(desk, owner.name)
    assert owner_lives(desk.home, owner.name)
    with desk.write() as tx:
        assert recover(tx, desk.store, desk.now_us()) == []
    owner.close()
    with desk.write() as tx:
        assert [state for _, state in recover(tx, desk.store, desk.now_us())] == ["planned"]


class RunLife(RuleBasedStateMachine):
    """Two owners claim, lose, finish and crash in any order: every run ends once, by whoever held it last."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = SimClock(0)
        self.desk = Desk.open(Home(Path(self.folder.name)).prepare(), actor="t", clock=self.clock)
        self.seen: list[Run] = []
        self.ended: dict[int, int] = {}
        self.count = 0

    @rule()
    def ask(self) -> None:
        self.count += 1
        queue(self.desk, f"r{self.count}")

    @rule(owner=st.sampled_from(["a", "b"]))
    def take(self, owner: str) -> None:
        run = take(self.desk, owner)
        if run:
            self.seen.append(run)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.seen))
        with self.desk.write() as tx:
            if finish(tx, self.clock.now_us(), run, Ended("succeeded", result={})):
                self.ended[run.id] = self.ended.get(run.id, 0) + 1

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.seen))
        with self.desk.write() as tx:
            if held(tx, run.id, run.fence):
                give_back(tx, self.clock.now_us(), run, "crash")

    @rule(minutes=st.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self.clock.advance(minutes * MINUTE)

    @invariant()
    def no_run_is_lost_or_doubled(self) -> None:
        found = rows.runs(self.desk.store, 1000)
        assert len(found) == self.count
        assert all(times == 1 for times in self.ended.values())
        assert {run.id for run in found if run.state == "succeeded"} == set(self.ended)

    def teardown(self) -> None:
        self.desk.store.close()
        self.folder.cleanup()


TestRunLife = RunLife.TestCase
TestRunLife.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
