"""Roll back without a person: a deterministic criterion, once an incident, with a cool-down and a kill switch."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import HOUR, span
from core.desk import Desk
from core.endpoints import deploy
from core.errors import TocsinError
from core.incidents.helps import Help, helps
from core.incidents.rows import OPEN, Incident, suspects
from core.incidents.suspects import switch_of
from core.runbooks.link import link

FAMILIES = ("quality", "availability")
DECIDED = """SELECT 1 FROM event WHERE incident = ? AND (kind = 'rollback.requested'
OR (kind = 'rollback.withheld' AND json_extract(data, '$.reason') LIKE 'shadow%')) LIMIT 1"""
SAID = """SELECT 1 FROM event WHERE incident = ? AND kind = 'rollback.withheld'
AND json_extract(data, '$.reason') = ? LIMIT 1"""
LAST_AUTOMATIC = """SELECT max(requested_us) AS at_us FROM deployment
WHERE model = ? AND endpoint = ? AND kind = 'rollback' AND automatic = 1"""
PAGES = "SELECT 1 FROM alert WHERE incident = ? AND severity = 'page' AND state = 'firing' LIMIT 1"


@dataclass(frozen=True)
class Rolled:
    """What was asked for automatically: the incident, and from which version to which."""

    incident: int
    leaving: int
    target: int


def consider(desk: Desk) -> Rolled | None:
    """Link new incidents to their runbooks, then roll back the first one that meets the criterion, if that is on.

    The criterion: a page on quality or availability fires, the first suspect is a deploy of this model here, still
    active and at most `suspect_within_hours` before the impact, and a known-good version fits today's inputs. In
    shadow mode the ledger says what would have been done. A reason for not doing it is written once an incident.
    """
    link(desk)
    if desk.settings.auto_rollback.mode == "off":
        return None
    for row in desk.store.read(OPEN):
        rolled = _consider(desk, Incident.of(row))
        if rolled is not None:
            return rolled
    return None


def _consider(desk: Desk, found: Incident) -> Rolled | None:
    if found.family not in FAMILIES or found.state not in ("triage", "active"):
        return None
    if desk.store.one(DECIDED, (found.id,)) or not desk.store.one(PAGES, (found.id,)):
        return None
    reason = _against(desk, found)
    if reason is not None:
        if reason:
            _withhold(desk, found, reason)
        return None
    told = helps(desk, found)
    if not told.offered or told.target is None or told.leaving is None:
        _withhold(desk, found, told.line)
        return None
    return _roll_back(desk, found, told, told.leaving, told.target)


def _against(desk: Desk, found: Incident) -> str | None:
    """Why not, from what is cheap to ask; an empty text where the incident is none of ours; None where nothing is."""
    rule = desk.settings.auto_rollback
    listed = suspects(desk.store, found.id)
    switch = switch_of(desk.store, found, listed[0]) if listed else None
    if switch is None:
        return ""
    if found.impact_us - switch.at_us > rule.suspect_within_hours * HOUR:
        return f"the deploy was more than {rule.suspect_within_hours} h before the impact"
    if desk.home.kill_switch_path.exists():
        return "the kill switch is on"
    last = desk.store.one(LAST_AUTOMATIC, (found.model, found.endpoint))
    if last and last["at_us"] is not None and desk.now_us() - last["at_us"] < rule.cooldown_hours * HOUR:
        return f"cool-down: one was made within {span(rule.cooldown_hours * HOUR)}"
    return None


def _roll_back(desk: Desk, found: Incident, told: Help, leaving: int, target: int) -> Rolled | None:
    if desk.settings.auto_rollback.mode == "shadow":
        _withhold(desk, found, f"shadow: would have rolled back to v{target}")
        return None
    reason = f"INC-{found.id}: {told.line}"
    try:
        deploy.rollback(
            desk,
            found.endpoint,
            found.model,
            to=target,
            reason=reason,
            automatic=True,
            incident=found.id,
            expect_active=leaving,
        )
    except TocsinError as error:
        _withhold(desk, found, error.message)
        return None
    return Rolled(found.id, leaving, target)


def _withhold(desk: Desk, found: Incident, reason: str) -> None:
    if desk.store.one(SAID, (found.id, reason)):
        return
    with desk.write() as tx:
        desk.record(
            tx,
            "rollback.withheld",
            model=found.model,
            endpoint=found.endpoint,
            incident=found.id,
            data={"reason": reason},
        )
