"""The rows of objectives and of their quality slices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import takewhile

from core.clock import HOUR, MINUTE
from core.errors import NotFound
from core.ledger.chain import canonical
from core.slo import budget
from core.slo.rules import Objective, Rule, rules_of
from core.slo.windows import Window, from_catalogue
from core.store import Row, Store, Tx

MEASURES = ("availability", "latency", "quality", "missing")
# Quality is judged once an hour: the least window that its rules can use.
SLICE_US = HOUR

ALL = "SELECT * FROM slo WHERE retired_us IS NULL ORDER BY id"
BY_NAME = "SELECT * FROM slo WHERE name = ?"
INSERT = """INSERT INTO slo(name, model, endpoint, measure, target, window_us, calendar, critical, spec, created_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
RETIRE = "UPDATE slo SET retired_us = ? WHERE id = ?"
MODEL = "SELECT 1 FROM model WHERE name = ?"
ENDPOINT = "SELECT state, seen_us FROM endpoint WHERE name = ?"
SERVING = """SELECT version, applied_us FROM deployment
WHERE endpoint = ? AND model = ? AND applied_us <= ? ORDER BY applied_us DESC, id DESC"""
ADD_SLICE = "INSERT INTO slice(slo, start_us, good, value, n) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
LAST_SLICE = "SELECT max(start_us) AS last FROM slice WHERE slo = ?"
SLICES = "SELECT start_us, good, value, n FROM slice WHERE slo = ? AND start_us >= ? AND start_us < ? ORDER BY start_us"


@dataclass(frozen=True)
class Slo:
    """An objective: which share of a measure's events may be bad over a window, for one model on one endpoint.

    Events are requests, or for `quality` the hours: good are those whose AUC over the `trailing_us` before their end,
    of at least `min_labels` labelled predictions, was at least `at_least`. `id` is 0 before it is saved.
    """

    id: int
    name: str
    model: str
    endpoint: str
    measure: str
    target: Fraction
    window: Window
    critical: bool
    threshold_ms: float | None
    at_least: float | None
    trailing_us: int
    min_labels: int
    created_us: int
    retired_us: int | None = None

    @property
    def slice_us(self) -> int:
        """The least window that holds a measurement of it."""
        return SLICE_US if self.measure == "quality" else MINUTE

    @cached_property
    def objective(self) -> Objective:
        """What the rules need to know of it."""
        return Objective(self.target, self.window, self.critical, self.slice_us)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that watch it."""
        return rules_of(self.objective)[0]

    @property
    def told(self) -> tuple[str, ...]:
        """What was clamped or left out of its rules, in sentences."""
        return rules_of(self.objective)[1]

    @property
    def bad_events(self) -> str:
        """What a bad event is, for people: `requests over 300 ms`."""
        if self.measure == "latency":
            return f"requests over {self.threshold_ms:g} ms"
        if self.measure == "quality":
            return f"hours with AUC under {self.at_least:g}"
        return "requests failed" if self.measure == "availability" else "requests with a missing feature"


@dataclass(frozen=True)
class Serving:
    """The version an endpoint serves, and since when."""

    version: int
    since_us: int


@dataclass(frozen=True)
class Slice:
    """An hour of a quality objective: AUC `value` of `n` labelled predictions; `good` is None where n is too few."""

    start_us: int
    good: bool | None
    value: float | None
    n: int


def _slo(row: Row) -> Slo:
    return _parsed(*(row[name] for name in row.keys()))  # noqa: SIM118 (a driver row iterates its values)


@lru_cache(maxsize=256)
def _parsed(
    slo_id: int,
    name: str,
    model: str,
    endpoint: str,
    measure: str,
    target: str,
    window_us: int,
    calendar: str | None,
    critical: int,
    spec: str,
    created_us: int,
    retired_us: int | None,
) -> Slo:
    extra = json.loads(spec)
    return Slo(
        slo_id,
        name,
        model,
        endpoint,
        measure,
        budget.parse_target(target),
        from_catalogue(window_us, calendar),
        bool(critical),
        extra.get("threshold_ms"),
        extra.get("at_least"),
        extra["trailing_us"],
        extra["min_labels"],
        created_us,
        retired_us,
    )


def insert(tx: Tx, slo: Slo) -> int:
    """Write an objective; returns its number."""
    spec = {"trailing_us": slo.trailing_us, "min_labels": slo.min_labels}
    given = {"threshold_ms": slo.threshold_ms, "at_least": slo.at_least}
    spec_text = canonical({**spec, **{name: value for name, value in given.items() if value is not None}})
    window = (slo.window.length_us, slo.window.calendar, int(slo.critical), spec_text, slo.created_us)
    target = budget.decimal_text(slo.target)
    return int(tx.execute(INSERT, (slo.name, slo.model, slo.endpoint, slo.measure, target, *window)).lastrowid)


def slos(store: Store) -> list[Slo]:
    """The objectives that are watched, in the order they were added."""
    return [_slo(row) for row in store.read(ALL)]


def slo(store: Store, name: str) -> Slo:
    """One objective by name, retired or not. Raises NotFound."""
    row = store.one(BY_NAME, (name,))
    if row is None:
        raise NotFound(f"there is no objective {name!r}", "`tocsin slo list` shows them")
    return _slo(row)


def serving(store: Store, endpoint: str, model: str, at_us: int) -> Serving | None:
    """What the endpoint served at an instant; None where nothing had been deployed by then.

    Applying the version that is served already changes nothing; a rollback begins anew, because what a version once
    did does not prove that it does so again.
    """
    rows = store.read(SERVING, (endpoint, model, at_us))
    if not rows:
        return None
    run = list(takewhile(lambda row: row["version"] == rows[0]["version"], rows))
    return Serving(int(run[-1]["version"]), int(run[-1]["applied_us"]))


def slices(store: Store, slo_id: int, from_us: int, to_us: int) -> list[Slice]:
    """The slices of a quality objective that begin in [from, to), oldest first."""
    rows = store.read(SLICES, (slo_id, from_us, to_us))
    return [
        Slice(row["start_us"], None if row["good"] is None else bool(row["good"]), row["value"], row["n"])
        for row in rows
    ]


def add_slices(tx: Tx, slo_id: int, found: Sequence[Slice]) -> None:
    """Write slices; one that exists already stays as it was."""
    good = [None if one.good is None else int(one.good) for one in found]
    tx.executemany(
        ADD_SLICE, [(slo_id, one.start_us, flag, one.value, one.n) for one, flag in zip(found, good, strict=True)]
    )
