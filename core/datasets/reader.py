"""A process that reads dropped files for the daemon: what a file does to its reader, it does not do to the daemon.

Started as `python -m core.datasets.reader SPEC`, it answers each line of JSON with one line, and ends with its input.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from core.clock import SimClock
from core.datasets import drop
from core.desk import Desk
from core.errors import StoreUnusable
from core.home import Home
from core.work.limits import Limits

# A file that has ended its reader so often is not tried again.
MOST_CRASHES = 3


class Reader:
    """Takes files in a process of its own, started at the first file and again after a crash, under `jobs` limits."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._limits = Limits.over({}, desk.settings.jobs)
        self._process: subprocess.Popen[bytes] | None = None
        self._crashes: dict[tuple[str, drop.Signature], int] = {}

    def take(self, desk: Desk, folder: Path, dataset: str, path: Path, signature: drop.Signature) -> str | None:
        """What `drop.take` does. A file that ends its reader is left for the next scan, and refused the third time.

        Raises OSError and StoreUnusable as the reader met them.
        """
        asked = {"folder": str(folder), "dataset": dataset, "path": str(path), "signature": list(signature)}
        answer = self._ask({**asked, "now_us": desk.now_us()})
        if "crash" in answer:
            return self._crashed(folder, dataset, path, signature, str(answer["crash"]))
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"])
        if "error" in answer:
            raise StoreUnusable(answer["error"], answer["hint"])
        return answer["place"]  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _crashed(self, folder: Path, dataset: str, path: Path, signature: drop.Signature, how: str) -> str | None:
        known = path.name, signature
        self._crashes[known] = self._crashes.get(known, 0) + 1
        if self._crashes[known] < MOST_CRASHES:
            return None
        del self._crashes[known]
        return drop.refuse(self._desk, folder, dataset, path, f"it ended its reader {MOST_CRASHES} times: {how}")

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], self._limits.wall_seconds)
        line = process.stdout.readline() if ready else b""
        if line:
            return json.loads(line)  # type: ignore[no-any-return]
        self.close()
        return {"crash": _how(process.returncode) if ready else self._limits.told_wall()}

    def _start(self) -> subprocess.Popen[bytes]:
        spec = {"home": str(self._desk.home.path), "actor": self._desk.actor, "parent": os.getpid()}
        return subprocess.Popen(
            [sys.executable, "-m", "core.datasets.reader", json.dumps({**spec, "limits": vars(self._limits)})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A ctrl+c at the daemon is no fault of a file.
            start_new_session=True,
        )


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def main(argv: list[str]) -> int:
    """Answer each line of standard input with where the file went."""
    from core.work.child import bound

    spec = json.loads(argv[1])
    bound(int(spec["parent"]), Limits(**spec["limits"]))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        # Where memory runs out, the kernel ends this process and not the daemon.
        score.write("1000")
    desk = Desk.open(Home(Path(spec["home"])), actor=spec["actor"]).as_system()
    for line in sys.stdin:
        _answer(desk, json.loads(line), sys.stdout)
    return 0


def _answer(desk: Desk, asked: dict[str, Any], out: IO[str]) -> None:
    at = replace(desk, clock=SimClock(asked["now_us"]))
    said: dict[str, Any]
    try:
        inode, size, written_ns = asked["signature"]
        signature = (inode, size, written_ns)
        said = {"place": drop.take(at, Path(asked["folder"]), asked["dataset"], Path(asked["path"]), signature)}
    except OSError as error:
        said = {"errno": error.errno, "error": error.strerror}
    except StoreUnusable as error:
        said = {"error": error.message, "hint": error.hint}
    out.write(json.dumps(said) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
