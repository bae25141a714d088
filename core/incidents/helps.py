"""What would help: whether a rollback is offered, to which version, and what speaks for and against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import DAY, span
from core.desk import Desk
from core.errors import TocsinError
from core.incidents.rows import Incident, Suspect, suspects
from core.incidents.suspects import switch_of

# The newest inputs that the old version's schema is checked against, and how many may lack an input it needs.
LATEST = 100
LACKING = 0.05
SAMPLES = "SELECT inputs FROM sample WHERE model = ? AND endpoint = ? ORDER BY at_us DESC, id DESC LIMIT ?"


@dataclass(frozen=True)
class Help:
    """What to do: `offered` only where a rollback is safe and aims at the first suspect; `line` is it in few words."""

    offered: bool
    target: int | None
    leaving: int | None
    healthy_us: int
    line: str
    evidence: tuple[str, ...]


def helps(desk: Desk, found: Incident, listed: list[Suspect] | None = None, *, score: bool = False) -> Help:
    """Whether a rollback would help an incident.

    It is offered where the first suspect is a deploy that is still active, an earlier version is known to be good, and
    that version's inputs are in today's requests. `listed` are the suspects where they are not stored yet. With
    `score`, both versions are scored on the same recent labelled samples as well, which loads the training library.
    """
    from core.endpoints import deploy

    listed = suspects(desk.store, found.id) if listed is None else listed
    switch = switch_of(desk.store, found, listed[0]) if listed else None
    if switch is None:
        return _no("a rollback would not help: the first suspect is no deploy")
    active = deploy.active(desk.store, found.endpoint, found.model)
    if active is None or active.version != switch.new:
        now = f"v{active.version} is active" if active else "nothing is active"
        return _no(f"v{switch.new} is no longer active: {now}")
    target = deploy.target(desk.store, found.endpoint, found.model)
    if target is None:
        return _no("there is no earlier good version to go back to")
    evidence = [f"v{target.version} served {healthy(target.healthy_us)}"]
    lacking, told = schema_fits(desk, found, target.version)
    evidence.append(told)
    if lacking:
        return Help(False, target.version, switch.new, target.healthy_us, f"no rollback: {told}", tuple(evidence))
    if score:
        evidence.append(_scored(desk, found, target.version, switch.new))
    line = f"rollback to v{target.version} (healthy {healthy(target.healthy_us)})"
    return Help(True, target.version, switch.new, target.healthy_us, line, tuple(evidence))


def _no(line: str) -> Help:
    return Help(False, None, None, 0, line, ())


def healthy(us: int) -> str:
    """How long a version served well: whole days where there are any."""
    return f"{us // DAY} d" if us >= DAY else span(us)


def schema_fits(desk: Desk, found: Incident, version: int) -> tuple[bool, str]:
    """(whether inputs are lacking, what was found): a version's inputs against the newest requests' samples."""
    from core.registry.versions import load_artefact

    try:
        features = [feature.name for feature in load_artefact(desk, found.model, version).features]
    except TocsinError as error:
        return True, f"v{version} cannot be loaded: {error.message}"
    rows = desk.store.read(SAMPLES, (found.model, found.endpoint, LATEST))
    inputs: list[Mapping[str, Any]] = [json.loads(row["inputs"]) for row in rows]
    if not inputs:
        return False, f"no samples of today's inputs to check v{version}'s schema against"
    lacking = [name for name in features if sum(name not in row for row in inputs) > LACKING * len(inputs)]
    if lacking:
        return True, f"v{version} needs {', '.join(lacking)}, which today's inputs lack"
    return False, f"v{version}'s {len(features)} inputs are all in the last {len(inputs)} sampled requests"


def _scored(desk: Desk, found: Incident, old: int, new: int) -> str:
    from core.monitor.skew import would_help

    try:
        told = would_help(desk, found.model, found.endpoint, old, new, desk.now_us())
    except TocsinError as error:
        return f"the versions were not scored side by side: {error.message}"
    if told.auc_old is None or told.auc_new is None:
        return f"too few labelled samples ({told.n}) to score both versions on"
    return f"on the same {told.n} labelled samples: AUC v{old} {told.auc_old:.2f}, v{new} {told.auc_new:.2f}"
