"""Read the ledger back as a timeline."""

from __future__ import annotations

from collections.abc import Sequence

from core.ledger.chain import Event
from core.store import Store


def timeline(
    store: Store,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    kinds: Sequence[str] = (),
    model: str | None = None,
    endpoint: str | None = None,
    incident: int | None = None,
    limit: int = 200,
) -> list[Event]:
    """The newest `limit` events that fit every filter given, oldest first; times are half-open [since, until).

    A kind ending in a dot stands for all below it: `deploy.` is every deploy event.
    """
    clauses, params = ["1"], []
    for clause, value in (
        ("at_us >= ?", since_us),
        ("at_us < ?", until_us),
        ("model = ?", model),
        ("endpoint = ?", endpoint),
        ("incident = ?", incident),
    ):
        if value is not None:
            clauses.append(clause)
            params.append(value)
    if kinds:
        tests = ["substr(kind, 1, ?) = ?" if kind.endswith(".") else "kind = ?" for kind in kinds]
        clauses.append("(" + " OR ".join(tests) + ")")
        for kind in kinds:
            params.extend([len(kind), kind] if kind.endswith(".") else [kind])
    sql = f"SELECT * FROM event WHERE {' AND '.join(clauses)} ORDER BY seq DESC LIMIT ?"
    return [Event.of(row) for row in reversed(store.read(sql, [*params, limit]))]
