"""The daemon made to die at each named point in each way: nothing lost, nothing doubled, nothing half written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core import ledger
from core.clock import MINUTE, RealClock, SimClock
from core.crashpoint import HOWS, POINTS
from core.desk import Desk
from core.endpoints import deploy, verbs
from core.home import Home
from core.ledger.chain import key_of
from core.work import outbox, plan, rows
from tests.serving.tiny import TOKEN, Served, artefact, register, serving

FILES, SCORED = 1, 5
# A few of them at every change; all of them nightly.
CI = ("work.finishing:kill", "deliver.activated:kill", "blobs.written:enospc")
# The points of a migration need an old home, those of scoring and searching a model: tests/store/test_old_homes.py,
# tests/scoring/test_kills.py, tests/tuning/test_kills.py.
ELSEWHERE = ("migrate.", "score.", "search.")
ALL = tuple(f"{name}:{how}" for name in POINTS for how in HOWS if not name.startswith(ELSEWHERE))
ORPHAN = """UPDATE run SET state = 'claimed', owner = 'daemon-gone', fence = 1, attempt = 1, lease_us = ?
WHERE request = 'orphan'"""


@dataclass
class World:
    """A home with work queued, the endpoint it is about, and the keys that endpoint has obeyed."""

    desk: Desk
    served: Served
    effects: list[str]
    once: Path


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    desk, clock, effects = Desk.open(Home(tmp_path / "home"), actor="t"), SimClock(RealClock().now_us()), []
    with serving(tmp_path / "shelf", clock, artefact("m", 1)) as served:
        shelf = served.app.models.shelf
        does = shelf.activate

        def activate(model: str, version: int, key: str) -> None:
            does(model, version, key)
            effects.append(key)

        shelf.activate = activate  # type: ignore[method-assign]
        for number in range(SCORED):
            _score(served, number)
        clock.advance(2 * MINUTE)
        _queue(desk, served, tmp_path)
        yield World(desk, served, effects, tmp_path / "once")
    desk.store.close()


def _score(served: Served, number: int) -> None:
    body = b'{"id": "r%d", "inputs": {"a": 0.5, "b": 3, "c": "x"}}' % number
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with urllib.request.urlopen(urllib.request.Request(f"{served.url}/v1/models/m/score", body, headers)) as answer:
        answer.read()


def _queue(desk: Desk, served: Served, folder: Path) -> None:
    now = desk.now_us()
    with desk.write() as tx:
        for name in (*(f"part{number}" for number in range(FILES)), "orphan", "planned"):
            path = folder / f"{name}.csv"
            path.write_text("id,amount\n" + "".join(f"{row},{row * len(name)}{name}\n" for row in range(20)))
            args = {"dataset": name, "path": str(path)}
            if name == "planned":
                plan.add_schedule(tx, now, name, "ingest", args, "every 4w")
                tx.execute("UPDATE schedule SET next_us = ?", (now - 1,))
            else:
                plan.request_run(tx, now, "ingest", args, name)
        tx.execute(ORPHAN, (now + 60 * MINUTE,))
    verbs.add(desk, "prod", served.url, "env:TOCSIN_TEST_TOKEN")
    for version, model in ((1, "m"), (2, "m"), (1, "n"), (2, "n")):
        register(desk, version, model)
    deploy.request(desk, "prod", "m", 2)


def _tocsin(world: World, *arguments: str, crash: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "console.cli.main", "--home", str(world.desk.home.path), *arguments]
    env = {**os.environ, "TOCSIN_CRASH_AT": crash, "TOCSIN_CRASH_ONCE": str(world.once)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.PIPE)


def _daemon(world: World, crash: str = "") -> tuple[int, bytes]:
    """Turns of a daemon until it dies or everything is done; gives its exit code and what it complained of."""
    daemon = _tocsin(world, "daemon", "--step", "--slots", "2", crash=crash)
    assert daemon.stdin is not None
    assert daemon.stdout is not None
    end = time.monotonic() + 90
    while not _settled(world) and time.monotonic() < end:
        try:
            daemon.stdin.write(b"\n")
            daemon.stdin.flush()
        except BrokenPipeError:
            break
        if not daemon.stdout.readline():
            break
        with world.desk.write() as tx:
            # What was given back waits for its back-off: nobody has to wait for that here.
            tx.execute("UPDATE run SET next_us = 0 WHERE state = 'planned'")
            tx.execute("UPDATE outbox SET next_us = 0 WHERE state = 'waiting'")
        time.sleep(0.05)
    _, messages = daemon.communicate(timeout=60)
    return daemon.returncode, messages


def _settled(world: World) -> bool:
    runs = rows.runs(world.desk.store, 100)
    known = world.desk.store.read("SELECT count(*) AS n FROM prediction")[0]["n"]
    done = len(runs) >= FILES + 2 and all(run.ended for run in runs) and not outbox.waiting(world.desk.store)
    return done and known >= SCORED


def _judge(world: World) -> None:
    desk = world.desk
    runs = rows.runs(desk.store, 100)
    states = [(run.id, run.state, run.error) for run in runs]
    assert len(runs) == FILES + 2, states
    assert {run.state for run in runs} == {"succeeded"}, states
    events = ledger.timeline(desk.store, limit=10_000)
    for kind, key in (("job.succeeded", "job"), ("dataset.added", "dataset"), ("deploy.applied", "deployment")):
        told = [event.data[key] for event in events if event.kind == kind]
        assert len(told) == len(set(told)), kind
        assert len(told) == (2 if kind == "deploy.applied" else FILES + 2), kind
    messages = [outbox.Message.of(row) for row in desk.store.read("SELECT * FROM outbox ORDER BY id")]
    assert [(one.state, one.error) for one in messages] == [("done", None)] * 2
    assert world.effects == [one.key for one in messages]
    assert {row["n"] for row in desk.store.read("SELECT count(*) AS n FROM prediction")} == {SCORED}
    for row in desk.store.read("SELECT blob FROM snapshot"):
        desk.blobs.read(row["blob"])
    assert not [path for path in desk.blobs.folder.rglob("*") if path.name.startswith(".part-")]
    assert desk.store.read("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    assert ledger.verify(desk.store, key_of(desk.home)).ok


def _ask(world: World, crash: str) -> None:
    """A second deployment, asked for by a process that may die of it; then, as a person would, once more."""
    for at in (crash, ""):
        asked = _tocsin(world, "deploy", "start", "n", "1", "--to", "prod", "--yes", crash=at)
        _, messages = asked.communicate(timeout=60)
        assert b"Traceback" not in messages
        if world.desk.store.one("SELECT 1 FROM deployment WHERE model = 'n'"):
            return


def through(world: World, crash: str) -> None:
    """Die at a point in a way, and let a clean daemon finish the work."""
    if crash.startswith("outbox."):
        _ask(world, crash)
    else:
        deploy.request(world.desk, "prod", "n", 1)
    code, messages = _daemon(world, crash)
    assert world.once.exists(), f"{crash} was never reached"
    assert b"Traceback" not in messages
    if not _settled(world):
        code, messages = _daemon(world)
        assert (code, b"Traceback" in messages) == (0, False), messages
    # Another start sweeps up what a process left that died after its work was done.
    _daemon_once(world)
    _judge(world)


def _daemon_once(world: World) -> None:
    daemon = _tocsin(world, "daemon", "--step")
    daemon.communicate(b"\n", timeout=60)
    assert daemon.returncode == 0


@pytest.mark.e2e
@pytest.mark.parametrize("crash", CI)
def test_dying_at_a_point_loses_and_doubles_nothing(world: World, crash: str) -> None:
    through(world, crash)


@pytest.mark.nightly
@pytest.mark.parametrize("crash", ALL)
def test_dying_at_every_point_in_every_way_loses_and_doubles_nothing(world: World, crash: str) -> None:
    through(world, crash)


def test_every_point_is_named_once_and_stands_in_the_code() -> None:
    core = Path(ledger.__file__).parents[1]
    found = sorted(re.findall(r'crashpoint\.at\("([a-z.]+)"\)', "".join(p.read_text() for p in core.rglob("*.py"))))
    assert tuple(found) == POINTS
    assert len(POINTS) >= 15
