"""Collect what endpoints counted: each batch once, its cursor moved in the transaction that adds it."""

from __future__ import annotations

from dataclasses import dataclass, field

from core import crashpoint
from core.access.sensitive import Vault
from core.clock import SECOND
from core.desk import Desk
from core.endpoints import breaker, rows
from core.endpoints.adapter import Adapter, Batch, Page, connect
from core.endpoints.ingest import add_batches
from core.endpoints.rows import Endpoint
from core.errors import TocsinError
from core.store import Tx

# An endpoint that has nothing to tell is noted as seen this often, not at every turn.
SEEN_EVERY_US = 10 * SECOND
PAGES_AT_ONCE = 100


@dataclass
class Pulled:
    """How many batches and predictions came in, and why nothing came from an endpoint, by its name."""

    batches: int = 0
    predictions: int = 0
    errors: dict[str, str] = field(default_factory=dict)


def pull(desk: Desk, endpoint: str | None = None) -> Pulled:
    """Collect from one endpoint, or from all that are not paused nor left alone by their breaker.

    An endpoint that does not answer is noted on its row and in `errors`; the others are collected all the same.
    Raises NotFound for an endpoint that does not exist, StoreUnusable.
    """
    pulled = Pulled()
    chosen = rows.endpoints(desk.store) if endpoint is None else [rows.endpoint(desk.store, endpoint)]
    for one in chosen:
        left_alone = endpoint is None and breaker.is_open(one, desk.now_us())
        if not one.paused and not left_alone:
            _pull_one(desk, one, pulled)
    return pulled


def _pull_one(desk: Desk, endpoint: Endpoint, pulled: Pulled) -> None:
    for _ in range(PAGES_AT_ONCE):
        try:
            page = _fetch(connect(endpoint), endpoint)
        except TocsinError as error:
            pulled.errors[endpoint.name] = error.message
            with desk.write() as tx:
                breaker.failed(tx, endpoint, desk.now_us(), error.message)
            return
        crashpoint.at("telemetry.fetched")
        endpoint = _take(desk, endpoint, page, pulled)
        if not page.more:
            return


def _fetch(adapter: Adapter, endpoint: Endpoint) -> Page:
    return adapter.telemetry(endpoint.cursor, endpoint.boot or "")


def _take(desk: Desk, endpoint: Endpoint, page: Page, pulled: Pulled) -> Endpoint:
    after = endpoint.cursor if page.boot == endpoint.boot else 0
    fresh = [batch for batch in page.batches if batch.seq > after]
    now = desk.now_us()
    known = page.boot == endpoint.boot and endpoint.error is None and endpoint.seen_us is not None
    if not fresh and known and now - (endpoint.seen_us or 0) < SEEN_EVERY_US:
        return endpoint
    with desk.write() as tx:
        # Another process may have collected meanwhile: what it has added is not added again.
        current = rows.endpoint(tx, endpoint.name)
        if (current.boot, current.cursor) != (endpoint.boot, endpoint.cursor):
            return current
        pulled.predictions += add_batches(tx, Vault(desk.home), endpoint.name, fresh)
        pulled.batches += len(fresh)
        crashpoint.at("telemetry.counted")
        cursor = max([after, *(batch.seq for batch in fresh)])
        tx.execute(rows.SET_CURSOR, (page.boot, cursor, endpoint.name))
        breaker.answered(tx, current, now, page.now_us - now)
        _note(desk, tx, endpoint, page, fresh)
        return rows.endpoint(tx, endpoint.name)


def _note(desk: Desk, tx: Tx, endpoint: Endpoint, page: Page, fresh: list[Batch]) -> None:
    denied = sum(each.vec[0] for batch in fresh for each in batch.counts if each.kind == "auth" and each.vec)
    if denied:
        desk.record(tx, "access.denied", endpoint=endpoint.name, data={"count": denied})
    if page.lost:
        said = f"it was not collected in time and had to drop {page.lost} batches or predictions"
        tx.execute(rows.SET_ERROR, (said, endpoint.name))
