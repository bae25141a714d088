"""Kept evaluation reports: written once, with their ledger event, and read by version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.measures.tasks import HEADLINES
from core.store import Row, Store, Tx

PARITY = "parity"
ADD = """INSERT INTO evaluation(model, version, snapshot_id, purpose, report, created_us)
VALUES (?, ?, ?, ?, ?, ?)"""
ONE = "SELECT * FROM evaluation WHERE id = ?"
NEWEST = """SELECT * FROM evaluation
WHERE model = ? AND version = ? AND iif(? IS NULL, purpose <> 'parity', purpose = ?) ORDER BY id DESC LIMIT 1"""


@dataclass(frozen=True)
class Evaluation:
    """A kept report; `purpose` is "holdout", "later" or "seen" (see `core.evaluation.rows`)."""

    id: int
    model: str
    version: int
    snapshot_id: int | None
    purpose: str
    report: dict[str, Any]
    created_us: int

    @classmethod
    def of(cls, row: Row) -> Evaluation:
        """The report of a row of its table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "report"}
        return cls(report=json.loads(row["report"]), **plain)


def keep(desk: Desk, model: str, version: int, snapshot_id: int | None, report: Mapping[str, Any]) -> Evaluation:
    """Keep a report, with an event `model.evaluated` of its key figures."""
    text = json.dumps(report, sort_keys=True, allow_nan=False)
    with desk.write() as tx:
        values = (model, version, snapshot_id, report["purpose"], text, desk.now_us())
        number = tx.execute(ADD, values).lastrowid
        names = ("purpose", "snapshot", "rows", "seen")
        headline = HEADLINES[report["task"]].first[0]
        data = {**{name: report[name] for name in names}, headline: report["metrics"][headline]["value"]}
        desk.record(tx, "model.evaluated", model=model, version=version, data=data)
        row = tx.one(ONE, (number,))
        assert row is not None
        return Evaluation.of(row)


def keep_parity(desk: Desk, model: str, version: int, report: Mapping[str, Any]) -> None:
    """Keep what a replay of served requests has found: `rows` replayed, `differing` of them. Gates ask for it."""
    with desk.write() as tx:
        text = json.dumps({**report, "purpose": PARITY}, sort_keys=True, allow_nan=False)
        tx.execute(ADD, (model, version, None, PARITY, text, desk.now_us()))
        desk.record(tx, "model.replayed", model=model, version=version, data=dict(report))


def newest(store: Store | Tx, model: str, version: int, purpose: str | None = None) -> Evaluation | None:
    """The newest report of a version, of one purpose where given, else of any that measures; None where none is."""
    row = store.one(NEWEST, (model, version, purpose, purpose))
    return Evaluation.of(row) if row else None
