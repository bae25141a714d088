"""Run claimed jobs in processes of their own: start, follow, keep, end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from core.desk import Desk
from core.work.claim import Ended, Owner, beat, claim, finish, give_back, recover, start_of
from core.work.rows import Run

# Job kinds and what runs them: `module:function(desk, args, progress) -> result`.
Kinds = dict[str, str]
LOG_CAP = 1 << 20


@dataclass
class Child:
    """A running job: its process, the descriptor it reports on, and what it has said so far."""

    run: Run
    process: subprocess.Popen[bytes]
    report: int
    started: str
    pending: bytes = b""
    progress: float | None = None
    said: dict[str, Any] = field(default_factory=dict)
    cancelled: bool = False


class Runner:
    """Up to `slots` jobs at once, claimed under one owner name; `step` never waits."""

    def __init__(self, desk: Desk, kinds: Kinds, owner: Owner, *, slots: int = 1, limits: dict[str, int] | None = None):
        self.desk = desk
        self.kinds = kinds
        self.owner = owner
        self.slots = slots
        self.limits = limits or {}
        self.children: list[Child] = []

    def step(self) -> int:
        """End what has ended, keep what runs, start what is due; returns how many run or wait for this moment."""
        for child in list(self.children):
            self._follow(child)
        while len(self.children) < self.slots and self._start_next():
            pass
        return len(self.children)

    def recover(self) -> int:
        """Take back the runs of dead daemons; returns how many."""
        with self.desk.write() as tx:
            back = recover(tx, self.desk.store, self.desk.now_us())
            for run, state in back:
                if state == "dead":
                    self._record(tx, run, Ended("dead", error="its daemon died"))
        return len(back)

    def stop(self) -> None:
        """Kill what runs and give it back, so that the next daemon starts it again."""
        for child in self.children:
            _kill(child.process, signal.SIGKILL)
            child.process.wait()
            os.close(child.report)
            with self.desk.write() as tx:
                give_back(tx, self.desk.now_us(), child.run, "the daemon was stopped")
        self.children.clear()

    def _start_next(self) -> bool:
        with self.desk.write() as tx:
            run = claim(tx, self.desk.now_us(), self.owner.name)
        if run is None:
            return False
        if run.kind not in self.kinds:
            self._end(run, Ended("failed", error=f"no job kind {run.kind!r}; there are {', '.join(sorted(self.kinds))}"))
            return True
        self.children.append(self._spawn(run))
        return True

    def _spawn(self, run: Run) -> Child:
        reading, writing = os.pipe()
        spec = {
            "home": str(self.desk.home.path),
            "actor": self.desk.actor,
            "run": run.id,
            "fence": run.fence,
            "parent": os.getpid(),
            "limits": self.limits,
            "args": {**run.args, "run_id": run.id},
        }
        # A shell moves the pipe to descriptor 3 and is gone: no code of ours runs between fork and exec.
        command = f'exec "$0" -m core.work.child "$1" "$2" 3>&{writing}'
        with open(self._log(run), "ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command, sys.executable, self.kinds[run.kind], json.dumps(spec)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
                start_new_session=True,
            )
        os.close(writing)
        os.set_blocking(reading, False)
        child = Child(run, process, reading, start_of(process.pid) or "")
        with self.desk.write() as tx:
            beat(tx, self.desk.now_us(), run, progress=None, pid=process.pid, pid_start=child.started)
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
        cpu_ms = int(1000 * (usage.ru_utime + usage.ru_stime))
        rss_kb = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
        self._settle(child, child.process.returncode, cpu_ms, rss_kb)

    def _keep(self, child: Child) -> None:
        with self.desk.write() as tx:
            cancel = beat(
                tx,
                self.desk.now_us(),
                child.run,
                progress=child.progress,
                pid=child.process.pid,
                pid_start=child.started,
            )
        if cancel is None:
            _kill(child.process, signal.SIGKILL)
        elif cancel and not child.cancelled:
            child.cancelled = True
            _kill(child.process, signal.SIGTERM)

    def _settle(self, child: Child, code: int, cpu_ms: int, rss_kb: int) -> None:
        cost = {"exit": code, "cpu_ms": cpu_ms, "max_rss_kb": rss_kb, "log": self._log(child.run)}
        if code == 0 and "result" in child.said:
            self._end(child.run, Ended("succeeded", result=child.said["result"], **cost))
        elif child.cancelled:
            self._end(child.run, Ended("cancelled", error="cancelled", **cost))
        elif "error" in child.said:
            hint = child.said.get("hint")
            self._end(child.run, Ended("failed", error=child.said["error"] + (f" ({hint})" if hint else ""), **cost))
        else:
            self._crashed(child.run, _last_words(self._log(child.run)) or f"it ended with {code} and no report")

    def _crashed(self, run: Run, reason: str) -> None:
        with self.desk.write() as tx:
            if give_back(tx, self.desk.now_us(), run, reason) == "dead":
                self._record(tx, run, Ended("dead", error=reason))

    def _end(self, run: Run, ended: Ended) -> None:
        with self.desk.write() as tx:
            if finish(tx, self.desk.now_us(), run, ended):
                self._record(tx, run, ended)

    def _record(self, tx: Any, run: Run, ended: Ended) -> None:
        data = {"job": run.id, "kind": run.kind}
        if ended.error:
            data["error"] = ended.error
        self.desk.record(tx, f"job.{ended.state}", model=run.args.get("model"), data=data)

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
        child.said.update(said)


def _last_words(path: str) -> str:
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.path.getsize(path) - 4096))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip()[:300] if lines else ""


def _kill(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
