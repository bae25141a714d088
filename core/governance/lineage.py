"""Lineage both ways: what a version was made of and what became of it, and what stands on a data set."""

from __future__ import annotations

from collections.abc import Iterator

from core.clock import iso
from core.datasets import rows as datasets
from core.desk import Desk
from core.endpoints import deploy
from core.errors import NotFound
from core.governance.tree import Node
from core.registry import gate, versions, waivers
from core.registry.approval import approvals, trainer
from core.registry.measured import measured
from core.registry.served import served
from core.registry.versions import Version
from core.work import rows as work

EVERY = 1_000_000
CONTRACT = "SELECT version FROM contract WHERE id = ?"
INCIDENTS = """SELECT i.id, i.title, i.state FROM incident i WHERE i.model = :model AND i.endpoint = :endpoint
AND i.impact_us >= :from_us AND i.impact_us < :to_us ORDER BY i.id"""


def of_version(desk: Desk, model: str, number: int | None = None) -> Node:
    """A version with its origin (file, snapshot and contract, view, run) and its consequences (evaluations, gates,
    approvals, waivers, deployments, incidents). Raises NotFound."""
    found = versions.version(desk.store, model, number)
    facts = {"stage": found.stage, "artefact": found.artefact[:12], "made": iso(found.created_us)}
    origin = Node("made of", "", below=tuple(_origin(desk, found)))
    after = Node("then", "", below=(*_judgements(desk, found), *_deployments(desk, found)))
    return Node("version", f"{found.model} v{found.version}", facts, (origin, after))


def of_dataset(desk: Desk, dataset: str, number: int | None = None) -> Node:
    """A data set, or one snapshot of it, with the versions that learned from it and the endpoints that serve them now.

    Raises NotFound.
    """
    asked = (
        datasets.snapshots(desk.store, dataset) if number is None else [datasets.snapshot(desk.store, dataset, number)]
    )
    if not asked:
        raise NotFound(f"there is no data set {dataset!r}", "`tocsin dataset list` shows them")
    return Node("data set", dataset, {}, tuple(_snapshot_down(desk, one) for one in asked))


def _snapshot_down(desk: Desk, snapshot: datasets.Snapshot) -> Node:
    learned = [one for one in versions.versions(desk.store) if one.snapshot_id == snapshot.id]
    return _snapshot(desk, snapshot, tuple(_version_down(desk, one) for one in learned))


def _version_down(desk: Desk, found: Version) -> Node:
    places = [each for each in served(desk.store, found.model) if each.version == found.version]
    below = tuple(Node("served on", each.endpoint, {"since": iso(each.since_us)}) for each in places)
    return Node("version", f"{found.model} v{found.version}", {"stage": found.stage}, below)


def _snapshot(desk: Desk, one: datasets.Snapshot, below: tuple[Node, ...]) -> Node:
    row = desk.store.one(CONTRACT, (one.contract_id,)) if one.contract_id else None
    facts = {"rows": one.rows, "contract": f"v{row['version']}" if row else None, "sha256": one.sha256[:12]}
    return Node("snapshot", f"{one.dataset}/{one.number}", facts, below)


def _origin(desk: Desk, found: Version) -> Iterator[Node]:
    if found.snapshot_id is not None:
        one = datasets.snapshot_by_id(desk.store, found.snapshot_id)
        yield _snapshot(desk, one, (Node("file", one.source),))
    if found.parameters.get("imported_from"):
        origin = found.parameters["imported_from"]
        yield Node("imported from", origin.get("from", origin["format"]), {**origin, "sha256": origin["sha256"][:12]})
    if found.parameters.get("view"):
        yield Node("view", str(found.parameters["view"]))
    by = trainer(desk.store, found.model, found.version)
    if found.run_id is not None:
        yield Node("run", str(found.run_id), {**_run(desk, found.run_id), "by": by})
    if found.parameters.get("search"):
        one = found.parameters["search"]
        tried = {"trial": f"{one['trial']} of {one['trials']}", one["metric"]: f"{one['value']:.5g}"}
        yield Node("search", f"job {one['job']}", tried)
    yield Node("code", found.code[:12] or "unknown", {"python": found.environment.get("python")})


def _run(desk: Desk, number: int) -> dict[str, str | None]:
    try:
        run = work.run(desk.store, number)
    except NotFound:
        return {}
    return {"state": run.state}


def _judgements(desk: Desk, found: Version) -> Iterator[Node]:
    store, model, number = desk.store, found.model, found.version
    for report in measured(store, found):
        yield Node("measured", report.source, {"rows": report.report.get("rows")})
    for result in reversed(gate.results(store, model, number)):
        held = ", ".join(result.named("fail") + result.named("unknown"))
        facts = {"at": iso(result.created_us), "by": result.actor, "not_held": held}
        yield Node("gate", "passed" if result.passed else "not passed", facts)
    for waiver in waivers.waivers(store, model, number):
        yield Node("waived", waiver.rule, {"by": waiver.actor, "until": iso(waiver.until_us), "reason": waiver.reason})
    for one in approvals(store, model, number):
        yield Node("approved by", one.actor, {"at": iso(one.at_us), "reason": one.reason})


def _deployments(desk: Desk, found: Version) -> Iterator[Node]:
    """Each time an endpoint applied it, with the incidents that began to hurt while it was active there."""
    asked = sorted(deploy.history(desk.store, model=found.model, limit=EVERY), key=lambda one: one.id)
    for place, one in enumerate(asked):
        if one.version != found.version:
            continue
        facts = {"state": one.state, "asked": iso(one.requested_us), "reason": one.reason}
        below: tuple[Node, ...] = ()
        if one.applied_us is not None:
            later = [
                o.applied_us for o in asked[place + 1 :] if o.endpoint == one.endpoint and o.applied_us is not None
            ]
            to_us = later[0] if later else desk.now_us() + 1
            below = tuple(_incidents(desk, found.model, one.endpoint, one.applied_us, to_us))
        yield Node(one.kind, one.endpoint, facts, below)


def _incidents(desk: Desk, model: str, endpoint: str, from_us: int, to_us: int) -> Iterator[Node]:
    asked = {"model": model, "endpoint": endpoint, "from_us": from_us, "to_us": to_us}
    for row in desk.store.read(INCIDENTS, asked):
        yield Node("incident", f"INC-{row['id']}", {"title": row["title"], "state": row["state"]})
