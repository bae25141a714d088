"""Give each open incident the runbook that applies to it."""

from __future__ import annotations

from core.desk import Desk
from core.incidents.rows import Incident, change
from core.runbooks.library import applying

WITHOUT = """SELECT * FROM incident WHERE runbook IS NULL AND state IN ('triage', 'active') ORDER BY id"""


def link(desk: Desk) -> list[int]:
    """Link the incidents that have none yet; returns their numbers. One query where there is nothing to do.

    An incident that no runbook applies to gets an empty one, so that it is not looked at again.
    """
    from core.endpoints import deploy

    linked = []
    for row in desk.store.read(WITHOUT):
        found = Incident.of(row)
        active = deploy.active(desk.store, found.endpoint, found.model)
        book = applying(desk.home, found.family, found.model, active.version if active else None)
        with desk.write() as tx:
            change(tx, found.id, runbook=book.id if book else "")
        linked += [found.id] if book else []
    return linked
