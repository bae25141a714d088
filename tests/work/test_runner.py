from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import MINUTE, SimClock
from core.desk import Desk
from core.errors import NotAllowed
from core.ledger import timeline
from core.pid import start_of
from core.work import logs, plan, process, rows, runner
from core.work.child import FencedDesk
from core.work.claim import Owner, cancel, give_back, owner_lives
from core.work.here import daemon_lives, run_here
from core.work.logs import Capture
from core.work.runner import Runner
from core.work.stop import stop

# What the child processes run: found by name through PYTHONPATH, as a plugin's job is.
JOBS = """
import os, signal, sys, time
from core.errors import BadInput

def good(desk, args, progress):
    progress(0.5, "half way")
    with desk.write() as tx:
        desk.record(tx, "job.note", data={"said": args.get("said", "")})
    return {"said": args.get("said", ""), "run": args["run_id"]}

def refuse(desk, args, progress):
    raise BadInput("the label is absent", "name another")

def crash(desk, args, progress):
    raise RuntimeError("out of luck")

def vanish(desk, args, progress):
    os.kill(os.getpid(), signal.SIGKILL)

def wait(desk, args, progress):
    progress(0.25, "waiting")
    while True:
        time.sleep(0.01)

def deaf(desk, args, progress):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    progress(0.25, "not listening")
    while True:
        time.sleep(0.01)

def told_to_stop(desk, args, progress):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)

def late(desk, args, progress):
    progress(0.25, "waiting for the gate")
    while not os.path.exists(args["gate"]):
        time.sleep(0.01)
    try:
        with desk.write() as tx:
            desk.record(tx, "job.note", data={"said": "late"})
    finally:
        with open(args["gate"] + ".tried", "w"):
            pass
    return {}

def busy(desk, args, progress):
    while True:
        pass

def greedy(desk, args, progress):
    return {"bytes": len(bytearray(args["bytes"]))}

def starving(desk, args, progress):
    raise BadInput("LightGBM cannot fit these rows: std::bad_alloc", "look") from MemoryError()

def native(desk, args, progress):
    # Operator new of C++ for more than any machine has: std::bad_alloc, which nobody catches.
    import ctypes
    ctypes.CDLL("libstdc++.so.6")._Znwm(ctypes.c_size_t(1 << 50))

def segfault(desk, args, progress):
    os.kill(os.getpid(), signal.SIGSEGV)

def loud(desk, args, progress):
    for line in range(args["lines"]):
        print(f"line {line}", flush=line % 1000 == 0)
    return {}

def chatty(desk, args, progress):
    for step in range(5000):
        progress(step / 5000, "x" * 100)
    return {}
"""
NAMES = re.findall(r"^def (\w+)", JOBS, re.MULTILINE)
KINDS = {name: f"tocsin_test_jobs:{name}" for name in NAMES}


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "tocsin_test_jobs.py").write_text(JOBS)
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.fixture
def working(desk: Desk) -> Iterator[Runner]:
    owner = Owner(desk.home, "tester")
    made = Runner(desk, KINDS, owner)
    yield made
    made.stop()
    owner.close()


def ask(desk: Desk, kind: str, limits: dict[str, int] | None = None, **args: Any) -> int:
    with desk.write() as tx:
        request = f"{kind}/{len(rows.runs(desk.store))}"
        return plan.request_run(tx, desk.now_us(), kind, args, request, limits=limits)


def until(working: Runner, done: Callable[[], bool]) -> None:
    """Step until something is so; a runner that never gets there fails the test by pytest's own patience."""
    deadline = time.monotonic() + 60
    while not done():
        working.step()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def work(working: Runner, job: int) -> rows.Run:
    store = working.desk.store
    until(working, lambda: rows.run(store, job).state not in ("planned", "claimed"))
    return rows.run(store, job)


def work_once(working: Runner, job: int) -> rows.Run:
    """One attempt: until the run has left its process, however it ended."""
    until(working, lambda: bool(working.children))
    until(working, lambda: not working.children)
    return rows.run(working.desk.store, job)


