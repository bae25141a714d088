"""What a job's process writes: kept in a file of bounded size, searched, and followed while it grows."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from core.desk import Desk
from core.errors import NotFound
from core.home import Home
from core.work import rows

CHUNK = 65_536
FOLLOW_SECONDS = 0.2
# How long the last words of a process are waited for, in seconds, where something it started still holds its output.
PATIENCE = 2.0


def log_path(home: Home, run_id: int) -> Path:
    """Where the output of a run is kept, of all its attempts."""
    return home.logs_path / f"job-{run_id}.log"


class Capture:
    """Writes what comes out of a pipe to a file; one that would outgrow `cap` bytes keeps the newest half of that."""

    def __init__(self, path: Path, cap: int) -> None:
        self._path, self._cap = path, cap
        # How much was dropped so far, and how long the line is that says so.
        self._left_out = self._said = 0
        self._reading, self.writing = os.pipe()
        self._thread = threading.Thread(target=self._pump, name=path.name, daemon=True)

    def start(self) -> None:
        """Begin to read; the process must hold `writing` by now, which is closed here."""
        os.close(self.writing)
        self._thread.start()

    def abandon(self) -> None:
        """Close both ends where no process was started."""
        os.close(self.writing)
        os.close(self._reading)

    def finish(self) -> None:
        """Wait until all is written that the process wrote."""
        self._thread.join(PATIENCE)

    def _pump(self) -> None:
        try:
            with open(self._path, "a+b", buffering=0) as log:
                while chunk := os.read(self._reading, CHUNK):
                    self._keep(log.fileno(), chunk)
        except OSError:
            # A full disk costs the log, never the job: what it goes on to write is read and dropped.
            while os.read(self._reading, CHUNK):
                pass
        finally:
            os.close(self._reading)

    def _keep(self, log: int, chunk: bytes) -> None:
        size, half = os.fstat(log).st_size, self._cap // 2
        if size + len(chunk) > self._cap:
            newest = (os.pread(log, half, max(0, size - half)) + chunk)[-half:]
            newest = newest[newest.find(b"\n") + 1 :]
            self._left_out += size - self._said + len(chunk) - len(newest)
            said = f"[{self._left_out} bytes before this were left out]\n".encode()
            os.ftruncate(log, 0)
            self._said, chunk = len(said), said + newest
        os.write(log, chunk)


def plain(text: str) -> str:
    """A line without what could steer a terminal; tabs as spaces."""
    return "".join(c for c in text if c.isprintable() or c == "\t").expandtabs()


def last_lines(desk: Desk, run_id: int, count: int, holding: str = "") -> list[str]:
    """The last lines a run's process wrote, of those that hold a text (in any case).

    Raises NotFound for an unknown run, and for one that has no log yet.
    """
    rows.run(desk.store, run_id)
    path = log_path(desk.home, run_id)
    if not path.exists():
        raise NotFound(f"job {run_id} has no log", "it has not started yet, or wrote nothing")
    lines = (plain(line) for line in path.read_text("utf-8", errors="replace").splitlines())
    return [line for line in lines if holding.casefold() in line.casefold()][-count:]


def follow(desk: Desk, run_id: int, holding: str = "") -> Iterator[str]:
    """Every line that holds a text as it is written, from now until the run has ended. Raises NotFound."""
    path, pending = log_path(desk.home, run_id), ""
    place = path.stat().st_size if path.exists() else 0
    ended = False
    while not ended:
        # Asked before the file is read: what was written before the end is then always shown.
        ended = rows.run(desk.store, run_id).ended
        place, text = _since(path, place)
        *lines, pending = (pending + text).split("\n")
        lines += [pending] if ended and pending else []
        yield from (plain(line) for line in lines if holding.casefold() in line.casefold())
        if not ended:
            time.sleep(FOLLOW_SECONDS)


def _since(path: Path, place: int) -> tuple[int, str]:
    """What a file holds from a place on, and where it ends now; one that was cut short is taken up at its end."""
    try:
        with open(path, "rb") as log:
            size = os.fstat(log.fileno()).st_size
            if size < place:
                return size, "[some lines were left out]\n"
            log.seek(place)
            text = log.read()
    except FileNotFoundError:
        return 0, ""
    return place + len(text), text.decode("utf-8", "replace")
