"""A dry run: every step shown as it would be run, and only the checks run; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.desk import Desk
from core.runbooks.book import Runbook
from core.runbooks.conditions import Fact
from core.runbooks.outcome import Outcome
from core.runbooks.perform import perform
from core.runbooks.render import inputs_for
from core.runbooks.rows import Walk
from core.runbooks.trust import require_trusted
from core.runbooks.view import StepView, suggested, view


def rehearse(
    desk: Desk, book: Runbook, incident: int | None, inputs: Mapping[str, str]
) -> Iterator[tuple[StepView, Outcome | None]]:
    """Each step in the order of the file, with what its check found; None for what is not run.

    Raises NotAllowed where the runbook is not trusted, as its checks can start programs; BadInput for inputs.
    """
    require_trusted(desk.store, book)
    values = inputs_for(desk, book, incident, inputs)
    now = desk.now_us()
    facts: dict[str, Fact] = {}
    for step in book.steps:
        standing = Walk(0, book.id, book.sha256, incident, values, "walking", step.id, desk.actor, now, None)
        outcome = perform(desk, standing, step) if step.type == "check" else None
        facts.update(outcome.facts if outcome else {})
        yield view(standing, book, [], suggested(step, facts)), outcome
