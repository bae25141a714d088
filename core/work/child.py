"""What runs in a job's own process: `python -m core.work.child`, told by its environment, answering on descriptor 3."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.desk import Desk
from core.errors import Interrupted, NotAllowed, TocsinError
from core.home import Home
from core.store import Tx
from core.work.claim import held

REPORT_FD = 3
PR_SET_PDEATHSIG = 1


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


def main(argv: list[str]) -> int:
    """Run `module:function` of argv[1] with the JSON arguments of argv[2]; reports progress and the result."""
    target, spec = argv[1], json.loads(argv[2])
    _die_with_parent(int(spec["parent"]))
    _limit(spec["limits"])
    signal.signal(signal.SIGTERM, _stopped)
    desk = _desk(spec)
    module, _, function = target.partition(":")
    try:
        result = getattr(importlib.import_module(module), function)(desk, spec["args"], _progress)
    except TocsinError as error:
        report = {"error": error.message, "hint": error.hint, "stopped": isinstance(error, Interrupted)}
        _say(report)
        return 1
    _say({"result": result or {}})
    return 0


def _desk(spec: dict[str, Any]) -> FencedDesk:
    opened = Desk.open(Home(Path(spec["home"])), actor=spec["actor"])
    return FencedDesk(
        opened.home,
        opened.store,
        opened.blobs,
        opened.clock,
        opened.actor,
        opened.settings,
        run_id=spec["run"],
        fence=spec["fence"],
    )


def _progress(share: float, text: str = "") -> None:
    _say({"progress": round(float(share), 4), "text": text})


def _say(line: dict[str, Any]) -> None:
    os.write(REPORT_FD, (json.dumps(line) + "\n").encode())


def _stopped(number: int, frame: object) -> None:
    raise Interrupted("the job was cancelled", "run it again with `tocsin job run`")


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process with its daemon, where the kernel can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(137)


def _limit(limits: dict[str, int]) -> None:
    import resource

    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (limit, limit))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
