"""Make trackers known and forget them again."""

from __future__ import annotations

from core.access import secrets
from core.desk import Desk
from core.endpoints.verbs import NAME, require_url
from core.errors import BadInput
from core.tracking import rows
from core.tracking.adapter import tracker_class
from core.tracking.rows import Tracked
from core.work import outbox

EXPERIMENT = "tocsin"


def check(name: str, kind: str, url: str, token_ref: str, experiment: str) -> str:
    """The token's reference in its lasting form. Raises BadInput for what does not fit, NotFound for the kind."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a tracker", "use letters, digits, dots, dashes and underscores")
    require_url(url)
    tracker_class(kind)
    if not experiment.strip() or len(experiment) > 200:
        raise BadInput(f"{experiment!r} is no name for an experiment", "use at most 200 characters")
    return secrets.checked(token_ref) if token_ref else ""


def add(desk: Desk, name: str, kind: str, url: str, *, token_ref: str = "", experiment: str = EXPERIMENT) -> Tracked:
    """Make a tracker known, or give a known one another address; it is told of versions registered from now on.

    Raises BadInput for a name, URL, experiment or token reference that does not fit, NotFound for an unknown kind.
    """
    token_ref = check(name, kind, url, token_ref, experiment)
    with desk.write() as tx:
        known = tx.one(rows.ONE, (name,)) is not None
        tx.execute(rows.SAVE, (name, kind, url.rstrip("/"), token_ref, experiment, desk.now_us()))
        desk.record(tx, "tracking.added", data={"tracker": name, "kind": kind, "changed": known})
        return rows.tracker(tx, name)


def remove(desk: Desk, name: str) -> int:
    """Forget a tracker; returns how many messages that waited for it are never sent. Raises NotFound."""
    with desk.write() as tx:
        found = rows.tracker(tx, name)
        waiting = [each for each in outbox.waiting(tx, found.line) if each.state == "waiting"]
        for message in waiting:
            outbox.drop(tx, desk.now_us(), message, "dropped: its tracker was removed")
        tx.execute(rows.REMOVE, (name,))
        desk.record(tx, "tracking.removed", data={"tracker": name, "dropped": len(waiting)})
    return len(waiting)
