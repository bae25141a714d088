"""The rows of incidents and suspects, and the SQL that reads and moves them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import NotFound
from core.store import Row, Store, Tx

OPEN_STATES = ("triage", "active", "mitigated", "monitoring")

_OPEN = "state IN ('triage','active','mitigated','monitoring')"
ONE = "SELECT * FROM incident WHERE id = ?"
ALL = "SELECT * FROM incident ORDER BY id DESC LIMIT ?"
OPEN = f"SELECT * FROM incident WHERE {_OPEN} ORDER BY severity, id"
OPEN_WITH_KEY = f"SELECT * FROM incident WHERE key = ? AND {_OPEN}"
INSERT = """INSERT INTO incident(key, title, severity, state, model, endpoint, family, impact_us, impact_origin,
detected_us, notified_us) VALUES (:key, :title, :severity, 'triage', :model, :endpoint, :family, :impact_us,
:impact_origin, :detected_us, :notified_us)"""
SUSPECTS = "SELECT * FROM suspect WHERE incident = ? ORDER BY rank"
FORGET_SUSPECTS = "DELETE FROM suspect WHERE incident = ?"
PUT_SUSPECT = """INSERT INTO suspect(incident, rank, event, kind, title, score, at_us, evidence)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
ALERTS = "SELECT * FROM alert WHERE incident = ? ORDER BY id"
ALERT = "SELECT * FROM alert WHERE id = ?"
JOIN_ALERT = "UPDATE alert SET incident = ? WHERE id = ?"
SLO = "SELECT * FROM slo WHERE id = ?"
_CHANGEABLE = {
    "title",
    "severity",
    "state",
    "class",
    "class_evidence",
    "impact_us",
    "impact_origin",
    "notified_us",
    "acked_us",
    "acked_by",
    "mitigated_us",
    "resolved_us",
    "closed_us",
    "runbook",
    "merged_into",
    "postmortem",
}


@dataclass(frozen=True)
class Incident:
    """One thing that is wrong for the users of one model on one endpoint, from triage to closed.

    `impact_us` is when users began to feel it and `impact_origin` says how that is known. `severity` 1 is the worst.
    """

    id: int
    key: str
    title: str
    severity: int
    state: str
    model: str
    endpoint: str
    family: str
    klass: str | None
    class_evidence: str | None
    impact_us: int
    impact_origin: str
    detected_us: int
    notified_us: int | None
    acked_us: int | None
    acked_by: str | None
    mitigated_us: int | None
    resolved_us: int | None
    closed_us: int | None
    runbook: str | None
    merged_into: int | None
    postmortem: str | None

    @classmethod
    def of(cls, row: Row) -> Incident:
        """The incident of a row of its table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "klass"}
        return cls(klass=row["class"], **plain)

    @property
    def open(self) -> bool:
        """Whether it still needs somebody."""
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class Suspect:
    """Something that changed before the impact: likely or not, never proven. `event` is its ledger number, if any."""

    rank: int
    event: int | None
    kind: str
    title: str
    score: float
    at_us: int
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Objective:
    """The SLO an alert speaks of, as far as an incident needs it."""

    id: int
    name: str
    measure: str
    target: str
    critical: bool
    spec: Mapping[str, Any]


def incident(store: Store | Tx, number: int) -> Incident:
    """One incident. Raises NotFound."""
    row = store.one(ONE, (number,))
    if row is None:
        raise NotFound(f"there is no incident {number}", "`tocsin inc list` shows them")
    return Incident.of(row)


def incidents(store: Store, *, open_only: bool = False, limit: int = 50) -> list[Incident]:
    """Open ones worst first, or the newest `limit` of all; an empty list where there are none."""
    return [Incident.of(row) for row in (store.read(OPEN) if open_only else store.read(ALL, (limit,)))]


def open_with_key(store: Store | Tx, key: str) -> Incident | None:
    """The open incident of a key, or None."""
    row = store.one(OPEN_WITH_KEY, (key,))
    return Incident.of(row) if row else None


def suspects(store: Store | Tx, number: int) -> list[Suspect]:
    """What was ranked for an incident, most likely first."""
    return [
        Suspect(
            r["rank"],
            r["event"],
            r["kind"],
            r["title"],
            r["score"],
            r["at_us"],
            tuple(json.loads(r["evidence"])["lines"]),
        )
        for r in store.read(SUSPECTS, (number,))
    ]


def alerts_of(store: Store | Tx, number: int) -> list[Row]:
    """The alert rows that joined an incident, oldest first."""
    return store.read(ALERTS, (number,))


def objective(store: Store | Tx, number: int | None) -> Objective | None:
    """The SLO of an alert, or None where the alert has none."""
    row = store.one(SLO, (number,)) if number is not None else None
    if row is None:
        return None
    spec = json.loads(row["spec"])
    return Objective(row["id"], row["name"], row["measure"], row["target"], bool(row["critical"]), spec)


def objective_of(store: Store | Tx, number: int) -> Objective | None:
    """The SLO of the first alert of an incident that has one."""
    for alert in alerts_of(store, number):
        if alert["slo"] is not None:
            return objective(store, alert["slo"])
    return None


def insert(tx: Tx, fields: Mapping[str, Any]) -> int:
    """Write a new incident in triage; returns its number."""
    return int(tx.execute(INSERT, fields).lastrowid)


def change(tx: Tx, number: int, **fields: Any) -> None:
    """Set columns of an incident. Raises ValueError for a column that is not to be changed."""
    if not fields.keys() <= _CHANGEABLE:
        raise ValueError(f"not to be changed: {sorted(fields.keys() - _CHANGEABLE)}")
    columns = ", ".join(f"{name} = :{name}" for name in fields)
    tx.execute(f"UPDATE incident SET {columns} WHERE id = :id", {**fields, "id": number})


def put_suspects(tx: Tx, number: int, ranked: list[Suspect]) -> None:
    """Replace the suspects of an incident."""
    tx.execute(FORGET_SUSPECTS, (number,))
    tx.executemany(
        PUT_SUSPECT,
        [
            (
                number,
                s.rank,
                s.event,
                s.kind,
                s.title,
                s.score,
                s.at_us,
                json.dumps({"lines": s.evidence}, ensure_ascii=False),
            )
            for s in ranked
        ],
    )
