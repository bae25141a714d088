"""The real store, with a step of the world before and after each statement, and homes that are cheap to make."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from core.clock import SimClock
from core.desk import Desk
from core.endpoints import verbs
from core.home import Home
from core.settings import Settings
from core.store import Blobs, Store, Tx
from core.work.plan import add_schedule
from tests.simulation.world import START_US, Process, World

ENDPOINTS = ("east", "west")
MODEL = "m"
VERSIONS = (1, 2, 3, 4)
# Due every half hour, so that no gap in a run misses more times than are made up for.
SCHEDULES = {"every": ("every 30m", "all"), "newest": ("every 7m", "latest"), "skipping": ("*/20 * * * *", "skip")}
ADD_MODEL = "INSERT INTO model(name, task, label, created_us) VALUES (?, 'binary', 'late', ?)"
ADD_VERSION = """INSERT INTO model_version(model, version, stage, artefact, code, environment, parameters, metrics,
created_us) VALUES (?, ?, 'candidate', ?, '', '{}', '{}', '{}', ?)"""


class Connection:
    """A connection whose every statement is a step, at which the process that makes it may die.

    Its end puts a sound one into `shelf`, for the next short process to take: opening is the dearest part of a life.
    """

    def __init__(self, raw: Any, world: World, process: Process, shelf: list[Any]) -> None:
        self._raw = raw
        self._world = world
        self._process = process
        self._shelf = shelf

    @property
    def in_transaction(self) -> bool:
        return bool(self._raw.in_transaction)

    def execute(self, sql: str, params: Any = ()) -> Any:
        if sql == "ROLLBACK":
            return self._raw.execute(sql)
        self._world.step(self._process, sql[:40])
        answer = self._raw.execute(sql, params)
        if sql == "COMMIT":
            self._world.step(self._process, "has committed")
        return answer

    def executemany(self, sql: str, rows: Any) -> None:
        self._world.step(self._process, sql[:40])
        self._raw.executemany(sql, rows)

    def close(self) -> None:
        if self._raw.in_transaction:
            self._raw.close()
        else:
            self._shelf.append(self._raw)


class SteppedStore(Store):
    """The store as one process of the world has it open. Others may act before each of its transactions and reads."""

    def __init__(self, home: Home, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        super().__init__(home)
        process.at_death.append(self.close)

    def _connect(self, *, reading: bool) -> Any:
        shelf = self._world.shelves[reading]
        raw = shelf.pop() if shelf and self._process.short else super()._connect(reading=reading)
        return Connection(raw, self._world, self._process, shelf)

    def read(self, sql: str, params: Any = ()) -> Any:
        if not getattr(self._local, "held", False):
            self._world.pause(self._process, "looks")
        return super().read(sql, params)

    @contextmanager
    def write(self, actor: str = "") -> Iterator[Tx]:
        self._world.pause(self._process, "writes")
        with super().write(actor) as tx:
            yield tx


def desk_of(home: Home, world: World, process: Process) -> Desk:
    """A desk on which one process works."""
    store = SteppedStore(home, world, process)
    # Nobody is here to be asked again about what has waited for long.
    settings = Settings(queued_asks_again_minutes=1_000_000)
    return Desk(home, store, Blobs(home.blobs_path), world.clock, process.name, settings)


def new_folder() -> Path:
    """A folder in memory where the system has one: flushing costs nothing there, so `synchronous` stays full."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="tocsin-sim-", dir=memory if os.access(memory, os.W_OK) else None))


@cache
def template() -> Path:
    """A home with a model, endpoints and schedules, made once in a process and copied for each run."""
    home = Home(new_folder() / "home").prepare()
    # The key is part of idempotency keys, and so of the draw of their pauses: one for all makes a seed repeat.
    home.key_path.write_bytes(b"k" * 32)
    home.key_path.chmod(0o600)
    desk = Desk(home, Store(home), Blobs(home.blobs_path), SimClock(START_US), "ana", Settings())
    with desk.write() as tx:
        tx.execute(ADD_MODEL, (MODEL, START_US))
        for number in VERSIONS:
            tx.execute(ADD_VERSION, (MODEL, number, desk.blobs.put(b"version %d" % number), START_US))
        for name, (trigger, catch_up) in SCHEDULES.items():
            add_schedule(tx, START_US, name, "sim", {}, trigger, catch_up)
    for name in ENDPOINTS:
        verbs.add(desk, name, f"http://{name}.invalid", "env:TOCSIN_SIM_TOKEN")
    desk.store.close()
    atexit.register(shutil.rmtree, home.path.parent, ignore_errors=True)
    return home.path


@contextmanager
def new_home() -> Iterator[Home]:
    """A home of its own for one run, gone afterwards."""
    folder = new_folder()
    try:
        shutil.copytree(template(), folder / "home")
        yield Home(folder / "home")
    finally:
        shutil.rmtree(folder)
