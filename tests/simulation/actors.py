"""Who acts in the world: daemons with the real parts and runner, jobs without a process, and a person's commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any, cast

from core.daemon import Daemon
from core.desk import Desk
from core.endpoints import deploy, verbs
from core.endpoints.deliver import deliver
from core.endpoints.online import Feeder
from core.endpoints.telemetry import pull
from core.errors import CheckFailed, NotAllowed
from core.home import Home
from core.store import Store
from core.work.child import FencedDesk
from core.work.claim import Owner
from core.work.limits import Limits
from core.work.logs import Capture
from core.work.plan import plan_due, request_run
from core.work.planner import Planner, elapsed_us
from core.work.process import Child
from core.work.rows import Run
from core.work.runner import Runner
from core.work.stop import stop
from tests.simulation.disk import ENDPOINTS, MODEL, VERSIONS, desk_of
from tests.simulation.world import Process, World

EFFECT = "SELECT 1 FROM event WHERE kind = 'sim.effect' AND json_extract(data, '$.job') = ?"
UNENDED = "SELECT id FROM run WHERE state IN ('planned', 'claimed') ORDER BY id"
# The attempts of a run that a person asks for; a schedule's are the core's own.
ATTEMPTS = 5


class Job:
    """A job's process: takes effect once by its run's number, then reports; it may die before, between and after."""

    def __init__(self, world: World, home: Home, run: Run, number: int) -> None:
        self.world = world
        self.home = home
        self.run = run
        self.pid = 5_000_000 + number
        self.started = f"started-{number}"
        self.process = Process(f"job{number}")
        self.said: dict[str, Any] = {}
        self.code: int | None = None
        self.closed = False

    def kill(self, number: int) -> None:
        """What a signal does to it."""
        if self.code is None:
            self.code = -number
            self.process.die()

    def wait(self) -> tuple[int, int]:
        """It is killed before it is waited for; the runner then closes its descriptor. Returns what it used."""
        self.closed = True
        return 1, 1

    def act(self) -> None:
        """Do the work, or part of it."""
        if self.code is not None or self.process in self.world.on_stack or self.world.chance.random() < 0.3:
            return
        with self.world.running(self.process):
            self._work()
        if not self.process.alive and self.code is None:
            self.code = -9

    def _work(self) -> None:
        plain = desk_of(self.home, self.world, self.process)
        parts = (plain.home, plain.store, plain.blobs, plain.clock, "job", plain.settings)
        desk = FencedDesk(*parts, run_id=self.run.id, fence=self.run.fence)
        try:
            with desk.write() as tx:
                if tx.one(EFFECT, (self.run.id,)) is None:
                    desk.record(tx, "sim.effect", data={"job": self.run.id})
        except NotAllowed as error:
            self.said, self.code = {"error": error.message}, 5
        else:
            self.world.step(self.process, "reports")
            self.said, self.code = {"result": {}}, 0
        self.process.die()


class Silent:
    """The log of a job that prints nothing."""

    def finish(self) -> None:
        """There is nothing to keep."""


class SimRunner(Runner):
    """The runner, with jobs of the world where it would start processes."""

    def __init__(self, desk: Desk, owner: Owner, world: World, jobs: list[Job]) -> None:
        super().__init__(desk, {"sim": "nowhere:nothing"}, owner, slots=2)
        self._world = world
        self._jobs = jobs

    def _spawn(self, run: Run) -> Child:
        if self._world.chance.random() < self._world.weather.fault / 10:
            raise OSError("sim: no more processes")
        job = Job(self._world, self.desk.home, run, len(self._jobs) + 1)
        self._jobs.append(job)
        report = os.open(os.devnull, os.O_RDONLY)
        process = cast("subprocess.Popen[bytes]", job)
        child = Child(run, process, report, job.started, Limits(), cast(Capture, Silent()), 0.0)
        self._world.on_stack[-1].at_death.append(lambda: self._orphaned(child, job))
        self._beat(child)
        return child

    def _follow(self, child: Child) -> None:
        job = cast(Job, child.process)
        if job.code is None:
            self._keep(child)
            return
        child.said.update(job.said)
        job.closed = True
        os.close(child.report)
        self.children.remove(child)
        self._settle(child, job.code, 1, 1)

    def _orphaned(self, child: Child, job: Job) -> None:
        """The kernel kills a daemon's jobs with it; here it is sometimes late."""
        if not job.closed:
            os.close(child.report)
        if self._world.chance.random() < 0.7:
            job.kill(9)


