"""Random sequences of HTTP faults before a real endpoint: every key takes effect once, and in order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core import ledger
from core.clock import HOUR, MINUTE, SECOND, SimClock, parse_time
from core.desk import Desk
from core.endpoints import adapter, deploy, rows, verbs
from core.endpoints.deliver import deliver
from core.endpoints.telemetry import pull
from core.home import Home
from core.ledger import timeline
from core.ledger.chain import key_of
from core.work import outbox
from plugins.serving_embedded.adapter import EmbeddedAdapter
from plugins.transport import Timeouts, Transport
from tests.endpoints.faults import FAULTS, Network, network, well
from tests.serving.tiny import TOKEN, Served, register, serving

SEQUENCES, NIGHTLY = 60, 1_000
WISHES, CHANCE_OF_FAULT = 5, 0.55
START = parse_time("2013-04-01T00:00:00Z")


@dataclass
class World:
    """An endpoint that stays up, the bad way to it, its own clock, and the activations it has done, by key."""

    served: Served
    way: Network
    clock: SimClock
    effects: list[str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    clock, effects = SimClock(START), []
    with serving(tmp_path_factory.mktemp("shelf"), clock) as served:
        shelf = served.app.models.shelf
        does = shelf.activate

        def activate(model: str, version: int, key: str) -> None:
            does(model, version, key)
            effects.append(key)

        shelf.activate = activate  # type: ignore[method-assign]
        with network(served.url) as way:
            yield World(served, way, clock, effects)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An adapter that waits no longer than a local answer takes."""

    class Impatient(EmbeddedAdapter):
        def __init__(self, url: str, token: str) -> None:
            super().__init__(url, token, Transport(url, token, Timeouts(read=0.1)))

    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    monkeypatch.setattr(adapter, "adapter_class", lambda name: Impatient)
    adapter._connected.cache_clear()
    yield
    adapter._connected.cache_clear()


def sequence(world: World, folder: Path, seed: int) -> None:
    """One home's deployments through a network of faults, until the network is well again."""
    chance = random.Random(seed)
    clock = SimClock(START)
    home = Home(folder / str(seed)).prepare()
    home.settings_path.write_text("queued_asks_again_minutes = 100000")
    desk = Desk.open(home, actor="ana", clock=clock)
    for model, version in itertools.product("mn", (1, 2)):
        register(desk, version, model)
    verbs.add(desk, "prod", world.way.url, "env:TOCSIN_TEST_TOKEN")
    world.effects.clear()
    world.way.draw = lambda: chance.choice(FAULTS) if chance.random() < CHANCE_OF_FAULT else well
    asked = 0
    while asked < WISHES or chance.random() < 0.8:
        skew = chance.choice((-HOUR, 0, 0, 7 * SECOND, HOUR))
        world.clock.set(clock.now_us() + skew)
        if asked < WISHES and chance.random() < 0.5:
            asked += _wish(desk, chance)
        with _refusing(desk, chance.random() < 0.1):
            deliver(desk, early=chance.random() < 0.3)
            pull(desk)
        clock.advance(chance.randrange(1, 10 * 60) * SECOND)
    _recover(world, desk, clock)
    _judge(world, desk)
    desk.store.close()


def _wish(desk: Desk, chance: random.Random) -> int:
    model, version = chance.choice("mn"), chance.choice((1, 2))
    queued = rows.queued(desk.store, "prod", model)
    if queued and queued[-1].version == version:
        return 0
    deploy.request(desk, "prod", model, version, again=True)
    return 1


class _refusing:  # noqa: N801
    """While inside, nothing listens where the endpoint should be."""

    def __init__(self, desk: Desk, really: bool) -> None:
        self.desk, self.url = desk, rows.endpoint(desk.store, "prod").url if really else ""

    def _move(self, url: str) -> None:
        with self.desk.write() as tx:
            tx.execute("UPDATE endpoint SET url = ? WHERE name = 'prod'", (url,))

    def __enter__(self) -> None:
        if self.url:
            self._move("http://127.0.0.1:9")

    def __exit__(self, *_: object) -> None:
        if self.url:
            self._move(self.url)


def _recover(world: World, desk: Desk, clock: SimClock) -> None:
    world.way.draw = lambda: well
    for _ in range(100):
        clock.advance(20 * MINUTE)
        world.clock.set(clock.now_us() + 7 * SECOND)
        deliver(desk)
        if not outbox.waiting(desk.store):
            break
    pull(desk)


def _judge(world: World, desk: Desk) -> None:
    messages = [outbox.Message.of(row) for row in desk.store.read("SELECT * FROM outbox ORDER BY id")]
    assert {(one.state, one.error) for one in messages} <= {("done", None), ("done", "superseded")}
    wanted = [one.key for one in messages if one.error is None]
    done = [key for key in world.effects if key in set(wanted)]
    assert done == wanted, "not each key once and in order"
    # What was superseded may have been done, when its answer was lost before: once, and never after what followed it.
    assert len(world.effects) == len(set(world.effects))
    order = {one.key: one.id for one in messages}
    assert [order[key] for key in world.effects] == sorted(order[key] for key in world.effects)
    told = [event.data["deployment"] for event in timeline(desk.store, kinds=["deploy.applied"], limit=1000)]
    assert told == [one.deployment for one in messages if one.error is None]
    found = verbs.health(desk, "prod")
    assert found.fits
    assert rows.endpoint(desk.store, "prod").skew_us == 7 * SECOND
    assert rows.endpoint(desk.store, "prod").error is None
    assert ledger.verify(desk.store, key_of(desk.home)).ok


@pytest.mark.parametrize("ten", range(SEQUENCES // 10))
def test_through_any_faults_each_key_takes_effect_once_and_in_order(world: World, tmp_path: Path, ten: int) -> None:
    for seed in range(10 * ten, 10 * ten + 10):
        print(f"seed {seed}")
        sequence(world, tmp_path, seed)


@pytest.mark.nightly
def test_through_a_thousand_sequences_of_faults(world: World, tmp_path: Path) -> None:
    for seed in range(SEQUENCES, SEQUENCES + NIGHTLY):
        print(f"seed {seed}")
        sequence(world, tmp_path, seed)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_single_fault_is_a_dead_letter(
    world: World, desk: Desk, clock: SimClock, fault: Callable[..., None]
) -> None:
    register(desk, 1, "m")
    verbs.add(desk, "prod", world.way.url, "env:TOCSIN_TEST_TOKEN")
    faults = [fault]
    world.way.draw = lambda: faults.pop() if faults else well
    deploy.request(desk, "prod", "m", 1)
    first = deliver(desk)
    assert [one.state for one in first] == ["waiting"]
    assert first[0].error
    clock.advance(10 * MINUTE)
    assert [one.state for one in deliver(desk)] == ["applied"]
