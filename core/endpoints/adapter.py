"""What the console asks of any server of models, and how it finds the adapter that speaks to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from core.access import secrets
from core.endpoints.rows import Endpoint
from core.installed import installed
from core.ledger.anchors import Anchor

GROUP = "tocsin.endpoints"
# What an adapter may be able to do; the console offers only what its adapter declares.
CAPABILITIES = ("health", "place", "activate", "infer", "telemetry")
# What one may be able to do besides: it is then a `KeepsAnchors` as well.
ANCHORS = "anchors"
# As above: a `KeepsOnline`.
ONLINE = "online"


@dataclass(frozen=True)
class Outcome:
    """What became of a thing an endpoint was told: `done`, `later` (try again) or `never` (it said no).

    `retry_after_us` is how long the endpoint asked to be left alone, None where it did not say; `answered` is False
    where nothing that can be understood came back, which is what opens the breaker.
    """

    kind: str
    error: str = ""
    retry_after_us: int | None = None
    answered: bool = True


DONE = Outcome("done")


@dataclass(frozen=True)
class Health:
    """An endpoint that answers: its boot, clock (UTC microseconds), and each model's active version, None for none."""

    boot: str
    now_us: int
    active: Mapping[str, int | None]
    versions: Mapping[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """One stream's counts in one minute, as an endpoint hands them over."""

    kind: str
    model: str
    version: int
    name: str
    vec: list[int]


@dataclass(frozen=True)
class Batch:
    """One minute of an endpoint: counts, predictions (id, at_us, model, version, score), and samples with inputs."""

    seq: int
    start_us: int
    counts: list[Counted]
    predictions: list[tuple[str, int, str, int, float]]
    samples: list[tuple[str, int, str, int, float, dict[str, Any]]]


@dataclass(frozen=True)
class Page:
    """Batches of one boot in order; `more` where there are others behind them; `lost` what it had no room for."""

    boot: str
    now_us: int
    batches: list[Batch]
    more: bool = False
    lost: int = 0


class Adapter(Protocol):
    """Speaks to one endpoint. Reading verbs raise RemoteUnreachable or RemoteRefused; telling ones give an Outcome."""

    capabilities: frozenset[str]

    def __init__(self, url: str, token: str) -> None: ...

    def health(self) -> Health:
        """What it serves at this moment."""
        ...

    def place(self, model: str, version: int, content: bytes, sha256: str) -> Outcome:
        """Put a model file where the server reads it; again is the same as once."""
        ...

    def activate(self, model: str, version: int, key: str) -> Outcome:
        """Make a placed version the one that answers; the same key again is the same as once."""
        ...

    def infer(self, model: str, request_id: str, inputs: Mapping[str, Any]) -> float:
        """The score of one row."""
        ...

    def telemetry(self, after: int, boot: str) -> Page:
        """The batches after number `after` of `boot`, which are thereby acknowledged."""
        ...


class KeepsAnchors(Protocol):
    """What an adapter with the capability `anchors` does as well: keep the heads of ledgers where no console writes."""

    def keep_anchor(self, origin: str, anchor: Anchor) -> Outcome:
        """Give an anchor of the home named `origin` to keep; again is the same as once."""
        ...

    def kept_anchors(self, origin: str) -> list[Anchor]:
        """What it was given for a home, oldest first and old ones thinned out; none where it was given nothing."""
        ...


class KeepsOnline(Protocol):
    """What an adapter with the capability `online` does as well: keep what its models look aggregates up in."""

    def keep_online(self, view: str, version: int, content: bytes, sha256: str) -> Outcome:
        """Give the online state of a view's version; an older one than is there changes nothing."""
        ...


def connect(endpoint: Endpoint) -> Adapter:
    """The adapter of an endpoint, with a connection that is kept for the next call.

    The token is resolved at each use, so a changed one is a new connection. Raises NotFound where no such adapter is
    installed, and what `secrets.resolve` raises.
    """
    return _connected(endpoint.adapter, endpoint.url, secrets.resolve(endpoint.token_ref))


@lru_cache(maxsize=64)
def _connected(adapter: str, url: str, token: str) -> Adapter:
    return adapter_class(adapter)(url, token)


def adapter_class(name: str) -> type[Adapter]:
    """The class behind an adapter's name, found by entry point. Raises NotFound naming those installed."""
    found: type[Adapter] = installed(GROUP, name, "adapter")
    return found
