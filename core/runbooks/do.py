"""The verbs that change something: only an action may run them, and only when a person said so."""

from __future__ import annotations

from core.desk import Desk
from core.endpoints import deploy
from core.incidents import postmortem, states
from core.incidents.rows import incident
from core.runbooks.outcome import Outcome
from core.runbooks.words import Words

ASKED = """SELECT version, state FROM deployment
WHERE endpoint = ? AND model = ? AND kind = 'rollback' AND requested_us >= ? ORDER BY id DESC LIMIT 1"""


def inc_ack(desk: Desk, words: Words) -> Outcome:
    """Acknowledge; doing it twice changes nothing."""
    found = states.ack(desk, words.number(0))
    return Outcome(True, (f"INC-{found.id} is acknowledged by {found.acked_by}",), {"state": found.state})


def was_acked(desk: Desk, words: Words, since_us: int) -> Outcome:
    """Whether somebody has it."""
    found = incident(desk.store, words.number(0))
    by = f"acknowledged by {found.acked_by}" if found.acked_us is not None else "not acknowledged"
    return Outcome(found.acked_us is not None, (f"INC-{found.id} is {by}",))


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
    text = postmortem.generate(desk, words.number(0))
    return Outcome(True, (f"kept, {len(text.splitlines())} lines: `tocsin inc postmortem {words.number(0)}` shows it",))


def deploy_rollback(desk: Desk, words: Words) -> Outcome:
    """Ask for the rollback and try to deliver it at once; queued is told apart from applied."""
    from core.endpoints.deliver import deliver

    endpoint, model = words.option("on") or "", words.text(0)
    to, number = words.option("to"), words.option("incident")
    asked = deploy.rollback(
        desk,
        endpoint,
        model,
        to=int(to) if to and to.isdigit() else None,
        reason=words.option("reason") or "a runbook's step",
        incident=int(number) if number and number.isdigit() else None,
    )
    # What cannot be delivered now stays in the outbox, where the daemon finds it.
    deliver(desk, endpoint=endpoint, owner="runbook", early=True)
    lines = [f"asked {endpoint} to go back to v{asked.version}"]
    active = deploy.active(desk.store, endpoint, model)
    applied = active is not None and active.version == asked.version
    lines.append("applied on the endpoint" if applied else "queued: not yet applied on the endpoint")
    return Outcome(True, tuple(lines), {"target": asked.version, "applied": applied})


def was_rolled_back(desk: Desk, words: Words, since_us: int) -> Outcome:
    """Whether a rollback was asked for since an instant, and how far it came."""
    row = desk.store.one(ASKED, (words.option("on"), words.text(0), since_us))
    if row is None:
        return Outcome(False, ("no rollback was asked for: it did not happen",))
    return Outcome(True, (f"the rollback to v{row['version']} was asked for and is {row['state']}",))


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
