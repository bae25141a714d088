"""Run claimed jobs in processes of their own: start, follow, keep, end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from core import crashpoint
from core.desk import Desk
from core.pid import start_of
from core.store import Tx
from core.work.claim import Ended, Owner, asked, beat, claim, finish, give_back, recover
from core.work.limits import HINT, Limits
from core.work.logs import Capture, log_path
from core.work.pipeline import inherited
from core.work.plan import follow
from core.work.process import Child, last_words, listen, ran_out_of_memory, reap
from core.work.quota import spend
from core.work.rows import Run
from core.work.stop import record_stopped

# Job kinds and what runs them: `module:function(desk, args, progress) -> result`.
Kinds = dict[str, str]
# Spans of real time in seconds, whatever clock the desk is on: they are about processes.
BEAT_EVERY = 5.0
RECOVER_EVERY = 30.0
GRACE = 10.0
# Progress that has moved less than this waits for the next beat.
MOVED = 0.02


class Runner:
    """Up to `slots` jobs at once, claimed under one owner name; `step` never waits.

    With `only` it runs that one run and leaves all others to the daemon; while `draining` it starts none.
    """

    def __init__(
        self,
        desk: Desk,
        kinds: Kinds,
        owner: Owner,
        *,
        slots: int = 1,
        only: int | None = None,
    ) -> None:
        self.desk = desk
        self.kinds = kinds
        self.owner = owner
        self.slots = slots
        self.only = only
        self.draining = False
        self.children: list[Child] = []
        self._recovered = time.monotonic()

    def step(self) -> int:
        """End what has ended, keep what runs, start what is due; returns how many run."""
        for child in list(self.children):
            self._follow(child)
        if time.monotonic() - self._recovered >= RECOVER_EVERY:
            self.recover()
        while not self.draining and len(self.children) < self.slots and self._start_next():
            pass
        return len(self.children)

    def recover(self) -> int:
        """Take back the runs of dead processes and sweep up what they left half written; returns how many runs."""
        self._recovered = time.monotonic()
        self.desk.blobs.sweep()
        with self.desk.write() as tx:
            ours = [child.run.id for child in self.children]
            back = recover(tx, self.desk.store, self.desk.now_us(), besides=self.owner.name, holding=ours)
            for run, state in back:
                self._record(tx, run, state)
                crashpoint.at("work.recovered")
        return len(back)

    def stop(self) -> None:
        """Kill what runs and give it back without counting the attempt, so that the next daemon starts it again."""
        for child in self.children:
            _kill(child.process, signal.SIGKILL)
            cpu_ms, _ = reap(child, wait=True) or (0, 0)
            os.close(child.report)
            child.log.finish()
            with self.desk.write() as tx:
                self._spend(tx, child.run, cpu_ms)
                state = give_back(tx, self.desk.now_us(), child.run, "the daemon was stopped", counted=False)
                self._record(tx, child.run, state)
        self.children.clear()

    def _start_next(self) -> bool:
        with self.desk.write() as tx:
            run = claim(tx, self.desk.now_us(), self.owner.name, only=self.only, quota=self.desk.settings.quota)
        if run is None:
            return False
        crashpoint.at("work.claimed")
        if run.kind not in self.kinds:
            self._end(
                run, Ended("failed", error=f"no job kind {run.kind!r}; there are {', '.join(sorted(self.kinds))}")
            )
            return True
        try:
            self.children.append(self._spawn(run))
        except OSError as error:
            self._crashed(run, f"its process could not be started: {error}")
        return True

    def _spawn(self, run: Run) -> Child:
        limits = Limits.over(run.limits, self.desk.settings.jobs)
        reading, writing = os.pipe()
        log = Capture(log_path(self.desk.home, run.id), self.desk.settings.jobs.log_mb << 20)
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "core.work.child", self.kinds[run.kind], self._spec(run, limits, writing)],
                stdin=subprocess.DEVNULL,
                stdout=log.writing,
                stderr=log.writing,
                pass_fds=(writing,),
                start_new_session=True,
            )
        except OSError:
            os.close(reading)
            log.abandon()
            raise
        finally:
            os.close(writing)
        log.start()
        os.set_blocking(reading, False)
        crashpoint.at("work.spawned")
        child = Child(run, process, reading, start_of(process.pid) or "", limits, log, time.monotonic())
        self._beat(child)
        return child

    def _spec(self, run: Run, limits: Limits, report: int) -> str:
        return json.dumps(
            {
                "home": str(self.desk.home.path),
                "actor": self.desk.actor,
                "run": run.id,
                "fence": run.fence,
                "parent": os.getpid(),
                "report": report,
                "limits": limits.to_json(),
                "args": {**inherited(self.desk.store, run), **run.args, "run_id": run.id},
            }
        )

    def _follow(self, child: Child) -> None:
        listen(child)
        used = reap(child)
        if used is None:
            self._keep(child)
            return
        listen(child)
        os.close(child.report)
        child.log.finish()
        self.children.remove(child)
        crashpoint.at("work.ended")
        self._settle(child, child.process.returncode, *used)

    def _keep(self, child: Child) -> None:
        cancel = asked(self.desk.store, child.run)
        if cancel is None:
            _kill(child.process, signal.SIGKILL)
        elif cancel or child.overdue:
            child.too_long = child.too_long or not cancel
            _end_gently(child)
        moved = (child.progress or 0.0) - child.beaten_progress >= MOVED
        if moved or time.monotonic() - child.beaten >= BEAT_EVERY:
            self._beat(child)

    def _beat(self, child: Child) -> None:
        child.beaten, child.beaten_progress = time.monotonic(), child.progress or 0.0
        with self.desk.write() as tx:
            kept: dict[str, Any] = {"progress": child.progress, "pid": child.process.pid, "pid_start": child.started}
            beat(tx, self.desk.now_us(), child.run, **kept)
        crashpoint.at("work.beaten")

    def _settle(self, child: Child, code: int, cpu_ms: int, rss_kb: int) -> None:
        log = str(log_path(self.desk.home, child.run.id))
        cost: dict[str, Any] = {"exit": code, "cpu_ms": cpu_ms, "max_rss_kb": rss_kb, "log": log}
        if code == 0 and "result" in child.said:
            self._end(child.run, Ended("succeeded", result=child.said["result"], **cost))
        elif child.too_long:
            self._end(child.run, Ended("failed", error=f"{child.limits.told_wall()} ({HINT})", **cost))
        elif code == -signal.SIGXCPU or (code == -signal.SIGKILL and child.limits.spent(cpu_ms)):
            self._end(child.run, Ended("failed", error=f"{child.limits.told_cpu()} ({HINT})", **cost))
        elif child.cancelled is not None:
            self._end(child.run, Ended("cancelled", error="cancelled", **cost))
        elif child.said.get("again"):
            self._crashed(child.run, child.error, cpu_ms)
        elif "error" in child.said:
            hint = child.said.get("hint")
            self._end(child.run, Ended("failed", error=child.error, result={"hint": hint} if hint else None, **cost))
        elif ran_out_of_memory(child, code, rss_kb, log):
            self._starved(child, cost)
        else:
            self._crashed(child.run, last_words(child, code, log), cpu_ms)

    def _starved(self, child: Child, cost: dict[str, Any]) -> None:
        """Its own limit would end it again in the same way; a machine that was full may have room the next time."""
        why = f"{child.limits.told_memory()} ({child.limits.hint_memory()})"
        if child.limits.memory_mb is not None:
            self._end(child.run, Ended("failed", error=why, **cost))
        else:
            self._crashed(child.run, why, cost["cpu_ms"])

    def _crashed(self, run: Run, reason: str, cpu_ms: int = 0) -> None:
        with self.desk.write() as tx:
            self._spend(tx, run, cpu_ms)
            self._record(tx, run, give_back(tx, self.desk.now_us(), run, reason))

    def _end(self, run: Run, ended: Ended) -> None:
        with self.desk.write() as tx:
            self._spend(tx, run, ended.cpu_ms or 0)
            if finish(tx, self.desk.now_us(), run, ended):
                crashpoint.at("work.finishing")
                self._record(tx, run, ended.state)
                if ended.state == "succeeded":
                    record_stopped(self.desk, tx, follow(tx, self.desk.now_us(), run), "overlap")

    def _spend(self, tx: Tx, run: Run, cpu_ms: int) -> None:
        spend(tx, self.desk.now_us(), run, cpu_ms, self.desk.settings.quota)

    def _record(self, tx: Tx, run: Run, state: str) -> None:
        """Write that a run has ended. Its error stays in its row: it may name paths, which no replay repeats."""
        if state in ("succeeded", "failed", "cancelled", "dead"):
            self.desk.record(tx, f"job.{state}", model=run.args.get("model"), data={"job": run.id, "kind": run.kind})


def _end_gently(child: Child) -> None:
    """Tell a cancelled job to stop; kill it where it has not after a while, as native code may not listen."""
    now = time.monotonic()
    if child.cancelled is None:
        child.cancelled = now
        _kill(child.process, signal.SIGTERM)
    elif now - child.cancelled >= GRACE:
        _kill(child.process, signal.SIGKILL)


def _kill(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
