"""Incidents as a list: open ones first, the newest above."""

from __future__ import annotations

from typing import NamedTuple

from core.desk import Desk
from core.store import Row

_OPEN = "state IN ('triage', 'active', 'mitigated', 'monitoring')"
_LIKE = "'INC-' || id || ' ' || title || ' ' || state || ' ' || model LIKE :match"
COUNT = f"SELECT count(*) AS n FROM incident WHERE {_LIKE}"
WINDOW = f"SELECT * FROM incident WHERE {_LIKE} ORDER BY {_OPEN} DESC, id DESC LIMIT :limit OFFSET :offset"
ABOVE = f"""SELECT count(*) AS n FROM incident, (SELECT id AS own, {_OPEN} AS open FROM incident WHERE id = :id) AS here
WHERE {_LIKE} AND ({_OPEN} > here.open OR ({_OPEN} = here.open AND id > here.own))"""


class IncidentRow(NamedTuple):
    """One incident as a line."""

    id: int
    severity: int
    state: str
    model: str
    endpoint: str
    title: str
    impact_us: int
    acked_us: int | None
    acked_by: str | None
    resolved_us: int | None
    runbook: str | None

    @property
    def open(self) -> bool:
        """Whether it still needs somebody."""
        return self.state in ("triage", "active", "mitigated", "monitoring")


def count(desk: Desk, match: str = "") -> int:
    """How many there are, or how many hold the text in number, title, state or model."""
    return int(desk.store.read(COUNT, {"match": f"%{match}%"})[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[IncidentRow]:
    """The incidents from `offset` on."""
    rows = desk.store.read(WINDOW, {"match": f"%{match}%", "limit": limit, "offset": offset})
    return [_row(row) for row in rows]


def position(desk: Desk, incident_id: int, match: str = "") -> int:
    """Where an incident stands in that order."""
    return int(desk.store.read(ABOVE, {"match": f"%{match}%", "id": incident_id})[0]["n"])


def _row(row: Row) -> IncidentRow:
    return IncidentRow(**{name: row[name] for name in IncidentRow._fields})
