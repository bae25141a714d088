"""Play the flights year: train, serve, replay traffic on an accelerated clock, deploy a bad version, see it found."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

from core.clock import DAY, HOUR, MINUTE, SECOND, SharedClock, iso
from core.demo import plan as story
from core.demo.flights import (
    LABEL,
    LABEL_COLUMN,
    LEAKS,
    TIME_COLUMN,
    ClockUnit,
    Flights,
    Traffic,
    flights,
    training_file,
)
from core.demo.pacing import Pace
from core.demo.plan import ACTOR, DATASET, ENDPOINT, MODEL, OPENING_US, TICK_US, Plan
from core.demo.processes import Process, peak_mb, start_daemon, start_endpoint
from core.demo.traffic import Client
from core.desk import Desk
from core.errors import CheckFailed, StoreUnusable
from core.home import Home
from core.ledger.chain import Event
from core.settings import require_writable

MARK = "demo.json"
SINCE = "SELECT * FROM event WHERE seq > ? ORDER BY seq"
OPEN = "SELECT 1 FROM incident WHERE state IN ('triage', 'active', 'mitigated', 'monitoring') LIMIT 1"
FAILED = "SELECT id, error FROM run WHERE state IN ('failed', 'dead') ORDER BY id LIMIT 1"
RESOLVED = """SELECT id FROM incident WHERE state IN ('resolved', 'postmortem', 'closed') AND postmortem IS NULL"""

Tell = Callable[[Event], None]


def clear(home: Home) -> None:
    """Make room for a new replay. Raises StoreUnusable for a folder that no replay made: it may be somebody's work, and
    NotAllowed for one that is set to read-only.
    """
    require_writable(home)
    if not home.path.exists() or not any(home.path.iterdir()):
        return
    if not (home.path / MARK).exists():
        raise StoreUnusable(
            f"{home.path} holds something that is no demonstration", "choose an empty folder with --home"
        )
    shutil.rmtree(home.path)


class Conductor:
    """Moves the clock and everything with it, one step at a time, so that the same seed tells the same story.

    The endpoint and the daemon are processes of their own; only one of them acts at any instant of simulated time.
    `tell` is given each ledger event in order, as soon as it is there.
    """

    def __init__(self, home: Home, plan: Plan, tell: Tell) -> None:
        self.plan = plan
        self.tell = tell
        self.home = home.prepare()
        (home.path / MARK).write_text("{}\n")
        mode = "on" if plan.automatic else "off"
        home.settings_path.write_text(story.SETTINGS.format(mode=mode))
        # The replay runs on a clock of its own, from request to request. The home's clock, by which everybody else
        # looks at it, follows after each turn of the daemon: what is seen is of one instant, and its ages are true.
        self._home_clock = SharedClock.create(home.clock_path, OPENING_US - 4 * HOUR)
        self.clock_path = home.path / "replay-clock"
        self.clock = SharedClock.create(self.clock_path, OPENING_US - 4 * HOUR)
        self.desk = Desk.open(home, actor=ACTOR, clock=self.clock).as_system()
        self.pace = Pace(self.desk, plan)
        self._flights: Flights = flights()
        self._told = 0
        self._stack = ExitStack()
        self._daemon: Process | None = None
        self._endpoint: Process | None = None
        self.peaks: dict[str, float] = {}
        self.sent = 0

    def __enter__(self) -> Conductor:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()
        self.desk.store.close()

    def open(self) -> None:
        """Everything before the first request: data, a trained and registered version, an endpoint that serves it."""
        self._add_data("hhmm", story.TRAINED_TO)
        self._daemon = start_daemon(self.home, self.clock_path)
        self._stack.callback(self._daemon.stop)
        self._train(self.desk.now_us() + MINUTE, holdout_from=story.HOLDOUT_FROM, encode={})
        self._serve()
        self._deploy(1, "first version")
        self._promise()

    def _add_data(self, unit: ClockUnit, to: str) -> None:
        from core.datasets.ingest import add

        inbox = self.home.path / "inbox"
        inbox.mkdir(exist_ok=True)
        path = training_file(inbox, to, unit, data=self._flights)
        add(self.desk, path, dataset=DATASET, time_column=TIME_COLUMN, label=LABEL_COLUMN, leaks=LEAKS)
        self._relate()

    def _train(self, due_us: int, *, holdout_from: str, encode: dict[str, int]) -> None:
        """Put the training on the daemon's schedule and wait until its job has ended."""
        from core.work.plan import add_schedule

        args = {
            "model": MODEL,
            "dataset": DATASET,
            "label": LABEL,
            "holdout_from": holdout_from,
            "encode": encode,
            "seed": self.plan.seed,
        }
        with self.desk.write() as tx:
            add_schedule(tx, self.desk.now_us(), f"train {MODEL}", "train", args, f"once {iso(due_us)}", "all")
        self.clock.set(due_us)
        while self._turn()["running"]:
            time.sleep(0.05)
        failed = self.desk.store.one(FAILED)
        if failed:
            raise CheckFailed(f"job {failed['id']} failed: {failed['error']}", "`tocsin job logs` shows its messages")

    def _serve(self) -> None:
        from core.endpoints.verbs import add

        endpoint, said = start_endpoint(self.home, self.home.path / "endpoint", self.clock_path)
        self._endpoint = endpoint
        self._stack.callback(endpoint.stop)
        add(self.desk, ENDPOINT, said["url"], said["token_ref"])
        self.client = self._stack.enter_context(closing(Client(said["url"], said["token_ref"])))

    def _deploy(self, version: int, reason: str) -> None:
        from core.endpoints.deploy import active, request

        request(self.desk, ENDPOINT, MODEL, version, reason=reason)
        self._turn()
        now = active(self.desk.store, ENDPOINT, MODEL)
        if now is None or now.version != version:
            raise CheckFailed(f"version {version} was not applied on the endpoint", "see the logs in the home")

    def _promise(self) -> None:
        from core.slo.verbs import draft, save

        for each in story.OBJECTIVES:
            drafted = draft(
                self.desk,
                each.name,
                MODEL,
                ENDPOINT,
                each.measure,
                each.target,
                "30d",
                critical=each.critical,
                threshold_ms=each.threshold_ms,
                at_least=each.at_least,
                trailing=each.trailing,
                min_labels=each.min_labels,
            )
            save(self.desk, drafted)
        self._relate()

    def play(self) -> None:
        """Replay until the plan's end; an incident still open then is followed until it is over or the data ends."""
        traffic = Traffic(iso(OPENING_US), data=self._flights)
        since = OPENING_US
        for until in self._steps():
            self._advance(traffic, since, until)
            since = until
            self._turn()
            self._write_postmortems()
            self.pace.wait(until)

    def _steps(self) -> Iterator[int]:
        """The instants at which the daemon has its turn: every hour, more often while somebody is watching."""
        now = OPENING_US
        self.clock.set(now)
        retrain, bad = self.plan.retrain_us, self.plan.bad_us
        far = self.plan.end_us if self.plan.automatic else self.plan.end_us + 45 * DAY
        while now < self.plan.end_us or (now < far and self.desk.store.one(OPEN)):
            now = now - now % MINUTE + min(TICK_US, self.pace.step_us())
            if self.plan.fault == "skew" and now >= retrain:
                yield retrain
                self._retrain()
                retrain = far * 2
            if self.plan.fault == "skew" and now >= bad:
                yield bad
                self._deploy(2, "weekly retrain")
                bad = far * 2
            yield now

    def _retrain(self) -> None:
        day = (self.clock.now_us() - OPENING_US) // DAY
        self._add_data("minutes", iso(OPENING_US + (day - 1) * DAY)[:10])
        encode = {"sched_dep_time": 1440, "sched_arr_time": 1440}
        due = self.clock.now_us() + MINUTE
        self._train(due, holdout_from=iso(OPENING_US + (day - 15) * DAY)[:10], encode=encode)

    def _advance(self, traffic: Traffic, since: int, until: int) -> None:
        """Send what is asked up to an instant, at its own time, then hand in the labels that landed meanwhile."""
        from core.monitor.labels import record

        for request in traffic.requests(since, until):
            self.clock.set(max(request.at_us, self.clock.now_us()))
            self.client.score(MODEL, request.id, request.inputs)
            self.sent += 1
        labels = [(label.id, label.value, label.at_us) for label in traffic.labels(since, until)]
        if labels:
            record(self.desk, MODEL, labels)
        self.clock.set(max(until, self.clock.now_us()))

    def _turn(self) -> dict[str, Any]:
        assert self._daemon is not None
        said = self._daemon.ask()
        self._home_clock.set(self.clock.now_us())
        self._relate()
        return said

    def _relate(self) -> None:
        for row in self.desk.store.read(SINCE, (self._told,)):
            event = Event.of(row)
            self._told = event.seq
            self.tell(event)

    def _write_postmortems(self) -> None:
        from core.incidents.postmortem import generate

        for row in self.desk.store.read(RESOLVED):
            generate(self.desk, row["id"])
            self._relate()

    def rest(self) -> None:
        """After the replay: time goes on at its natural speed, so that the console stays alive, until stopped."""
        while True:
            self._turn()
            time.sleep(1)
            self.clock.set(self.clock.now_us() + SECOND)

    def memory_mb(self) -> float:
        """The sum of the peaks of this process, the endpoint and the daemon, and of the largest job, in megabytes."""
        jobs = self.desk.store.read("SELECT max(max_rss_kb) AS kb FROM run")[0]["kb"] or 0
        alive = [process.peak_mb() for process in (self._endpoint, self._daemon) if process]
        return round(peak_mb("self") + sum(alive) + jobs / 1024, 1)
