"""What is asked before a job is cancelled, a version approved, a refused file released or dropped."""

from __future__ import annotations

from console.screens.asking import Asking
from console.subject import Subject
from core.datasets.rows import require_waiting
from core.desk import Desk
from core.errors import CheckFailed
from core.registry.approval import trainer
from core.registry.versions import version
from core.work import rows


def cancelling(desk: Desk, subject: Subject) -> Asking:
    """The question before a job is cancelled. Raises NotFound, CheckFailed for one that has ended."""
    run = rows.run(desk.store, subject.number)
    if run.ended:
        raise CheckFailed(f"job {run.id} has ended already: {run.state}", "x runs it again")
    told = [("job", f"{run.id} {run.kind}"), ("of", subject.model or "-")]
    told += [("effect", "it ends now" if run.state == "planned" else "it ends at its next heartbeat; nothing is kept")]
    steps = (f"ask job {run.id} to stop", "write job.cancel_asked to the ledger with it")
    return Asking("CANCEL JOB", "cancel it", desk.settings.environment, told, steps)


def approving(desk: Desk, subject: Subject) -> Asking:
    """The question before a version is approved: four eyes. Raises NotFound."""
    found = version(desk.store, subject.model, subject.number)
    by = trainer(desk.store, subject.model, subject.number)
    told = (
        ("model", subject.model),
        ("version", f"v{found.version}, {found.stage}"),
        ("trained by", by or "nobody the ledger knows"),
        ("approved by", desk.actor),
        ("effect", "a critical model may be deployed once its gate has passed as well"),
    )
    steps = (
        f"check that {desk.actor} may approve and has not trained it",
        f"keep the approval of {subject.model} v{found.version}",
        "write model.approved to the ledger with it",
    )
    return Asking("APPROVE", "approve", desk.settings.environment, told, steps)


def deciding(desk: Desk, subject: Subject, verb: str, reason: str) -> Asking:
    """The question before a refused file is released or dropped. Raises NotFound, CheckFailed where it has ended."""
    found = require_waiting(desk.store, subject.number)
    released = verb == "release"
    effect = "a snapshot is made although it breaks its contract" if released else "it never becomes a snapshot"
    told = (
        ("data set", found.dataset),
        ("entry", f"{found.id}: {found.source}"),
        ("refused", found.reason),
        ("reason", reason),
        ("effect", effect),
    )
    first = "read the kept bytes and make a snapshot of them" if released else "end its waiting; bytes and report stay"
    last = f"write dataset.{'released' if released else 'dropped'} to the ledger with it, and who and why"
    steps = (f"check that entry {found.id} waits and {desk.actor} may do it", first, last)
    title, words = ("RELEASE FROM QUARANTINE", "release") if released else ("DROP", "drop")
    return Asking(title, words, desk.settings.environment, told, steps)
