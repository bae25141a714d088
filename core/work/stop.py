"""Ask a run to stop, and write that somebody did."""

from __future__ import annotations

from core.desk import Desk
from core.store import Tx
from core.work import rows
from core.work.claim import cancel


def stop(desk: Desk, run_id: int, reason: str = "") -> bool:
    """Cancel a run: at once where it waits, at its next heartbeat where it runs; False where it has ended.

    Raises NotFound.
    """
    with desk.write() as tx:
        found = rows.run(tx, run_id)
        asked = cancel(tx, desk.now_us(), run_id)
        if asked:
            record_stopped(desk, tx, [found], reason)
    return asked


def record_stopped(desk: Desk, tx: Tx, stopped: list[rows.Run], reason: str) -> None:
    """Write that runs, as they were before, were asked to stop; those that waited have ended with it."""
    for run in stopped:
        data = {"job": run.id, "kind": run.kind}
        model = run.args.get("model")
        desk.record(tx, "job.cancel_asked", model=model, data={**data, "reason": reason} if reason else data)
        if run.state == "planned":
            desk.record(tx, "job.cancelled", model=model, data=data)
