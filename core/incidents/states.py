"""The states of an incident, which moves are valid, and the verbs a person moves it with."""

from __future__ import annotations

from typing import Any

from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.incidents.rows import Incident, change, incident, open_with_key
from core.store import Tx

TRANSITIONS: dict[str, tuple[str, ...]] = {
    "triage": ("active", "mitigated", "monitoring", "resolved", "cancelled", "merged"),
    "active": ("triage", "mitigated", "monitoring", "resolved", "cancelled", "merged"),
    "mitigated": ("active", "monitoring", "resolved", "cancelled", "merged"),
    "monitoring": ("active", "mitigated", "resolved", "cancelled", "merged"),
    "resolved": ("active", "postmortem", "closed"),
    "postmortem": ("active", "closed"),
    "closed": (),
    "cancelled": ("active",),
    "merged": (),
}
# The column that remembers when a state was first reached.
STAMPS = {"mitigated": "mitigated_us", "monitoring": "mitigated_us", "resolved": "resolved_us", "closed": "closed_us"}


def shift(desk: Desk, tx: Tx, found: Incident, to: str, *, reason: str, at_us: int | None = None) -> None:
    """Move an incident in the caller's transaction, with its ledger event.

    Going back to active is a reopening: the times of resolving are taken back. `at_us` is when it really happened.
    Raises CheckFailed for a move that is not valid, or a reopening beside an open one of the same key.
    """
    if to not in TRANSITIONS.get(found.state, ()):
        allowed = ", ".join(TRANSITIONS.get(found.state, ())) or "nothing: that is the end"
        raise CheckFailed(
            f"INC-{found.id} cannot go from {found.state} to {to}", f"from {found.state} it can go to {allowed}"
        )
    if not found.open and to == "active":
        _require_alone(tx, found)
    now = desk.now_us()
    fields: dict[str, Any] = {"state": to}
    stamp = STAMPS.get(to)
    if stamp and getattr(found, stamp) is None:
        fields[stamp] = now if at_us is None else at_us
    if to == "active":
        fields.update(mitigated_us=None, resolved_us=None, closed_us=None)
    change(tx, found.id, **fields)
    data = {"from": found.state, "to": to, "reason": reason}
    _record(desk, tx, found, "incident.moved", data, at_us)


def _require_alone(tx: Tx, found: Incident) -> None:
    other = open_with_key(tx, found.key)
    if other is not None:
        raise CheckFailed(
            f"INC-{found.id} cannot be reopened while INC-{other.id} is open for the same", f"go on with INC-{other.id}"
        )


def move(desk: Desk, number: int, to: str, *, reason: str = "", into: int | None = None) -> Incident:
    """Move an incident by hand; `into` names the other incident when it is merged.

    Raises BadInput for a state that does not exist or a merge without a goal, CheckFailed for an invalid move.
    """
    if to not in TRANSITIONS:
        raise BadInput(f"{to!r} is no state of an incident", f"choose one of {', '.join(TRANSITIONS)}")
    if (to == "merged") != (into is not None):
        raise BadInput("a merge needs the incident it goes into", "add --into NUMBER (and only to a merge)")
    with desk.write() as tx:
        found = incident(tx, number)
        if into is not None:
            _merge(tx, found, into)
        shift(desk, tx, found, to, reason=reason)
    return incident(desk.store, number)


def _merge(tx: Tx, found: Incident, into: int) -> None:
    goal = incident(tx, into)
    if goal.id == found.id or not goal.open:
        raise BadInput(f"INC-{found.id} cannot be merged into INC-{into}", "choose another incident that is still open")
    change(tx, found.id, merged_into=into)
    tx.execute("UPDATE alert SET incident = ? WHERE incident = ?", (into, found.id))


def ack(desk: Desk, number: int) -> Incident:
    """Take an incident: who and when; from triage it becomes active. Taking it twice changes nothing.

    Raises CheckFailed where it is over.
    """
    with desk.write() as tx:
        found = incident(tx, number)
        if not found.open:
            raise CheckFailed(f"INC-{number} is {found.state}", "`tocsin inc move` reopens it where that is possible")
        if found.acked_us is None:
            change(tx, number, acked_us=desk.now_us(), acked_by=desk.actor)
            _record(desk, tx, found, "incident.acked", {"by": desk.actor})
            if found.state == "triage":
                shift(desk, tx, found, "active", reason="acknowledged")
    return incident(desk.store, number)


def unack(desk: Desk, number: int) -> Incident:
    """Undo an acknowledgement: nobody has it any more, and an active incident is back in triage.

    Raises CheckFailed where nobody has acknowledged it.
    """
    with desk.write() as tx:
        found = incident(tx, number)
        if found.acked_us is None:
            raise CheckFailed(f"INC-{number} is not acknowledged", "there is nothing to undo")
        change(tx, number, acked_us=None, acked_by=None)
        _record(desk, tx, found, "incident.unacked", {"by": desk.actor})
        if found.state == "active":
            shift(desk, tx, found, "triage", reason="acknowledgement undone")
    return incident(desk.store, number)


def note(desk: Desk, number: int, text: str) -> int:
    """Write a note on the timeline; returns its ledger number. Raises BadInput for an empty note."""
    if not text.strip():
        raise BadInput("the note is empty", "write what you saw or did")
    with desk.write() as tx:
        return _record(desk, tx, incident(tx, number), "incident.noted", {"text": text.strip()})


def set_impact(desk: Desk, number: int, at_us: int, origin: str) -> Incident:
    """Correct when users began to feel it, with how that is known. Raises BadInput for a time after the detection."""
    with desk.write() as tx:
        found = incident(tx, number)
        if at_us > found.detected_us:
            raise BadInput("the impact cannot start after it was detected", "give an earlier time")
        change(tx, number, impact_us=at_us, impact_origin=origin)
        _record(desk, tx, found, "incident.impact", {"impact_us": at_us, "origin": origin, "was_us": found.impact_us})
    return incident(desk.store, number)


def _record(desk: Desk, tx: Tx, found: Incident, kind: str, data: dict[str, Any], at_us: int | None = None) -> int:
    return desk.record(tx, kind, model=found.model, endpoint=found.endpoint, incident=found.id, data=data, at_us=at_us)
