"""One seeded world: a clock, a source of chance, and processes that may die before any statement they make."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from core.clock import SimClock, parse_time

START_US = parse_time("2013-04-01T00:00:00Z")
# How deep one process may be stopped within another that is stopped: two are enough for every pair of verbs.
DEPTH = 2


class Crashed(BaseException):
    """A process died here. No handler for errors may catch it, as none catches kill -9."""


@dataclass
class Process:
    """Something that can die: a daemon, or a job or a command, which are short. Its death closes what it has open."""

    name: str
    alive: bool = True
    short: bool = True
    at_death: list[Callable[[], None]] = field(default_factory=list)

    def die(self) -> None:
        """Free what the kernel frees."""
        self.alive = False
        while self.at_death:
            self.at_death.pop()()


@dataclass(frozen=True)
class Weather:
    """How rough a run is: the chance of a death at a step, of a switch at a pause, of a fault at a call."""

    death: float
    switch: float
    fault: float


class World:
    """Everything that chance decides, and a trace of every step, whose hash tells two runs apart."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = SimClock(START_US)
        self.latest_us = START_US
        self.monotonic_us = 0
        pick = self.chance.choice
        self.weather = Weather(pick((0, 0.002, 0.006, 0.02)), pick((0, 0.02, 0.1)), pick((0, 0.1, 0.3, 0.6)))
        self.steps = 0
        self.deaths = 0
        self.on_stack: list[Process] = []
        self.last: list[str] = []
        self.switch: Callable[[], None] = lambda: None
        # Connections that nobody has open, by whether they only read.
        self.shelves: dict[bool, list[Any]] = {False: [], True: []}
        self._trace = blake2b(digest_size=8)

    def step(self, process: Process, label: str) -> None:
        """A point at which the process may die; one that is dead already gets no further."""
        if not process.alive:
            raise Crashed
        self.note(f"{process.name}: {label}")
        if self.chance.random() < self.weather.death:
            self.deaths += 1
            self.note(f"{process.name} dies")
            process.alive = False
            raise Crashed

    def pause(self, process: Process, label: str) -> None:
        """A step at which others may act first, for as long as they like, as after SIGSTOP."""
        self.step(process, label)
        if len(self.on_stack) <= DEPTH and self.chance.random() < self.weather.switch:
            for _ in range(self.chance.choice((1, 1, 2, 6))):
                self.switch()

    def note(self, label: str) -> None:
        """Add to the trace."""
        self.steps += 1
        self._trace.update(label.encode())
        self.last = [*self.last[-11:], f"{self.steps} {label}"]

    @property
    def fingerprint(self) -> str:
        """The number of steps and a hash over all of them: the same seed gives the same."""
        return f"{self.steps}-{self._trace.hexdigest()}"

    @contextmanager
    def running(self, process: Process) -> Iterator[None]:
        """Let a process act; its death ends its turn and nothing else."""
        self.on_stack.append(process)
        try:
            yield
        except Crashed:
            if process.alive:
                raise
        finally:
            self.on_stack.pop()
            if not process.alive:
                process.die()

    def pass_time(self, by_us: int) -> None:
        """Let time pass."""
        self.clock.advance(by_us)
        self.monotonic_us += by_us
        self.latest_us = max(self.latest_us, self.clock.now_us())

    def jump(self, by_us: int) -> None:
        """Set the clock forward or back; the processes' own stop-watches do not notice."""
        self.clock.advance(by_us)
        self.latest_us = max(self.latest_us, self.clock.now_us())

    def still(self) -> None:
        """From here on nothing dies, nothing is switched and no call fails."""
        self.weather = Weather(0, 0, 0)


class WorldTime:
    """What stands in for the module `time` where the core asks about processes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def monotonic(self) -> float:
        return self._world.monotonic_us / 1e6

    def time_ns(self) -> int:
        return self._world.clock.now_us() * 1000
