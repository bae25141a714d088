"""Play one seed: a rough part in which everything goes wrong, a calm part in which it all has to come right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from core.clock import HOUR, MINUTE, SECOND
from core.endpoints import adapter, verbs
from core.home import Home
from core.work import claim, runner
from tests.simulation.actors import Job, Person, Seat, plan_last
from tests.simulation.disk import ENDPOINTS, desk_of, new_home
from tests.simulation.invariants import Truth, check, quiet
from tests.simulation.network import Adapter, Endpoint
from tests.simulation.world import Process, World, WorldTime

TURNS = 90
CALM_ROUNDS = 400
JUMPS_AT_MOST = 3


class Broken(AssertionError):
    """A seed broke a promise; the message says which, where the run stood and how to see it again."""


@dataclass(frozen=True)
class Played:
    """What a seed came to: its trace, and how many deaths, runs, endpoint effects and batches there were."""

    fingerprint: str
    deaths: int
    runs: int
    effects: int
    batches: int


class Play:
    """The cast of one seed, and whose turn it is."""

    def __init__(self, seed: int, home: Home) -> None:
        self.world = World(seed)
        self.home = home
        self.jobs: list[Job] = []
        self.endpoints = {name: Endpoint(name) for name in ENDPOINTS}
        self.cut: set[tuple[str, str]] = set()
        self.seats = [Seat(name, self.world, home, self.jobs) for name in ("alpha", "beta")]
        self.person = Person(self.world, home)
        self._jumps = 0
        self.world.switch = self.turn

    def rough(self) -> None:
        """Let chance have its way."""
        for _ in range(TURNS):
            self.turn()

    def turn(self) -> None:
        """Somebody acts, or something happens."""
        chance = self.world.chance
        actors = [self.seats[0].act] * 4 + [self.seats[1].act] * 3 + [self.person.act] * 2 + [self.surroundings]
        actors += [job.act for job in self.jobs if job.code is None][:4]
        chance.choice(actors)()
        self.world.pass_time(chance.choice((0, SECOND, 10 * SECOND, MINUTE)))

    def surroundings(self) -> None:
        """Requests are served; more rarely a server restarts, a network is cut or mended, a clock is set."""
        chance = self.world.chance
        endpoint = self.endpoints[chance.choice(ENDPOINTS)]
        for _ in range(chance.choice((1, 1, 2, 6))):
            endpoint.serve(self.world.clock.now_us() // MINUTE * MINUTE)
        what = chance.random()
        if what < 0.1:
            endpoint.restart()
        elif what < 0.25:
            self.cut ^= {(chance.choice(("alpha", "beta", "command")), endpoint.name)}
        elif what < 0.35 and self._jumps < JUMPS_AT_MOST:
            self._jumps += 1
            self.world.jump(chance.choice((-6 * HOUR, -HOUR, -5 * MINUTE, 5 * MINUTE, HOUR, 6 * HOUR)))

    def calm(self) -> Truth:
        """Mend everything, plan a last time, and go on until nothing is left to do. Raises Broken where that fails."""
        self.world.still()
        self.cut.clear()
        self.world.jump(self.world.latest_us - self.world.clock.now_us() + MINUTE)
        process = Process("calm")
        self.world.on_stack.append(process)
        desk = desk_of(self.home, self.world, process)
        for name in ENDPOINTS:
            verbs.resume(desk, name)
        ended_us = desk.now_us()
        plan_last(desk.store, ended_us)
        for _ in range(CALM_ROUNDS):
            for actor in (*self.seats, *self.jobs):
                actor.act()
            self.world.pass_time(MINUTE)
            if quiet(desk.store, self.endpoints):
                return Truth(desk, self.endpoints, self.person.told, self.person.heads, ended_us)
        raise Broken("it never came to rest: something is held by the dead or waits for nothing")

    def close(self) -> None:
        """End every process."""
        for each in [*(seat.process for seat in self.seats), *(job.process for job in self.jobs)]:
            each.die()
        for process in self.world.on_stack:
            process.die()
        for raw in (*self.world.shelves[False], *self.world.shelves[True]):
            raw.close()


def play(seed: int) -> Played:
    """Play a seed from an empty home to its check. Raises Broken."""
    with new_home() as home:
        one = Play(seed, home)
        try:
            with _put_in_place(one):
                one.rough()
                truth = one.calm()
                faults = check(truth)
            if faults:
                raise Broken("; ".join(faults))
            return _played(one, truth)
        except Exception as error:
            raise Broken(_told(seed, one.world, error)) from error
        finally:
            one.close()


def _played(one: Play, truth: Truth) -> Played:
    runs = truth.desk.store.one("SELECT count(*) AS n FROM run")
    assert runs is not None
    effects = sum(len(each.effects) for each in one.endpoints.values())
    batches = sum(each.made for each in one.endpoints.values())
    return Played(one.world.fingerprint, one.world.deaths, int(runs["n"]), effects, batches)


def _told(seed: int, world: World, error: Exception) -> str:
    last = "\n  ".join(world.last)
    return (
        f"seed {seed} broke at step {world.steps}: {type(error).__name__}: {error}\n  {last}\n"
        f"replay it with: python -m pytest tests/simulation --seed {seed}"
    )


@contextmanager
def _put_in_place(one: Play) -> Iterator[None]:
    """The world's network where adapters come from, its stop-watch where processes are timed, its signals."""
    time = WorldTime(one.world)

    def connected(name: str, url: str, token: str) -> Adapter:
        return Adapter(one.world, one.endpoints[url.removeprefix("http://").removesuffix(".invalid")], one.cut)

    def kill_survivor(pid: int | None, pid_start: str | None) -> None:
        for job in one.jobs:
            if (job.pid, job.started) == (pid, pid_start):
                job.kill(9)

    with (
        patch.dict(os.environ, {"TOCSIN_SIM_TOKEN": "t"}),
        patch.object(adapter, "_connected", connected),
        patch.object(claim, "time", time),
        patch.object(runner, "time", time),
        patch.object(claim, "kill_survivor", kill_survivor),
        patch.object(runner, "_kill", lambda job, number: job.kill(number)),
        patch.object(runner, "reap", lambda child, wait: child.process.wait()),
    ):
        yield
