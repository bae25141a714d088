"""Let a search that ended early go on, as the same job, with the trials it has kept."""

from __future__ import annotations

from core.desk import Desk
from core.errors import BadInput
from core.work import pipeline, rows
from core.work.claim import Owner
from core.work.kinds import KINDS
from core.work.plan import ATTEMPTS
from core.work.rows import Run
from core.work.runner import Runner
from core.work.stop import stop

SEARCH = "search"


def resume(desk: Desk, job: int, attempts: int = ATTEMPTS) -> Run:
    """Queue the same job again, due now; where the process that ran it is dead, the job is taken back first.

    `attempts` is how often it may crash until it is given up.

    Raises NotFound, BadInput for a job that is no search, still runs, or has succeeded.
    """
    require_search(desk, job)
    owner = Owner(desk.home, "here")
    try:
        Runner(desk, KINDS, owner, only=job).recover()
    finally:
        owner.close()
    found = rows.run(desk.store, job)
    if found.state == "claimed":
        raise BadInput(f"job {job} still runs", f"`tocsin job show {job}` follows it")
    if found.state == "planned":
        # It may wait for its next attempt: ended and begun again, it is due now.
        stop(desk, job)
    return pipeline.retry(desk, job, attempts)


def require_search(desk: Desk, job: int) -> Run:
    """The job. Raises NotFound, and BadInput for one that is no search."""
    found = rows.run(desk.store, job)
    if found.kind != SEARCH:
        raise BadInput(f"job {job} is a {found.kind}", "`tocsin search list` shows the searches")
    return found
