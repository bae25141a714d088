"""The daemon: schedules become work, endpoints are synced, objectives are watched, incidents are opened and settled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from core import upkeep
from core.beacon.dead_man import DeadMan
from core.clock import DAY, HOUR, MINUTE
from core.counts import series
from core.datasets.watching import Watcher
from core.desk import Desk
from core.endpoints.online import Feeder
from core.endpoints.witness import Witnesses
from core.errors import StoreUnusable, TocsinError
from core.ledger.anchors import anchor_hourly
from core.search import take_in_logs
from core.work.claim import Owner, waits
from core.work.kinds import KINDS
from core.work.planner import Planner
from core.work.runner import Runner
from core.work.single import DaemonLock

BEAT = """INSERT INTO heartbeat(name, at_us, pid, detail) VALUES ('daemon', ?, ?, ?)
ON CONFLICT(name) DO UPDATE SET at_us = excluded.at_us, pid = excluded.pid, detail = excluded.detail"""
FORGET_PREDICTIONS = """DELETE FROM prediction WHERE (model, request_id) IN
(SELECT model, request_id FROM prediction WHERE at_us < ? LIMIT 10000)"""
FORGET_LABELS = """DELETE FROM label WHERE (model, request_id) IN
(SELECT model, request_id FROM label WHERE at_us < ? LIMIT 10000)"""
FORGET_SAMPLES = "DELETE FROM sample WHERE id IN (SELECT id FROM sample WHERE at_us < ? LIMIT 10000)"
KEEP_EVERY_US = 6 * HOUR
# How often a daemon that was told to stop looks whether its jobs have ended, in seconds of real time.
DRAIN_STEP = 0.2


@dataclass
class Tick:
    """What one turn did: jobs that run or wait, incidents it opened, and the errors it met and went on from."""

    running: int = 0
    opened: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Daemon:
    """Everything that happens without a person. `tick` does all of it once; `parts` lets a scheduler pace each part.

    An error a person can act on never ends the daemon: it is kept in the heartbeat, where the console shows it.
    """

    def __init__(self, desk: Desk, *, slots: int = 1, lock: DaemonLock | None = None) -> None:
        self.desk = desk = desk.as_system()
        self._lock = lock or DaemonLock(desk.home)
        self._owner = Owner(desk.home, "daemon")
        self.runner = Runner(desk, KINDS, self._owner, slots=slots)
        self._planner = Planner(desk, last_us=heartbeat_us(desk))
        self._folders = Watcher(desk)
        self._dead_man = DeadMan(desk)
        self._witnesses = Witnesses(desk)
        self._feeder = Feeder(desk)
        self._errors: dict[str, str] = {}
        self._opened: list[int] = []
        self._kept_us = 0
        self.runner.recover()

    @property
    def parts(self) -> dict[str, Callable[[], None]]:
        """What a daemon does, by name, in the order of a tick."""
        return {
            "work": self.work,
            "folders": self._folders.turn,
            "sync": self.sync,
            "tracking": self.track,
            "watch": self.watch,
            "review": self.review,
            "keep": self.keep,
            "dead man": self._dead_man.turn,
        }

    def tick(self) -> Tick:
        """Do every part once and beat."""
        self._opened = []
        for name in self.parts:
            self.attempt(name)
        self.beat()
        return Tick(len(self.runner.children), list(self._opened), sorted(self._errors.values()))

    def attempt(self, name: str) -> None:
        """Do one part; keep what went wrong until it next goes well. Raises StoreUnusable, which ends a daemon."""
        try:
            self.parts[name]()
        except StoreUnusable:
            raise
        except TocsinError as error:
            self._errors[name] = f"{name}: {error.message}"
        else:
            self._errors.pop(name, None)

    def beat(self) -> None:
        """Say that the daemon lives, and what it cannot do at the moment."""
        with self.desk.write() as tx:
            tx.execute(BEAT, (self.desk.now_us(), os.getpid(), "; ".join(sorted(self._errors.values()))))

    def work(self) -> None:
        """Queue what is due and keep the jobs running. Raises CheckFailed while planning waits for a person."""
        try:
            self._planner.turn()
        finally:
            if self.runner.children or waits(self.desk.store, self.desk.now_us(), self.desk.settings.quota):
                self.runner.step()

    def sync(self) -> None:
        """Send what waits for the endpoints, and take in what they counted."""
        from core.endpoints.deliver import deliver
        from core.endpoints.telemetry import pull

        # A model finds its aggregates there before it answers.
        self._feeder.turn()
        deliver(self.desk, owner=self._owner.name)
        pull(self.desk)

    def track(self) -> None:
        """Tell the trackers of what was registered."""
        from core.tracking.deliver import deliver, queue

        queue(self.desk)
        deliver(self.desk, owner=self._owner.name)

    def watch(self) -> None:
        """Join labels, evaluate objectives, fold alerts into incidents, and roll back where the settings say so."""
        from core.alerts.fold import apply
        from core.incidents.attach import attach, settle
        from core.incidents.investigate import investigate
        from core.monitor.labels import join
        from core.runbooks.automatic import consider
        from core.slo.verbs import evaluate

        join(self.desk)
        findings = evaluate(self.desk)
        with self.desk.write() as tx:
            opened = attach(self.desk, tx, apply(self.desk, tx, findings))
        for incident in opened:
            investigate(self.desk, incident)
        self._opened += opened
        settle(self.desk)
        consider(self.desk)

    def review(self) -> None:
        """Say what each finished day's drift did to quality."""
        from core.monitor.verdict import daily

        daily(self.desk)

    def keep(self) -> None:
        """Forget what retention no longer asks for, a bounded bite at a time; coarser counts keep every sum."""
        now = self.desk.now_us()
        anchor_hourly(self.desk.home, self.desk.store, now)
        self._witnesses.turn()
        upkeep.checkpoint(self.desk)
        take_in_logs(self.desk)
        if now - self._kept_us >= KEEP_EVERY_US:
            self._kept_us = now
            self._forget(now)
        upkeep.give_back(self.desk)
        self.desk.store.ballast.keep()

    def _forget(self, now: int) -> None:
        kept = self.desk.settings.retention
        with self.desk.write() as tx:
            series.forget(tx, MINUTE, now - kept.minute_days * DAY)
            series.forget(tx, HOUR, now - kept.hour_days * DAY)
            tx.execute(FORGET_PREDICTIONS, (now - kept.prediction_days * DAY,))
            tx.execute(FORGET_LABELS, (now - kept.prediction_days * DAY,))
            tx.execute(FORGET_SAMPLES, (now - kept.sample_days * DAY,))
        upkeep.fit(self.desk)

    def drain(self, grace: float, hurried: Event) -> None:
        """Start nothing more and let what runs end, for at most `grace` seconds of real time or until `hurried`."""
        self.runner.draining = True
        until = time.monotonic() + grace
        while self.runner.children and time.monotonic() < until and not hurried.wait(DRAIN_STEP):
            self.runner.step()
            self.beat()

    def close(self) -> None:
        """Give running jobs back to the queue and let another daemon start."""
        self._folders.close()
        self.runner.stop()
        self._owner.close()
        self._lock.close()


def heartbeat_us(desk: Desk) -> int | None:
    """When a daemon last beat on this home; None where none ever did."""
    row = desk.store.one("SELECT at_us FROM heartbeat WHERE name = 'daemon'")
    return int(row["at_us"]) if row else None