def started(working: Runner) -> runner.Child:
    until(working, lambda: bool(working.children) and working.children[0].progress is not None)
    return working.children[0]


def kinds(desk: Desk) -> list[str]:
    return [event.kind for event in timeline(desk.store)]


def test_a_job_that_succeeds_leaves_its_result_its_cost_and_one_event(desk: Desk, working: Runner) -> None:
    job = ask(desk, "good", said="hello", model="flights")
    found = work(working, job)
    assert (found.state, found.result, found.progress, found.exit) == (
        "succeeded",
        {"said": "hello", "run": job},
        1.0,
        0,
    )
    assert found.cpu_ms
    assert found.max_rss_kb
    assert kinds(desk) == ["job.note", "job.succeeded"]
    event = timeline(desk.store)[-1]
    assert (event.model, event.data) == ("flights", {"job": job, "kind": "good"})


def test_a_job_runs_however_many_files_its_parent_has_open(desk: Desk, working: Runner) -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    try:
        assert work(working, ask(desk, "good")).state == "succeeded"
    finally:
        for handle in held:
            os.close(handle)


def test_an_error_with_a_hint_ends_the_job_at_once_with_both(desk: Desk, working: Runner) -> None:
    found = work(working, ask(desk, "refuse"))
    assert (found.state, found.attempt, found.exit) == ("failed", 1, 2)
    assert found.error == "the label is absent (name another)"
    assert found.result == {"hint": "name another"}
    assert kinds(desk) == ["job.failed"]


def test_the_ledger_never_holds_the_text_of_an_error(desk: Desk, working: Runner) -> None:
    job = ask(desk, "refuse")
    work(working, job)
    assert timeline(desk.store)[-1].data == {"job": job, "kind": "refuse"}


def test_an_unknown_kind_fails_and_says_which_there_are(desk: Desk, working: Runner) -> None:
    found = work(working, ask(desk, "dance"))
    assert found.state == "failed"
    assert "good" in (found.error or "")


@pytest.mark.parametrize("kind", ["crash", "vanish"])
def test_a_crash_gives_the_job_back_to_be_tried_later(desk: Desk, clock: SimClock, working: Runner, kind: str) -> None:
    job = ask(desk, kind)
    found = work_once(working, job)
    assert (found.state, found.attempt, found.owner) == ("planned", 1, None)
    assert working.step() == 0
    clock.advance(MINUTE)
    assert working.step() == 1


def test_a_crash_keeps_the_last_words_of_its_process(desk: Desk, working: Runner) -> None:
    assert work_once(working, ask(desk, "crash")).error == "RuntimeError: out of luck"


def test_a_job_that_always_crashes_ends_dead(desk: Desk, clock: SimClock, working: Runner) -> None:
    job = ask(desk, "vanish")
    for _ in range(3):
        work_once(working, job)
        clock.advance(10 * MINUTE)
    found = rows.run(desk.store, job)
    assert (found.state, found.attempt) == ("dead", 3)
    assert "crashed 3 times" in (found.error or "")
    assert kinds(desk) == ["job.dead"]


def test_a_running_job_is_cancelled_and_its_process_is_gone(desk: Desk, working: Runner) -> None:
    job = ask(desk, "wait")
    pid = started(working).process.pid
    assert stop(desk, job)
    assert work(working, job).state == "cancelled"
    assert start_of(pid) is None
    assert kinds(desk) == ["job.cancel_asked", "job.cancelled"]


def test_a_waiting_job_that_is_cancelled_has_its_event_at_once_and_only_once(desk: Desk, working: Runner) -> None:
    job = ask(desk, "good", model="m")
    assert stop(desk, job)
    assert not stop(desk, job)
    assert working.step() == 0
    assert kinds(desk) == ["job.cancel_asked", "job.cancelled"]
    assert timeline(desk.store)[-1].data == {"job": job, "kind": "good"}


def test_a_job_that_does_not_listen_is_killed_after_a_while(
    desk: Desk, working: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.1)
    job = ask(desk, "deaf")
    started(working)
    with desk.write() as tx:
        cancel(tx, desk.now_us(), job)
    found = work(working, job)
    assert (found.state, found.exit) == ("cancelled", -signal.SIGKILL)


