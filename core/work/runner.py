"""Run claimed jobs in processes of their own: start, follow, keep, end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from core import crashpoint
from core.desk import Desk
from core.store import Tx
from core.work.claim import Ended, Owner, asked, beat, claim, finish, give_back, recover, start_of
from core.work.rows import Run

# Job kinds and what runs them: `module:function(desk, args, progress) -> result`.
Kinds = dict[str, str]
# Spans of real time in seconds, whatever clock the desk is on: they are about processes.
BEAT_EVERY = 5.0
RECOVER_EVERY = 30.0
GRACE = 10.0
# Progress that has moved less than this waits for the next beat.
MOVED = 0.02


@dataclass
class Child:
    """A running job: its process, the descriptor it reports on, and what it has said so far."""

    run: Run
    process: subprocess.Popen[bytes]
    report: int
    started: str
    pending: bytes = b""
    progress: float | None = None
    text: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    beaten: float = 0.0
    beaten_progress: float = 0.0
    cancelled: float | None = None


class Runner:
    """Up to `slots` jobs at once, claimed under one owner name; `step` never waits.

    With `only` it runs that one run and leaves all others to the daemon.
    """

    def __init__(
        self,
        desk: Desk,
        kinds: Kinds,
        owner: Owner,
        *,
        slots: int = 1,
        limits: dict[str, int] | None = None,
        only: int | None = None,
    ) -> None:
        self.desk = desk
        self.kinds = kinds
        self.owner = owner
        self.slots = slots
        self.limits = limits or {}
        self.only = only
        self.children: list[Child] = []
        self._recovered = time.monotonic()

    def step(self) -> int:
        """End what has ended, keep what runs, start what is due; returns how many run."""
        for child in list(self.children):
            self._follow(child)
        if time.monotonic() - self._recovered >= RECOVER_EVERY:
            self.recover()
        while len(self.children) < self.slots and self._start_next():
            pass
        return len(self.children)

    def recover(self) -> int:
        """Take back the runs of dead processes and sweep up what they left half written; returns how many runs."""
        self._recovered = time.monotonic()
        self.desk.blobs.sweep()
        with self.desk.write() as tx:
            back = recover(tx, self.desk.store, self.desk.now_us(), besides=self.owner.name)
            for run, state in back:
                self._record(tx, run, state)
                crashpoint.at("work.recovered")
        return len(back)

    def stop(self) -> None:
        """Kill what runs and give it back without counting the attempt, so that the next daemon starts it again."""
        for child in self.children:
            _kill(child.process, signal.SIGKILL)
            child.process.wait()
            os.close(child.report)
            with self.desk.write() as tx:
                state = give_back(tx, self.desk.now_us(), child.run, "the daemon was stopped", counted=False)
                self._record(tx, child.run, state)
        self.children.clear()

    def _start_next(self) -> bool:
        with self.desk.write() as tx:
            run = claim(tx, self.desk.now_us(), self.owner.name, only=self.only)
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
        reading, writing = os.pipe()
        spec = {
            "home": str(self.desk.home.path),
            "actor": self.desk.actor,
            "run": run.id,
            "fence": run.fence,
            "parent": os.getpid(),
            "report": writing,
            "limits": self.limits,
            "args": {**run.args, "run_id": run.id},
        }
        try:
            with open(self._log(run), "ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "core.work.child", self.kinds[run.kind], json.dumps(spec)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(writing,),
                    start_new_session=True,
                )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        crashpoint.at("work.spawned")
        child = Child(run, process, reading, start_of(process.pid) or "")
        self._beat(child)
        return child

    def _follow(self, child: Child) -> None:
        _listen(child)
        pid, status, usage = os.wait4(child.process.pid, os.WNOHANG)
        if pid == 0:
            self._keep(child)
            return
        child.process.returncode = os.waitstatus_to_exitcode(status)
        _listen(child)
        os.close(child.report)
        self.children.remove(child)
        crashpoint.at("work.ended")
        cpu_ms = int(1000 * (usage.ru_utime + usage.ru_stime))
        rss_kb = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
        self._settle(child, child.process.returncode, cpu_ms, rss_kb)

    def _keep(self, child: Child) -> None:
        cancel = asked(self.desk.store, child.run)
        if cancel is None:
            _kill(child.process, signal.SIGKILL)
        elif cancel:
            _end_gently(child)
        moved = (child.progress or 0.0) - child.beaten_progress >= MOVED
        if moved or time.monotonic() - child.beaten >= BEAT_EVERY:
            self._beat(child)

    def _beat(self, child: Child) -> None:
        child.beaten, child.beaten_progress = time.monotonic(), child.progress or 0.0
        with self.desk.write() as tx:
            beat(
                tx,
                self.desk.now_us(),
                child.run,
                progress=child.progress,
                pid=child.process.pid,
                pid_start=child.started,
            )
        crashpoint.at("work.beaten")

    def _settle(self, child: Child, code: int, cpu_ms: int, rss_kb: int) -> None:
        cost: dict[str, Any] = {"exit": code, "cpu_ms": cpu_ms, "max_rss_kb": rss_kb, "log": self._log(child.run)}
        if code == 0 and "result" in child.said:
            self._end(child.run, Ended("succeeded", result=child.said["result"], **cost))
        elif child.cancelled is not None:
            self._end(child.run, Ended("cancelled", error="cancelled", **cost))
        elif child.said.get("again"):
            self._crashed(child.run, child.said["error"])
        elif "error" in child.said:
            hint = child.said.get("hint")
            error = child.said["error"] + (f" ({hint})" if hint else "")
            self._end(child.run, Ended("failed", error=error, result={"hint": hint} if hint else None, **cost))
        else:
            self._crashed(child.run, _last_words(self._log(child.run)) or f"it ended with {code} and no report")

    def _crashed(self, run: Run, reason: str) -> None:
        with self.desk.write() as tx:
            self._record(tx, run, give_back(tx, self.desk.now_us(), run, reason))

    def _end(self, run: Run, ended: Ended) -> None:
        with self.desk.write() as tx:
            if finish(tx, self.desk.now_us(), run, ended):
                crashpoint.at("work.finishing")
                self._record(tx, run, ended.state)

    def _record(self, tx: Tx, run: Run, state: str) -> None:
        """Write that a run has ended. Its error stays in its row: it may name paths, which no replay repeats."""
        if state in ("succeeded", "failed", "cancelled", "dead"):
            self.desk.record(tx, f"job.{state}", model=run.args.get("model"), data={"job": run.id, "kind": run.kind})

    def _log(self, run: Run) -> str:
        return str(self.desk.home.logs_path / f"job-{run.id}.log")


def _listen(child: Child) -> None:
    while True:
        try:
            chunk = os.read(child.report, 65_536)
        except BlockingIOError:
            break
        if not chunk:
            break
        child.pending += chunk
    *lines, child.pending = child.pending.split(b"\n")
    for line in lines:
        said = json.loads(line)
        child.progress = said.get("progress", child.progress)
        child.text = said.get("text", child.text)
        child.said.update(said)


def _last_words(path: str) -> str:
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.path.getsize(path) - 4096))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip()[:300] if lines else ""


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
