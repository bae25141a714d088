"""Models: what is registered, what is served where, how it does, and how it came to be."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from core.briefing.budgets import Budget, budgets
from core.briefing.header import Header, header
from core.briefing.incident import Moment, Rollback, moment, rollback_of, trends_of
from core.briefing.tell import CHANGES
from core.briefing.trends import DriftDay, Trend, drift_days
from core.briefing.version import Verdict, headline, verdict
from core.desk import Desk
from core.errors import NotFound
from core.ledger import timeline
from core.registry.aliases import aliases
from core.registry.approval import approvals
from core.store import Row

LIKE = "name LIKE :match"
COUNT = f"SELECT count(*) AS n FROM model WHERE {LIKE}"
WINDOW = f"""SELECT m.name, m.task, m.critical,
  (SELECT max(version) FROM model_version v WHERE v.model = m.name) AS newest,
  (SELECT created_us FROM model_version v WHERE v.model = m.name ORDER BY version DESC LIMIT 1) AS newest_us,
  (SELECT group_concat(DISTINCT endpoint) FROM deployment d WHERE d.model = m.name AND d.state = 'applied')
   AS endpoints,
  (SELECT id FROM incident i WHERE i.model = m.name AND i.state IN ('triage', 'active', 'mitigated', 'monitoring')
   ORDER BY severity LIMIT 1) AS incident,
  (SELECT verdict FROM verdict w WHERE w.model = m.name ORDER BY day_us DESC LIMIT 1) AS verdict
FROM model m WHERE {LIKE} ORDER BY name LIMIT :limit OFFSET :offset"""
ABOVE = f"SELECT count(*) AS n FROM model WHERE name < :name AND {LIKE}"
ONE = "SELECT * FROM model WHERE name = ?"
VERSIONS = """SELECT v.*, s.dataset, s.number FROM model_version v LEFT JOIN snapshot s ON s.id = v.snapshot_id
WHERE v.model = ? ORDER BY v.version DESC LIMIT 50"""
DEPLOYMENTS = "SELECT * FROM deployment WHERE model = ? ORDER BY id DESC LIMIT 20"


class Served(NamedTuple):
    """What one endpoint serves of a model: the active version and since when."""

    endpoint: str
    version: int
    since_us: int


class ModelRow(NamedTuple):
    """One model as a line; `incident` is an open one, None where there is none; `verdict` the newest on drift."""

    name: str
    task: str
    critical: bool
    newest: int
    newest_us: int | None
    served: tuple[Served, ...]
    incident: int | None
    verdict: str


class VersionRow(NamedTuple):
    """One version: stage, aliases, the snapshot it was trained on, its hold-out metrics (`headline` the first of them
    with its interval), what the gate says, and who approved it.
    """

    id: int
    stage: str
    snapshot: str
    metrics: dict[str, Any]
    artefact: str
    created_us: int
    headline: str
    aliases: tuple[str, ...]
    verdict: Verdict
    approved_by: tuple[str, ...]


class DeploymentRow(NamedTuple):
    """One deploy or rollback; queued is not applied on the endpoint."""

    id: int
    kind: str
    version: int
    previous: int | None
    endpoint: str
    state: str
    automatic: bool
    reason: str
    requested_us: int
    applied_us: int | None


class ModelPage(NamedTuple):
    """Everything the model's screen shows; `rollback` is what `R` would do on the first endpoint that serves it."""

    header: Header
    row: ModelRow
    label: str
    versions: tuple[VersionRow, ...]
    deployments: tuple[DeploymentRow, ...]
    budgets: tuple[Budget, ...]
    trends: tuple[Trend, ...]
    drift: tuple[DriftDay, ...]
    moments: tuple[Moment, ...]
    rollback: Rollback | None


def count(desk: Desk, match: str = "") -> int:
    """How many models there are, or how many hold the text in their name."""
    return int(desk.store.read(COUNT, {"match": f"%{match}%"})[0]["n"])


def window(desk: Desk, offset: int, limit: int, match: str = "") -> list[ModelRow]:
    """The models from `offset` on, by name."""
    rows = desk.store.read(WINDOW, {"match": f"%{match}%", "limit": limit, "offset": offset})
    return [_row(desk, row) for row in rows]


def position(desk: Desk, name: str, match: str = "") -> int:
    """Where a model stands in that order."""
    return int(desk.store.read(ABOVE, {"name": name, "match": f"%{match}%"})[0]["n"])


def model(desk: Desk, name: str) -> ModelPage:
    """The page of one model. Raises NotFound."""
    own = desk.store.one(ONE, (name,))
    if own is None:
        raise NotFound(f"there is no model {name!r}", "`tocsin model list` shows them")
    row = next(one for one in window(desk, position(desk, name), 1))
    endpoint = row.served[0].endpoint if row.served else ""
    return ModelPage(
        header=header(desk),
        row=row,
        label=own["label"],
        versions=_versions(desk, name, row.task),
        deployments=tuple(_deployment(one) for one in desk.store.read(DEPLOYMENTS, (name,))),
        budgets=tuple(budgets(desk, name)),
        trends=trends_of(desk, name, endpoint) if endpoint else (),
        drift=drift_days(desk, name),
        moments=tuple(moment(event) for event in timeline(desk.store, model=name, kinds=CHANGES, limit=60)),
        rollback=rollback_of(desk, name, endpoint) if endpoint else None,
    )


def _row(desk: Desk, row: Row) -> ModelRow:
    from core.endpoints import deploy

    endpoints = sorted(filter(None, (row["endpoints"] or "").split(",")))
    active = [(endpoint, deploy.active(desk.store, endpoint, row["name"])) for endpoint in endpoints]
    return ModelRow(
        name=row["name"],
        task=row["task"],
        critical=bool(row["critical"]),
        newest=row["newest"] or 0,
        newest_us=row["newest_us"],
        served=tuple(Served(endpoint, one.version, one.since_us) for endpoint, one in active if one),
        incident=row["incident"],
        verdict=(row["verdict"] or "").replace("_", " "),
    )


def _versions(desk: Desk, name: str, task: str) -> tuple[VersionRow, ...]:
    called = aliases(desk.store, name)
    return tuple(_version(desk, row, task, called) for row in desk.store.read(VERSIONS, (name,)))


def _version(desk: Desk, row: Row, task: str, called: dict[str, int]) -> VersionRow:
    model, number, metrics = row["model"], row["version"], dict(json.loads(row["metrics"]))
    return VersionRow(
        id=number,
        stage=row["stage"],
        snapshot=f"{row['dataset']}/{row['number']}" if row["dataset"] else "",
        metrics=metrics,
        artefact=row["artefact"],
        created_us=row["created_us"],
        headline=headline(task, metrics),
        aliases=tuple(alias for alias, at in called.items() if at == number),
        verdict=verdict(desk.store, model, number, desk.now_us()),
        approved_by=tuple(one.actor for one in approvals(desk.store, model, number)),
    )


def _deployment(row: Row) -> DeploymentRow:
    plain = {name: row[name] for name in DeploymentRow._fields if name != "automatic"}
    return DeploymentRow(**plain, automatic=bool(row["automatic"]))