def test_a_job_told_to_stop_by_the_system_is_given_back_not_failed(desk: Desk, working: Runner) -> None:
    assert work_once(working, ask(desk, "told_to_stop")).state == "planned"


def test_a_cancelled_job_that_crashes_meanwhile_is_not_tried_again(desk: Desk, working: Runner) -> None:
    job = ask(desk, "wait")
    child = started(working)
    with desk.write() as tx:
        cancel(tx, desk.now_us(), job)
        assert give_back(tx, desk.now_us(), child.run, "crashed") == "cancelled"
    assert rows.run(desk.store, job).state == "cancelled"


def test_a_stopped_daemon_gives_its_jobs_back_at_once_and_they_keep_their_attempts(desk: Desk, working: Runner) -> None:
    job = ask(desk, "wait")
    for _ in range(4):
        pid = started(working).process.pid
        working.stop()
        assert start_of(pid) is None
        found = rows.run(desk.store, job)
        assert (found.state, found.attempt) == ("planned", 0)


def test_a_child_whose_run_was_taken_over_is_killed(desk: Desk, working: Runner) -> None:
    job = ask(desk, "wait")
    child = started(working)
    with desk.write() as tx:
        give_back(tx, desk.now_us(), child.run, "its daemon seemed dead", counted=False)
        tx.execute("UPDATE run SET next_us = next_us + 1000000 WHERE id = ?", (job,))
    until(working, lambda: not working.children)
    assert child.process.returncode == -signal.SIGKILL
    assert rows.run(desk.store, job).state == "planned"
    assert kinds(desk) == []


