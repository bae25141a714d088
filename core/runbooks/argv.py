"""Run a program of a step: its words as they are, never through a shell, ended when its time is up."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.clock import SECOND, span
from core.runbooks.outcome import MOST_BYTES, Outcome

TIMEOUT = 60 * SECOND
# What a program is told about its surroundings: enough to find itself, nothing that could be a secret.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TOCSIN_HOME")


def run_argv(words: Sequence[str], folder: Path, timeout_us: int = 0) -> Outcome:
    """Passed where the program ends with 0; its output and its errors together, and its exit code as `exit`."""
    limit = timeout_us or TIMEOUT
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    # A file, not a pipe: endless printing fills no memory, and a grandchild that lives on blocks nothing.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Outcome(False, (f"{words[0]} could not be started: {error}",), {"exit": 127})
        timed_out = _wait(process, limit)
        output.seek(0)
        # Split at line feeds alone: what else could move a cursor is for the cleaning to take out.
        text = output.read(4 * MOST_BYTES).decode("utf-8", "replace").rstrip("\n")
        lines = tuple(text.split("\n")) if text else ()
    if timed_out:
        return Outcome(False, (*lines, f"ended after {span(limit)}: its time was up"), {"exit": 124}, True)
    return Outcome(process.returncode == 0, lines, {"exit": process.returncode})


def _wait(process: subprocess.Popen[bytes], limit_us: int) -> bool:
    try:
        process.wait(limit_us / SECOND)
    except subprocess.TimeoutExpired:
        _kill(process)
        return True
    except BaseException:
        _kill(process)
        raise
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
