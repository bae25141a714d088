"""Parity of aggregates: what was looked up for a served request against the offline store at the same instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.desk import Desk
from core.features.aggregate import values_at
from core.features.lookups import Lookup, Lookups
from core.features.materialise import offline
from core.features.online import KEPT_US
from core.features.window import key_text
from core.measures.values import NAN
from core.monitor.samples import Sample


def unequal(desk: Desk, lookups: Lookups, found: Sequence[Sample]) -> Iterator[tuple[int, str, float, float]]:
    """The places of samples with an aggregate that differs, its name, and the value served and offline.

    A sample tells under the view's name when it was asked for and how far each aggregate was materialised; one that
    tells nothing was not looked up. Raises NotFound where a part of the offline store is gone.
    """
    told = [(place, one, one.inputs[lookups.text]) for place, one in enumerate(found) if lookups.text in one.inputs]
    for lookup in lookups.aggregates:
        wanted = _offline(desk, lookups, lookup, [(one.inputs, *by) for _, one, by in told])
        for (place, one, _), right in zip(told, wanted, strict=True):
            value = one.inputs.get(lookup.name)
            left = NAN if value is None else float(value)
            if left != right and not (left != left and right != right):
                yield place, lookup.name, left, right


def _offline(
    desk: Desk, lookups: Lookups, one: Lookup, asked: Sequence[tuple[Mapping[str, Any], int, Mapping[str, int]]]
) -> list[float]:
    import numpy as np

    keys = [key_text(*map(inputs.get, one.key)) for inputs, _, _ in asked]
    instants = [_instant(lookups, at_us, reach.get(one.name)) for _, at_us, reach in asked]
    names = [*dict.fromkeys(key for key in keys if key is not None)]
    codes = np.array([-1 if key is None else names.index(key) for key in keys], dtype=np.int64)
    events = offline(desk, lookups.view, lookups.version, one.name)
    found = values_at(events, one.how, one.over_us, names, codes, np.array(instants, dtype=np.int64))
    return list(found.tolist())


def _instant(lookups: Lookups, at_us: int, to_us: int | None) -> int:
    """The instant that a request's aggregate is of; -1 where it was missing to it."""
    stale = lookups.stale_after_us
    if to_us is None or at_us < to_us - KEPT_US or (stale is not None and at_us - to_us > stale):
        return -1
    return min(at_us, to_us)