def test_a_child_that_lost_its_run_cannot_write(desk: Desk, working: Runner, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    ask(desk, "late", gate=str(gate))
    child = started(working)
    with desk.write() as tx:
        give_back(tx, desk.now_us(), child.run, "its daemon seemed dead")
    gate.touch()
    tried = Path(f"{gate}.tried")
    deadline = time.monotonic() + 60
    while not tried.exists():
        assert time.monotonic() < deadline
    assert kinds(desk) == []


def test_a_fenced_desk_refuses_and_leaves_nothing(desk: Desk, working: Runner) -> None:
    job = ask(desk, "wait")
    run = started(working).run
    parts = (desk.home, desk.store, desk.blobs, desk.clock, desk.actor, desk.settings)
    with FencedDesk(*parts, run_id=job, fence=run.fence).write():
        pass
    stale = FencedDesk(*parts, run_id=job, fence=run.fence - 1)
    with pytest.raises(NotAllowed), stale.write() as tx:
        stale.record(tx, "job.note")
    assert kinds(desk) == []


def test_a_dead_daemons_job_is_taken_back_and_its_process_killed(desk: Desk, working: Runner) -> None:
    gone = Owner(desk.home, "gone")
    other = Runner(desk, KINDS, gone)
    job = ask(desk, "wait")
    child = started(other)
    assert working.recover() == 0
    gone.close()
    assert working.recover() == 1
    child.process.wait(timeout=60)
    assert child.process.returncode == -signal.SIGKILL
    assert rows.run(desk.store, job).state == "planned"
    os.close(child.report)


def test_a_daemon_with_the_process_number_of_a_dead_one_takes_back_its_jobs(desk: Desk, working: Runner) -> None:
    job = ask(desk, "wait")
    child = started(working)
    assert working.recover() == 0
    again = Runner(desk, KINDS, working.owner)
    assert again.recover() == 1
    child.process.wait(timeout=60)
    assert rows.run(desk.store, job).state == "planned"
    os.close(child.report)
    working.children.clear()


def test_a_living_owner_that_lets_its_lease_run_out_loses_its_job(desk: Desk, working: Runner) -> None:
    frozen = Owner(desk.home, "frozen")
    other = Runner(desk, KINDS, frozen)
    job = ask(desk, "wait")
    started(other)
    with desk.write() as tx:
        tx.execute("UPDATE run SET lease_us = 1 WHERE id = ?", (job,))
    assert owner_lives(desk.home, frozen.name)
    assert other.recover() == 0
    assert working.recover() == 1
    until(other, lambda: not other.children)
    assert rows.run(desk.store, job).attempt == 1
    frozen.close()


def test_a_simulated_clock_that_leaps_takes_no_job_from_a_living_owner(
    desk: Desk, clock: SimClock, working: Runner
) -> None:
    other = Owner(desk.home, "other")
    leaping = Runner(desk, KINDS, other)
    ask(desk, "wait")
    started(leaping)
    clock.advance(60 * MINUTE)
    assert working.recover() == 0
    leaping.stop()
    other.close()


def test_no_more_jobs_run_at_once_than_there_are_slots(desk: Desk, working: Runner) -> None:
    for _ in range(3):
        ask(desk, "wait")
    assert working.step() == working.step() == 1
    working.slots = 2
    assert working.step() == 2


def test_a_process_that_cannot_start_gives_the_job_back(
    desk: Desk, working: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.sys, "executable", "/nowhere/python")
    job = ask(desk, "good")
    working.step()
    found = rows.run(desk.store, job)
    assert found.state == "planned"
    assert "could not be started" in (found.error or "")


def test_a_talkative_job_is_not_held_up_by_its_pipe(desk: Desk, working: Runner) -> None:
    job = ask(desk, "chatty")
    working.step()
    # Nobody listens until it has ended by itself.
    os.waitid(os.P_PID, working.children[0].process.pid, os.WEXITED | os.WNOWAIT)
    assert work(working, job).state == "succeeded"


def test_running_here_runs_that_job_alone_and_shows_its_progress(desk: Desk) -> None:
    other, job = ask(desk, "good"), ask(desk, "good", said="mine")
    assert run_here(desk, KINDS, job, lambda share, text: None).result == {"said": "mine", "run": job}
    assert rows.run(desk.store, other).state == "planned"
    assert not list((desk.home.path / "locks").glob("here-*"))


def test_an_interrupt_cancels_the_job_that_runs_here(desk: Desk) -> None:
    job = ask(desk, "wait")

    def interrupt(share: float, text: str) -> None:
        if rows.run(desk.store, job).cancel:
            return
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_here(desk, KINDS, job, interrupt)
    assert rows.run(desk.store, job).state == "cancelled"


def test_a_home_without_a_daemon_has_none_alive(desk: Desk) -> None:
    assert not daemon_lives(desk)


def test_a_job_that_uses_up_its_cpu_time_fails_and_is_not_tried_again(desk: Desk, working: Runner) -> None:
    found = work(working, ask(desk, "busy", {"cpu_seconds": 1}))
    assert (found.state, found.attempt) == ("failed", 1)
    assert "more than 1s of CPU time" in (found.error or "")


def test_a_job_that_asks_for_too_much_memory_fails_and_says_so(desk: Desk, working: Runner) -> None:
    found = work(working, ask(desk, "greedy", {"memory_mb": 1024}, bytes=2 << 30))
    assert (found.state, found.attempt) == ("failed", 1)
    assert "more than 1024 MB of memory" in (found.error or "")
    assert work(working, ask(desk, "greedy", {"memory_mb": 1024}, bytes=1 << 20)).state == "succeeded"


@pytest.mark.parametrize("kind", ["native", "starving", "greedy"])
def test_want_of_memory_is_told_with_the_limit_and_fails_a_job_that_has_one_at_once(
    desk: Desk, working: Runner, kind: str
) -> None:
    found = work(working, ask(desk, kind, {"memory_mb": 1024}, bytes=2 << 30))
    assert (found.state, found.attempt) == ("failed", 1)
    assert (found.error or "").startswith("out of memory: it needs more than 1024 MB of memory, its limit")
    assert "--memory" in (found.error or "")


@pytest.mark.parametrize("kind", ["native", "starving"])
def test_want_of_memory_without_a_limit_is_tried_again_and_a_poison_job_ends_dead(
    desk: Desk, clock: SimClock, working: Runner, kind: str
) -> None:
    job = ask(desk, kind)
    assert (work_once(working, job).error or "").startswith("out of memory: the machine had no more")
    for _ in range(2):
        clock.advance(10 * MINUTE)
        work_once(working, job)
    found = rows.run(desk.store, job)
    assert (found.state, found.attempt) == ("dead", 3)
    assert "crashed 3 times, last: out of memory" in (found.error or "")


def test_a_job_that_the_kernel_killed_for_want_of_memory_says_so(
    desk: Desk, working: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "kernel_kills", lambda: 1)
    job = ask(desk, "wait")
    child = started(working)
    child.kills_before = 0
    child.process.kill()
    until(working, lambda: not working.children)
    assert (rows.run(desk.store, job).error or "").startswith("out of memory: the machine had no more")


def test_native_code_that_dies_under_a_limit_is_said_to_have_perhaps_met_it(desk: Desk, working: Runner) -> None:
    found = work_once(working, ask(desk, "segfault", {"memory_mb": 4096}))
    assert found.state == "planned"
    assert "SIGSEGV, perhaps out of memory: its limit is 4096 MB" in (found.error or "")


@pytest.mark.parametrize(("kind", "code"), [("wait", 130), ("deaf", -signal.SIGKILL)])
def test_a_job_that_takes_too_long_is_told_to_stop_and_then_killed(
    desk: Desk, working: Runner, monkeypatch: pytest.MonkeyPatch, kind: str, code: int
) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.2)
    found = work(working, ask(desk, kind, {"wall_seconds": 1}))
    assert (found.state, found.exit) == ("failed", code)
    assert "longer than 1s" in (found.error or "")


