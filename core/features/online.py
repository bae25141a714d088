"""The online state of a view's aggregates: for each key the values of its last window, and the answer at an instant.

A state answers as of its `to_us`, the instant it was materialised to, and for an hour before it: for a request that
was made later than that, what was known at `to_us`. At each of those instants it is the offline value to the last bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.clock import HOUR
from core.features.lookups import Lookups
from core.features.window import key_text, value_at
from core.store import Store, Tx

# A request whose time is before the newest state is answered exactly as far back as this.
KEPT_US = HOUR

REACHED = """SELECT aggregate, max(to_us) AS to_us, max(newest_us) AS newest_us, sum(rows) AS rows, sum(late) AS late
FROM materialisation WHERE view = ? AND version = ? GROUP BY aggregate"""
HISTORIES = "SELECT aggregate, key, history FROM online_value WHERE view = ? AND version = ? ORDER BY aggregate, key"

# When values were known, rising, and the values.
History = tuple[list[int], list[float]]


@dataclass(frozen=True)
class Series:
    """One aggregate up to `to_us`: the history of each key, `key_text` of its values."""

    to_us: int
    keys: Mapping[str, History]


State = Mapping[str, Series]


def reached(store: Store | Tx, view: str, version: int) -> dict[str, int]:
    """The instant that each aggregate of a view is materialised to; those never materialised are not there."""
    return {row["aggregate"]: row["to_us"] for row in store.read(REACHED, (view, version))}


def state_of(store: Store | Tx, view: str, version: int) -> dict[str, Series]:
    """The online state of a view as kept in a home; empty before the first materialisation."""
    found: dict[str, dict[str, History]] = {name: {} for name in reached(store, view, version)}
    for row in store.read(HISTORIES, (view, version)):
        times, values = json.loads(row["history"])
        found[row["aggregate"]][row["key"]] = (times, values)
    return {name: Series(to_us, found[name]) for name, to_us in reached(store, view, version).items()}


def to_wire(state: State) -> dict[str, Any]:
    """A state as JSON has it."""
    return {name: {"to_us": one.to_us, "keys": one.keys} for name, one in sorted(state.items())}


def from_wire(plain: Any) -> dict[str, Series]:
    """What `to_wire` gave, every number checked. Raises KeyError, TypeError, ValueError or AttributeError for less."""
    return {str(name): Series(_whole(one["to_us"]), _histories(one["keys"])) for name, one in plain.items()}


def _histories(plain: Any) -> dict[str, History]:
    return {str(key): _history(*pair) for key, pair in plain.items()}


def _history(times: Any, values: Any) -> History:
    if len(times) != len(values) or any(a > b for a, b in pairwise(times)):
        raise ValueError("the times of a history do not rise with its values")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a value is not finite")
    return [_whole(at) for at in times], [float(value) for value in values]


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(f"{value!r} is no instant")
    return value


def look_up(state: State, lookups: Lookups, inputs: Mapping[str, Any], at_us: int) -> dict[str, float | None]:
    """The aggregates for one request's raw inputs at its time; None for what is missing, too old or too far back."""
    return {
        one.name: _value(state.get(one.name), key_text(*map(inputs.get, one.key)), one.how, one.over_us, at_us, lookups)
        for one in lookups.aggregates
    }


def _value(
    series: Series | None, key: str | None, how: str, over_us: int, at_us: int, lookups: Lookups
) -> float | None:
    if series is None or key is None or at_us < series.to_us - KEPT_US:
        return None
    if lookups.stale_after_us is not None and at_us - series.to_us > lookups.stale_after_us:
        return None
    times, values = series.keys.get(key, ([], []))
    found = value_at(times, values, how, over_us, min(at_us, series.to_us))
    return found if found == found else None
