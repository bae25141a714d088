"""What the endpoint counts: whole minutes in memory, handed over in numbered batches until they are acknowledged."""

from __future__ import annotations

import secrets
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.clock import MINUTE, Clock
from core.counts.histogram import BINS as LATENCY_BINS
from core.counts.histogram import latency_bin
from core.counts.vector import sparse

SCORE_BINS = 256
TOTAL, ERRORS, REJECTED, INCOMPLETE = range(4)
MAX_BATCHES = 3 * 24 * 60
MAX_PREDICTIONS = 100_000
PAGE_PREDICTIONS = 10_000
PAGE_BATCHES = 500
SAMPLE_ONE_IN = 20
SAMPLES_A_MINUTE = 50

# Request id, when, model, version, score. A tuple of plain values costs the garbage collector nothing.
Prediction: TypeAlias = tuple[str, int, str, int, float]


@dataclass
class Tally:
    """One version's counts in the open minute."""

    features: list[list[int]]
    requests: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    latency: dict[int, int] = field(default_factory=dict)
    scores: dict[int, int] = field(default_factory=dict)


@dataclass
class Batch:
    """One closed minute as it goes over the wire."""

    seq: int
    start_us: int
    counts: list[dict[str, Any]]
    predictions: list[Prediction]
    samples: list[list[Any]]

    def wire(self) -> dict[str, Any]:
        """The batch as JSON has it."""
        return dict(vars(self))