def test_a_log_grows_no_further_than_its_cap_and_keeps_the_last_lines(desk: Desk, tmp_path: Path) -> None:
    capture = Capture(tmp_path / "log", 10_000)
    lines = b"".join(b"line %d\n" % number for number in range(20_000))
    held = os.dup(capture.writing)
    capture.start()
    for start in range(0, len(lines), 3000):
        os.write(held, lines[start : start + 3000])
    os.close(held)
    capture.finish()
    kept = (tmp_path / "log").read_text().splitlines()
    assert (tmp_path / "log").stat().st_size <= 10_000 + 100
    assert kept[-1] == "line 19999"
    assert "left out" in kept[0]
    left = int(kept[0].split()[0].lstrip("["))
    assert left + len("\n".join(kept[1:])) + 1 == len(lines)


def test_a_log_is_searched_and_followed_to_its_end(desk: Desk, working: Runner) -> None:
    job = ask(desk, "loud", lines=3000)
    work(working, job)
    assert logs.last_lines(desk, job, 2, "LINE 12") == ["line 1298", "line 1299"]
    assert list(logs.follow(desk, job)) == []


def test_following_shows_what_is_written_from_now_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask(desk, "loud")
    path = logs.log_path(desk.home, job)
    written = iter(["one\ntw", "o\n\x1b[31mthree\n", ""])

    def write_more(seconds: float) -> None:
        with path.open("a") as log:
            log.write(next(written))
        with desk.write() as tx:
            if path.stat().st_size > 10:
                tx.execute("UPDATE run SET state = 'succeeded'")

    monkeypatch.setattr(logs.time, "sleep", write_more)
    assert list(logs.follow(desk, job, "t")) == ["two", "[31mthree"]


def test_what_every_attempt_used_is_counted_against_its_models_day(
    desk: Desk, clock: SimClock, working: Runner
) -> None:
    def spent() -> int:
        row = desk.store.one("SELECT cpu_ms FROM cpu_spent WHERE model = 'm'")
        return int(row["cpu_ms"]) if row else 0

    first = work(working, ask(desk, "good", model="m")).cpu_ms
    assert spent() == first
    work_once(working, ask(desk, "vanish", model="m"))
    after_crash = spent()
    assert after_crash > (first or 0)
    ask(desk, "wait", model="m")
    started(working)
    working.stop()
    assert spent() > after_crash
