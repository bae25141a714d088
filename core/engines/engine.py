"""What does work that is cut into parts, and how it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from core.errors import BadInput
from core.installed import installed

GROUP = "tocsin.engines"
LOCAL = "local"

T = TypeVar("T")
R = TypeVar("R")


class Tally(Protocol):
    """What is gathered of some consecutive rows of a column; it can be pickled."""

    def add(self, batch: Any) -> None:
        """Take in a pyarrow array of the next rows."""

    def merge(self, later: Self) -> None:
        """Take in what another gathered of the rows right after these: exactly as if all had been added here."""


@dataclass(frozen=True)
class Before:
    """The rows before the first that a tally is fed, and how many of them have no value in its column."""

    rows: int = 0
    missing: int = 0


START = Before()
Make = Callable[[Before], Tally]


class Readable(Protocol):
    """A table that is read one column at a time, and can be cut into smaller ones."""

    @property
    def rows(self) -> int:
        """How many."""

    def batches(self, name: str) -> Iterator[Any]:
        """A column's pyarrow arrays in order."""

    def missing(self, name: str) -> int:
        """How many rows have no value in a column."""

    def pieces(self, names: Sequence[str]) -> Iterator[Readable]:
        """The same rows in order in tables of some columns, which can be pickled."""


class Engine(AbstractContextManager["Engine"], Protocol):
    """Does work in parts, while it is open. Raises RemoteUnreachable or RemoteRefused where it has others do it.

    `told` is what a version's parameters keep of it, empty for the local one; `elsewhere_ms` is the processor time
    that was spent in other processes so far.
    """

    told: Mapping[str, Any]
    elsewhere_ms: int

    def __init__(self, address: str, threads: int) -> None: ...

    def fold(self, table: Readable, wanted: Mapping[str, Make]) -> dict[str, Any]:
        """A tally of each column that is wanted, fed with all of its rows."""

    def each(self, work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """What `work` makes of each part, in order; a few parts are taken ahead. Work and parts can be pickled."""


class Fits(Protocol):
    """What an engine does as well that can fit a booster on rows that are spread over processes."""

    def boost(
        self, parameters: Mapping[str, Any], rounds: int, matrix: Any, labels: Any, weights: Any, categories: list[int]
    ) -> Any:
        """The LightGBM booster of so many rounds on rows (NumPy), with `categories` the places of level codes."""


@dataclass(frozen=True)
class Choice:
    """An engine by name and address, as commands and jobs name it."""

    name: str = LOCAL
    address: str = ""

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Choice:
        """The engine that a job's arguments name, the local one without. Raises BadInput for half a choice."""
        chosen = cls(str(args.get("engine") or LOCAL), str(args.get("address") or ""))
        if chosen.name == LOCAL and chosen.address:
            raise BadInput("the local engine has no address", "name another with --engine, or leave --address out")
        if chosen.name != LOCAL and not chosen.address:
            raise BadInput(f"the engine {chosen.name} needs an address", "write --address tcp://HOST:PORT")
        return chosen

    def open(self, threads: int) -> Engine:
        """The engine, to be used in a `with`. Raises NotFound where it is not installed, and what its opening does."""
        return engine_class(self.name)(self.address, threads)


HERE = Choice()


def engine_class(name: str) -> type[Engine]:
    """The class behind an engine's name, found by entry point. Raises NotFound naming those installed."""
    found: type[Engine] = installed(GROUP, name, "engine")
    return found
