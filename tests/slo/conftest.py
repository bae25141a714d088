from __future__ import annotations

from collections.abc import Callable

import pytest

from core.clock import MINUTE
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk

Serve = Callable[..., None]


@pytest.fixture
def served(watched: Desk) -> Desk:
    """A desk with a model, and an endpoint that was heard just now and serves version 1 for a day."""
    with watched.write() as tx:
        tx.execute(
            "INSERT INTO deployment(endpoint, model, version, kind, state, requested_us, applied_us) "
            "VALUES ('gate', 'flights', 1, 'deploy', 'applied', 0, ?)",
            (watched.now_us() - 86_400_000_000,),
        )
    return watched


@pytest.fixture
def count(served: Desk) -> Serve:
    """Adds counts to `minutes` whole minutes from `from_us` on, and marks the endpoint as heard at their end."""

    def _count(from_us: int, minutes: int, vec: list[int], kind: str = "requests", version: int = 1) -> None:
        key = SeriesKey(kind, "flights", version, "gate")
        with served.write() as tx:
            for index in range(minutes):
                series.add(tx, key, from_us + index * MINUTE, vec)
            tx.execute("UPDATE endpoint SET seen_us = ?", (from_us + minutes * MINUTE,))

    return _count
