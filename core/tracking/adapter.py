"""What is asked of another house's way of keeping models and runs, and how the one that speaks it is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from core.endpoints.adapter import Outcome
from core.installed import installed
from core.training.artefact import Artefact
from core.training.record import Version

GROUP = "tocsin.trackers"


@dataclass(frozen=True)
class Packed:
    """A version to be written for others: its model file, its row, and one row of inputs as an example."""

    artefact: Artefact
    version: Version
    example: Mapping[str, float | str]


@dataclass(frozen=True)
class Unpacked:
    """What a directory of another house holds: the whole model file and what was kept of the version with it, where we
    wrote it; else the booster's text alone. `origin` says where it comes from, for its lineage."""

    origin: Mapping[str, str]
    booster: str = ""
    artefact: Artefact | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """One value of a metric; `step` is the round of a loss, or the number of the evaluation it was measured by."""

    name: str
    value: float
    step: int
    at_us: int


@dataclass(frozen=True)
class Run:
    """A version as a run of a tracker. `id` finds it again there; points of one name have rising steps.

    `files` are contents by relative path, those of the model's directory below `model/`.
    """

    id: str
    experiment: str
    model: str
    version: int
    at_us: int
    description: str
    parameters: Mapping[str, str]
    points: Sequence[Point]
    tags: Mapping[str, str]
    files: Mapping[str, bytes]


class Tracker(Protocol):
    """Speaks to one tracking server, and reads and writes its directories."""

    def __init__(self, url: str, token: str) -> None: ...

    def log(self, run: Run) -> Outcome:
        """Tell the server of a run and its model version; again adds nothing but what is new."""
        ...

    @staticmethod
    def pack(packed: Packed) -> dict[str, bytes]:
        """The files of a model's directory, by relative path. Raises BadInput for what it cannot hold truly."""
        ...

    @staticmethod
    def unpack(folder: Path) -> Unpacked:
        """Read a model's directory. Raises NotFound, BadInput for a damaged one or a kind that is not read."""
        ...


@lru_cache(maxsize=64)
def connect(kind: str, url: str, token: str) -> Tracker:
    """The tracker at a URL, with a connection that is kept; no token where it is empty. Raises NotFound."""
    return tracker_class(kind)(url, token)


def tracker_class(kind: str) -> type[Tracker]:
    """The class behind a kind of tracker, found by entry point. Raises NotFound naming those installed."""
    found: type[Tracker] = installed(GROUP, kind, "tracker")
    return found
