"""The verbs that change something: only an action may run them, and only when a person said so."""

from __future__ import annotations

from core.desk import Desk
from core.endpoints import deploy
from core.errors import TocsinError
from core.incidents import postmortem, states
from core.runbooks.outcome import Outcome
from core.runbooks.words import Words


def inc_ack(desk: Desk, words: Words) -> Outcome:
    """Acknowledge; doing it twice changes nothing."""
    found = states.ack(desk, words.number(0))
    return Outcome(True, (f"INC-{found.id} is acknowledged by {found.acked_by}",), {"state": found.state})


def inc_note(desk: Desk, words: Words) -> Outcome:
    """Write a note on the timeline."""
    states.note(desk, words.number(0), " ".join(words.values[1:]))
    return Outcome(True, ("noted",))


def inc_move(desk: Desk, words: Words) -> Outcome:
    """Move an incident to another state."""
    found = states.move(desk, words.number(0), words.text(1), reason=words.option("reason") or "by a runbook")
    return Outcome(True, (f"INC-{found.id} is {found.state}",), {"state": found.state})


def inc_postmortem(desk: Desk, words: Words) -> Outcome:
    """Make the postmortem's blocks anew and keep it; what people wrote stays."""
    text = postmortem.save(desk, words.number(0))
    return Outcome(True, (f"kept, {len(text.splitlines())} lines: `tocsin inc postmortem {words.number(0)}` shows it",))


def deploy_rollback(desk: Desk, words: Words) -> Outcome:
    """Ask for the rollback and try to deliver it at once; queued is told apart from applied."""
    endpoint, model = words.option("endpoint") or "", words.text(0)
    to, number = words.option("to"), words.option("incident")
    asked = deploy.rollback(
        desk,
        endpoint,
        model,
        to=int(to) if to and to.isdigit() else None,
        reason=words.option("reason") or "a runbook's step",
        incident=int(number) if number and number.isdigit() else None,
    )
    lines = [f"asked {endpoint} to go back to v{asked.version}", *_delivered(desk, endpoint)]
    active = deploy.active(desk.store, endpoint, model)
    applied = active is not None and active.version == asked.version
    lines.append("applied on the endpoint" if applied else "queued: not yet applied on the endpoint")
    return Outcome(True, tuple(lines), {"target": asked.version, "applied": applied})


def _delivered(desk: Desk, endpoint: str) -> list[str]:
    """What a delivery says; a failed one leaves the request in the outbox, where the daemon finds it."""
    from core.endpoints.deliver import deliver

    try:
        deliver(desk, endpoint=endpoint, owner="runbook")
    except TocsinError as error:
        return [f"not delivered yet: {error.message}"]
    return []


def endpoint_pause(desk: Desk, words: Words) -> Outcome:
    """Stop sending to an endpoint and reading from it."""
    from core.endpoints.verbs import pause

    pause(desk, words.text(0))
    return Outcome(True, (f"{words.text(0)} is paused",))


def endpoint_resume(desk: Desk, words: Words) -> Outcome:
    """Send to an endpoint and read from it again."""
    from core.endpoints.verbs import resume

    resume(desk, words.text(0))
    return Outcome(True, (f"{words.text(0)} is resumed",))
