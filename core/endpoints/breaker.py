"""Leave an endpoint alone that does not answer: longer each time, so that one dead server does not hold up the rest."""

from __future__ import annotations

from core.clock import MINUTE, SECOND
from core.endpoints import rows
from core.endpoints.rows import Endpoint
from core.store import Tx

OPENS_AFTER = 3
FIRST_US = 15 * SECOND
LONGEST_US = 5 * MINUTE


def is_open(endpoint: Endpoint, now_us: int) -> bool:
    """Whether it is to be left alone for now. A clock set back does not keep it closed off."""
    return now_us < endpoint.breaker_until_us <= now_us + LONGEST_US


def failed(tx: Tx, endpoint: Endpoint, now_us: int, error: str) -> None:
    """Count a call without an answer, and say on the endpoint why."""
    failures = endpoint.breaker_failures + 1
    beyond = failures - OPENS_AFTER
    until = now_us + min(LONGEST_US, FIRST_US * 2 ** min(beyond, 10)) if beyond >= 0 else 0
    tx.execute(rows.SET_BREAKER, (failures, until, endpoint.name))
    tx.execute(rows.SET_ERROR, (error, endpoint.name))


def answered(tx: Tx, endpoint: Endpoint, now_us: int, skew_us: int | None = None) -> None:
    """Note that it answered: its error is over and its breaker closed."""
    tx.execute(rows.SEEN, (now_us, skew_us, endpoint.name))
    if endpoint.breaker_failures:
        tx.execute(rows.SET_BREAKER, (0, 0, endpoint.name))