class SimPlanner(Planner):
    """The planner of a world whose clock is set by hours; what a jump of days does has tests of its own."""

    def turn(self) -> int:
        self._last_us, self._elapsed = self.desk.now_us(), elapsed_us()
        return super().turn()


class SimDaemon(Daemon):
    """A daemon's own parts `work` and `sync`, without the lock that would keep a second one from starting."""

    def __init__(self, desk: Desk, name: str, world: World, jobs: list[Job]) -> None:
        self.desk = desk
        self._owner = Owner(desk.home, name)
        world.on_stack[-1].at_death.append(lambda: os.close(self._owner._handle))
        self.runner = SimRunner(desk, self._owner, world, jobs)
        self._planner = SimPlanner(desk)
        self._feeder = Feeder(desk)
        self._errors = {}
        self._opened = []
        self.runner.recover()

    @property
    def parts(self) -> dict[str, Callable[[], None]]:
        return {"work": self.work, "sync": self.sync}


class Seat:
    """A place for a daemon: whoever sits in it dies and is started anew under the same process number."""

    def __init__(self, name: str, world: World, home: Home, jobs: list[Job]) -> None:
        self.name = name
        self.process = Process(name, alive=False)
        self._world = world
        self._home = home
        self._jobs = jobs
        self._daemon: SimDaemon | None = None

    def act(self) -> None:
        """One part of a turn; starting, where nobody sits here; now and then a stop in good order."""
        if self.process in self._world.on_stack:
            return
        if not self.process.alive:
            self._start()
            return
        with self._world.running(self.process):
            assert self._daemon is not None
            if self._world.chance.random() < self._world.weather.death:
                self._stop(self._daemon)
            else:
                self._daemon.attempt(self._world.chance.choice(("work", "work", "sync")))
                self._daemon.beat()

    def _start(self) -> None:
        self.process = Process(self.name, short=False)
        self._daemon = None
        with self._world.running(self.process):
            self._daemon = SimDaemon(desk_of(self._home, self._world, self.process), self.name, self._world, self._jobs)

    def _stop(self, daemon: SimDaemon) -> None:
        daemon.runner.stop()
        self.process.alive = False


class Person:
    """Somebody at a command line: each command is a process of its own. `told` is what commands said they had done."""

    def __init__(self, world: World, home: Home) -> None:
        self.told: list[tuple[str, int]] = []
        self.heads: dict[int, str] = {}
        self._world = world
        self._home = home
        self._asked = 0

    def act(self) -> None:
        """One command, chosen by chance; what the core says no to is a no."""
        process = Process("command")
        with self._world.running(process):
            desk = desk_of(self._home, self._world, process)
            try:
                self._command(desk)
            except CheckFailed:
                self._world.note("command refused")
            self._remember(desk)
            process.alive = False

    def _command(self, desk: Desk) -> None:
        pick = self._world.chance.choice
        endpoint = pick(ENDPOINTS)
        chosen = pick(("run", "run", "deploy", "deploy", "rollback", "cancel", "deliver", "pull", "pause", "resume"))
        self._world.note(f"command {chosen}")
        if chosen == "run":
            self._run(desk)
        elif chosen == "deploy":
            self.told.append(("deployment", deploy.request(desk, endpoint, MODEL, pick(VERSIONS)).id))
        elif chosen == "rollback":
            self.told.append(("deployment", deploy.rollback(desk, endpoint, MODEL, reason="sim").id))
        elif chosen == "cancel":
            self._cancel(desk)
        elif chosen == "deliver":
            deliver(desk, endpoint=endpoint, early=True)
        elif chosen == "pull":
            pull(desk, endpoint)
        elif chosen == "pause":
            verbs.pause(desk, endpoint)
        else:
            verbs.resume(desk, endpoint)

    def _run(self, desk: Desk) -> None:
        self._asked += 1
        with desk.write() as tx:
            number = request_run(tx, desk.now_us(), "sim", {}, f"asked-{self._asked}", attempts=ATTEMPTS)
        self.told.append(("run", number))

    def _cancel(self, desk: Desk) -> None:
        found = desk.store.read(UNENDED)
        if found and self._world.chance.random() < 0.3:
            stop(desk, self._world.chance.choice(found)["id"])

    def _remember(self, desk: Desk) -> None:
        """The head of the ledger, which no later crash may take away."""
        row = desk.store.one("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
        if row:
            self.heads[int(row["seq"])] = str(row["hash"])


def plan_last(store: Store, now_us: int) -> None:
    """Plan what is due by the end of a run, then no more."""
    with store.write() as tx:
        plan_due(tx, now_us)
        tx.execute("UPDATE schedule SET paused = 1")
