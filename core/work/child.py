"""What runs in a job's own process: `python -m core.work.child TARGET SPEC`, answering on a descriptor of its own."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import crashpoint
from core.access.redact import Redacted, known_secrets, redact
from core.desk import Desk
from core.errors import CheckFailed, Interrupted, NotAllowed, StoreUnusable, TocsinError
from core.home import Home
from core.store import Tx
from core.work.claim import held
from core.work.limits import Limits
from core.work.memory import ran_out

PR_SET_PDEATHSIG = 1
# Progress is told at most this often (seconds): a job of thousands of rounds would otherwise fill its pipe.
TELL_EVERY = 0.1


@dataclass(frozen=True)
class FencedDesk(Desk):
    """A desk that writes only while its run still belongs to it."""

    run_id: int = 0
    fence: int = 0

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction. Raises NotAllowed where another process has taken the run over meanwhile."""
        with super().write() as tx:
            if not held(tx, self.run_id, self.fence):
                raise NotAllowed(f"job {self.run_id} was taken over", "nothing was written by this process")
            yield tx


class Report:
    """The descriptor a job answers on: JSON lines of progress, then one with the result or the error.

    What is said is without the `secrets` known here.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._told = 0.0
        self.secrets: tuple[str, ...] = ()
        # What the job itself starts must not keep the pipe open after it.
        os.set_inheritable(descriptor, False)

    def say(self, line: dict[str, Any]) -> None:
        """One line, in one write: whole lines never mix."""
        os.write(self._descriptor, (json.dumps(redact(line, self.secrets)) + "\n").encode())

    def progress(self, share: float, text: str = "") -> None:
        """How far the job is, as a share from 0 to 1, and what it does; passed on at most ten times a second."""
        now = time.monotonic()
        if now - self._told >= TELL_EVERY or share >= 1:
            self._told = now
            self.say({"progress": round(float(share), 4), "text": text})


def main(argv: list[str]) -> int:
    """Run `module:function` of argv[1] with the JSON of argv[2]; the exit code is that of the job's error."""
    target, spec = argv[1], json.loads(argv[2])
    limits = Limits(**spec["limits"])
    bound(int(spec["parent"]), limits)
    signal.signal(signal.SIGTERM, _stopped)
    report = Report(int(spec["report"]))
    module, _, function = target.partition(":")
    try:
        desk = _desk(spec)
        report.secrets = _keep_secrets(desk)
        result = getattr(importlib.import_module(module), function)(desk, spec["args"], report.progress)
    except Exception as error:  # noqa: BLE001 - the edge: what is not understood is raised again
        return _tell(report, limits, error)
    report.say({"result": result or {}})
    crashpoint.at("work.reported")
    return 0


def _tell(report: Report, limits: Limits, error: Exception) -> int:
    """Report an error that is understood and return its exit code; any other is raised again, and is a crash."""
    if not isinstance(error, (Interrupted, StoreUnusable)) and ran_out(error):
        # Its own limit would end it again in the same way; a full machine may have room the next time.
        again = limits.memory_mb is None
        report.say({"error": limits.told_memory(), "hint": limits.hint_memory(), "again": again})
        return CheckFailed.exit_code
    if not isinstance(error, TocsinError):
        raise error
    # A stop, or a full disk, says nothing about the job: it is tried again.
    again = isinstance(error, (Interrupted, StoreUnusable))
    report.say({"error": error.message, "hint": error.hint, "again": again})
    return error.exit_code


def _desk(spec: dict[str, Any]) -> FencedDesk:
    opened = Desk.open(Home(Path(spec["home"])), actor=spec["actor"])
    return FencedDesk(
        opened.home,
        opened.store,
        opened.blobs,
        opened.clock,
        opened.actor,
        opened.settings,
        system=True,
        run_id=spec["run"],
        fence=spec["fence"],
    )


def _keep_secrets(desk: Desk) -> tuple[str, ...]:
    """From now on nothing that is printed, a traceback included, brings a known secret into the job's log."""
    secrets = known_secrets(desk.store)
    sys.stdout, sys.stderr = Redacted(sys.stdout, secrets), Redacted(sys.stderr, secrets)
    return secrets


def _stopped(number: int, frame: object) -> None:
    raise Interrupted("the job was stopped", "run it again with `tocsin job run`")


def bound(parent: int, limits: Limits) -> None:
    """From now on this process lives no longer than its parent, and uses no more than it may."""
    _die_with_parent(parent)
    _limit(limits)


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process with its daemon, where the kernel can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(137)


def _limit(limits: Limits) -> None:
    import resource

    for name, (soft, hard) in limits.rlimits().items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (soft, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