class Telemetry:
    """The open minute, and the closed ones nobody has acknowledged yet.

    Memory is bounded: beyond the caps the oldest batch's predictions, then the oldest batches, are dropped, and how
    many is told to whoever reads next. `boot` names this series of numbers: they begin again with another boot.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.boot = secrets.token_hex(8)
        self.lost = {"batches": 0, "predictions": 0}
        self._seq = 0
        self._batches: deque[Batch] = deque()
        self._held = 0
        self._denied = 0
        self._open(clock.now_us())

    def _open(self, now_us: int) -> None:
        self._start_us = now_us - now_us % MINUTE
        self._end_us = self._start_us + MINUTE
        self._tallies: dict[tuple[str, int], Tally] = {}
        self._names: dict[tuple[str, int], Sequence[str]] = {}
        self._predictions: list[Prediction] = []
        self._samples: list[list[Any]] = []

    def now(self) -> int:
        """The clock's time; the open minute is closed first where it is over."""
        now_us = self.clock.now_us()
        if not self._start_us <= now_us < self._end_us:
            self.close()
            self._open(now_us)
        return now_us

    def tally(self, model: str, version: int, names: Sequence[str], sizes: Sequence[int]) -> Tally:
        """The counts of a version in the open minute, made at its first request; call `now` first."""
        key = (model, version)
        found = self._tallies.get(key)
        if found is None:
            found = self._tallies[key] = Tally([[0] * size for size in sizes])
            self._names[key] = names
        return found

    def scored(
        self,
        tally: Tally,
        prediction: Prediction,
        score_bin: int,
        inputs: Mapping[str, Any],
        missing: bool,
        us: float,
    ) -> None:
        """Count one answered request in its model's bin of scores, with the microseconds it took."""
        tally.requests[TOTAL] += 1
        if missing:
            tally.requests[INCOMPLETE] += 1
        place = latency_bin(us)
        tally.latency[place] = tally.latency.get(place, 0) + 1
        tally.scores[score_bin] = tally.scores.get(score_bin, 0) + 1
        if len(self._predictions) < MAX_PREDICTIONS:
            self._predictions.append(prediction)
        else:
            self.lost["predictions"] += 1
        if zlib.crc32(prediction[0].encode()) % SAMPLE_ONE_IN == 0 and len(self._samples) < SAMPLES_A_MINUTE:
            self._samples.append([*prediction, inputs])

    def failed(self, tally: Tally, us: float) -> None:
        """Count one request that the endpoint could not answer though it should have."""
        tally.requests[TOTAL] += 1
        tally.requests[ERRORS] += 1
        place = latency_bin(us)
        tally.latency[place] = tally.latency.get(place, 0) + 1

    def denied(self) -> None:
        """Count one request without a valid token."""
        self.now()
        self._denied += 1

    def close(self) -> None:
        """Close the open minute; one in which nothing happened leaves no batch."""
        counts = [entry for key, tally in self._tallies.items() for entry in _entries(key, self._names[key], tally)]
        if self._denied:
            counts.append(_entry("auth", "", 0, "", [self._denied]))
        if not counts:
            return
        self._seq += 1
        self._batches.append(Batch(self._seq, self._start_us, counts, self._predictions, self._samples))
        self._held += len(self._predictions)
        self._denied = 0
        self._open(self._start_us)
        self._bound()

    def _bound(self) -> None:
        while len(self._batches) > MAX_BATCHES:
            gone = self._batches.popleft()
            self._held -= len(gone.predictions)
            self.lost["batches"] += 1
            self.lost["predictions"] += len(gone.predictions)
        for batch in self._batches:
            if self._held <= MAX_PREDICTIONS:
                return
            self._held -= len(batch.predictions)
            self.lost["predictions"] += len(batch.predictions)
            batch.predictions, batch.samples = [], []

    def page(self, after: int, boot: str) -> dict[str, Any]:
        """Acknowledge the batches up to `after`, close the open minute, and hand over the next batches.

        A number from another boot acknowledges nothing. `more` says that there are batches beyond this page.
        """
        if boot == self.boot:
            self._drop(after)
        self.now()
        self.close()
        chosen: list[Batch] = []
        rows = 0
        for batch in self._batches:
            rows += len(batch.predictions)
            if chosen and (rows > PAGE_PREDICTIONS or len(chosen) >= PAGE_BATCHES):
                break
            chosen.append(batch)
        return {
            "boot": self.boot,
            "now_us": self.clock.now_us(),
            "batches": [batch.wire() for batch in chosen],
            "more": len(chosen) < len(self._batches),
            "lost": dict(self.lost),
        }

    def _drop(self, after: int) -> None:
        while self._batches and self._batches[0].seq <= after:
            self._held -= len(self._batches.popleft().predictions)

    def dump(self) -> dict[str, Any]:
        """Everything not yet acknowledged, for a restart to go on from."""
        self.close()
        return {"boot": self.boot, "seq": self._seq, "batches": [batch.wire() for batch in self._batches]}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Go on from what `dump` gave. Raises KeyError, TypeError or ValueError where it is no such thing."""
        batches = [Batch(**entry) for entry in dumped["batches"]]
        boot, seq = str(dumped["boot"]), int(dumped["seq"])
        self.boot, self._seq, self._batches = boot, seq, deque(batches)
        self._held = sum(len(batch.predictions) for batch in batches)


def _entries(key: tuple[str, int], names: Sequence[str], tally: Tally) -> list[dict[str, Any]]:
    model, version = key
    entries = [_entry("requests", model, version, "", tally.requests)]
    if tally.latency:
        entries.append(_counted("latency", model, version, tally.latency, LATENCY_BINS))
    if tally.scores:
        entries.append(_counted("score", model, version, tally.scores, SCORE_BINS))
        features = zip(names, tally.features, strict=True)
        entries += [_entry("feature", model, version, name, vec) for name, vec in features]
    return entries


def _entry(kind: str, model: str, version: int, name: str, vec: Sequence[int]) -> dict[str, Any]:
    return {"kind": kind, "model": model, "version": version, "name": name, "vec": sparse(vec)}


def _counted(kind: str, model: str, version: int, counts: Mapping[int, int], length: int) -> dict[str, Any]:
    places = sorted(counts)
    vec = {"i": places, "n": [counts[place] for place in places], "len": length}
    return {"kind": kind, "model": model, "version": version, "name": "", "vec": vec}
