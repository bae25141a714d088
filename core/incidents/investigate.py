"""The first look at a new incident: suspects, class, and what would help, written down together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.clock import DAY
from core.desk import Desk
from core.incidents.classify import Finding, classify
from core.incidents.evidence import Switch, compare, input_lines
from core.incidents.helps import Help, helps
from core.incidents.rows import Incident, Suspect, change, incident, put_suspects
from core.incidents.suspects import rank, ranked, switch_of

if TYPE_CHECKING:
    from core.monitor.skew import Skew

# What a measured change of the inputs is worth as a suspect where no deploy explains it.
INPUTS_CHANGED = 0.9


@dataclass(frozen=True)
class Inquiry:
    """What looking found."""

    suspects: list[Suspect]
    finding: Finding
    help: Help


def investigate(desk: Desk, number: int) -> Inquiry:
    """Rank the suspects of an incident, name its class and what would help; looking again replaces the last look.

    What cannot be measured is said in the evidence and stops nothing. Raises NotFound.
    """
    found = incident(desk.store, number)
    listed, switch, told = _look(desk, found)
    finding = classify(found, listed, switch, told)
    # Scoring may load the training library: no transaction is held meanwhile.
    help_ = helps(desk, found, listed, score=switch is not None and found.family == "quality")
    if switch is not None:
        listed[0] = replace(listed[0], evidence=(*listed[0].evidence, *help_.evidence))
    with desk.write() as tx:
        put_suspects(tx, number, listed)
        change(tx, number, **{"class": finding.name, "class_evidence": finding.text})
        data = _told(listed, finding, help_)
        desk.record(tx, "incident.suspects", model=found.model, endpoint=found.endpoint, incident=number, data=data)
    return Inquiry(listed, finding, help_)


def _look(desk: Desk, found: Incident) -> tuple[list[Suspect], Switch | None, Skew | None]:
    listed = rank(desk, found)
    switch = switch_of(desk.store, found, listed[0]) if listed else None
    if switch is not None and switch.active:
        told, lines = compare(desk, found, switch)
        listed[0] = replace(listed[0], evidence=(*lines, *listed[0].evidence))
        return listed, switch, told
    return _look_at_inputs(desk, found, listed)


def _look_at_inputs(desk: Desk, found: Incident, listed: list[Suspect]) -> tuple[list[Suspect], None, Skew | None]:
    """Without a deploy, what the active version was sent on both sides of the impact start is a suspect of its own."""
    from core.endpoints import deploy

    active = deploy.active(desk.store, found.endpoint, found.model)
    if active is None:
        return listed, None, None
    # Quality is judged over days: a day before the detection is enough to see other inputs, one bad hour is not.
    since = min(found.impact_us, found.detected_us - DAY) if found.family == "quality" else found.impact_us
    told, _ = compare(desk, found, Switch(0, since, active.version, active.version, True))
    if told is not None and told.same_inputs is False:
        title = f"inputs changed: {told.ks_feature}"
        changed = Suspect(0, None, "data", title, INPUTS_CHANGED, found.impact_us, tuple(input_lines(told)))
        listed = ranked([changed, *listed])
    return listed, None, told


def _told(listed: list[Suspect], finding: Finding, help_: Help) -> dict[str, Any]:
    named = [{"kind": one.kind, "title": one.title, "score": one.score, "event": one.event} for one in listed]
    return {"suspects": named, "class": finding.name, "evidence": list(finding.lines), "helps": help_.line}
