"""Endpoints that keep the truth about themselves, and the network between them and whoever speaks to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.clock import MINUTE, SECOND
from core.endpoints.adapter import CAPABILITIES, DONE, Batch, Counted, Health, Outcome, Page
from core.errors import RemoteRefused, RemoteUnreachable
from tests.simulation.disk import MODEL
from tests.simulation.world import World

PAGE_BATCHES = 3


@dataclass
class Endpoint:
    """A server of models: what it was told by key, what it did in order, and what it counted.

    Batch number n of its life adds one request to place n of a vector, so that the sum says which batches were
    added and how often. `settled` are those whose receipt it was told.
    """

    name: str
    boots: int = 1
    seq: int = 0
    told: dict[str, tuple[str, int]] = field(default_factory=dict)
    effects: list[tuple[str, int]] = field(default_factory=list)
    placed: set[tuple[str, int]] = field(default_factory=set)
    made: int = 0
    held: list[Batch] = field(default_factory=list)
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)

    @property
    def boot(self) -> str:
        return f"{self.name}-{self.boots}"

    def serve(self, start_us: int) -> None:
        """Answer a request, and count it in a batch of its own."""
        self.seq += 1
        vec = [0] * self.made + [1]
        counts = [Counted("requests", MODEL, 1, "", vec)]
        predictions = [(f"{self.name}-{self.made}", start_us, MODEL, 1, 0.5)]
        self.held.append(Batch(self.seq, start_us, counts, predictions, []))
        self.numbers[self.boots, self.seq] = self.made
        self.made += 1

    def restart(self) -> None:
        """Lose what nobody has collected, as a server does that is killed."""
        self.boots, self.seq, self.held = self.boots + 1, 0, []

    def activate(self, model: str, version: int, key: str) -> Outcome:
        if (model, version) not in self.placed:
            return Outcome("never", "404: it was not placed")
        if key not in self.told:
            self.told[key] = (model, version)
            self.effects.append((key, version))
        return DONE

    def page(self, after: int, boot: str, now_us: int) -> Page:
        if boot == self.boot:
            self.settled |= {self.numbers[self.boots, each.seq] for each in self.held if each.seq <= after}
            self.held = [each for each in self.held if each.seq > after]
        return Page(self.boot, now_us, self.held[:PAGE_BATCHES], len(self.held) > PAGE_BATCHES)


class Adapter:
    """Speaks to an endpoint through the network of the world."""

    capabilities = frozenset(CAPABILITIES)

    def __init__(self, world: World, endpoint: Endpoint, cut: set[tuple[str, str]]) -> None:
        self._world = world
        self._endpoint = endpoint
        self._cut = cut

    def health(self) -> Health:
        raise NotImplementedError

    def infer(self, model: str, request_id: str, inputs: Mapping[str, Any]) -> float:
        raise NotImplementedError

    def place(self, model: str, version: int, content: bytes, sha256: str) -> Outcome:
        return self._tell(lambda: self._place(model, version))

    def _place(self, model: str, version: int) -> Outcome:
        self._endpoint.placed.add((model, version))
        return DONE

    def activate(self, model: str, version: int, key: str) -> Outcome:
        return self._tell(lambda: self._endpoint.activate(model, version, key))

    def telemetry(self, after: int, boot: str) -> Page:
        fault = self._fault()
        if fault in ("no way", "lost", "429", "503"):
            raise RemoteUnreachable(f"sim: {fault}")
        page = self._endpoint.page(after, boot, self._world.clock.now_us())
        if fault == "doubled":
            page = self._endpoint.page(after, boot, self._world.clock.now_us())
        self._world.pause(self._world.on_stack[-1], "is answered")
        if fault == "no reply":
            raise RemoteUnreachable("sim: timeout")
        if fault == "garbled":
            raise RemoteRefused("sim: garbled")
        return page

    def _tell(self, act: Any) -> Outcome:
        fault = self._fault()
        if fault in ("no way", "lost"):
            return Outcome("later", f"sim: {fault}", answered=False)
        if fault == "429":
            wait = self._world.chance.choice((None, SECOND, 5 * MINUTE))
            return Outcome("later", "sim: 429", wait)
        if fault == "503":
            return Outcome("later", "sim: 503", answered=False)
        outcome: Outcome = act()
        if fault == "doubled":
            outcome = act()
        self._world.pause(self._world.on_stack[-1], "is answered")
        if fault in ("no reply", "garbled"):
            return Outcome("later", f"sim: {fault}", answered=False)
        return outcome

    def _fault(self) -> str:
        """What the network does to a call; a delay lets others act between asking and arriving."""
        world, process = self._world, self._world.on_stack[-1]
        world.pause(process, f"calls {self._endpoint.name}")
        if (process.name.rstrip("0123456789"), self._endpoint.name) in self._cut:
            return "no way"
        if world.chance.random() >= world.weather.fault:
            return ""
        fault = world.chance.choice(("no way", "lost", "429", "503", "no reply", "garbled", "doubled", "slow"))
        if fault == "slow":
            world.pass_time(world.chance.choice((SECOND, 30 * SECOND, 3 * MINUTE)))
        return fault
