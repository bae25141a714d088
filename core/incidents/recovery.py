"""Whether it is over, read from the counts of what was served since the last switch of versions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from core.clock import HOUR, MINUTE, span
from core.desk import Desk
from core.errors import NotFound
from core.incidents.impact import good_total, trailing_us
from core.incidents.rows import Incident, Objective, objective, objective_of

# Counts of this long must hold the target before an incident whose measure is counted by requests is over.
HOLD = 30 * MINUTE
MIN_LABELS = 200
NAMED = "SELECT id FROM slo WHERE name = ? AND retired_us IS NULL"


@dataclass(frozen=True)
class Recovery:
    """Whether the objective holds again, what was measured, and the figures behind it."""

    recovered: bool
    lines: tuple[str, ...]
    facts: dict[str, int | float | str | bool]


def check(desk: Desk, found: Incident, *, slo: str | None = None, hold_us: int | None = None) -> Recovery:
    """Judge the objective of an incident, or the SLO named, from counts since the last switch of versions.

    It has recovered where the objective has held for `hold_us` (default 30 min, for quality one slice of an hour) with
    enough events to judge by; nothing counted is "not yet", never "recovered". Raises NotFound for an unknown SLO, or
    where the incident's alerts speak of none.
    """
    from core.endpoints import deploy

    goal = _named(desk, slo) if slo else objective_of(desk.store, found.id)
    if goal is None:
        raise NotFound(f"INC-{found.id} has no objective to recover to", "name one: --slo NAME (`tocsin slo list`)")
    active = deploy.active(desk.store, found.endpoint, found.model)
    since = max(active.since_us, found.impact_us) if active else found.impact_us
    told = _quality if goal.measure == "quality" else _counted
    version = active.version if active else 0
    return told(desk, found, goal, version, since, hold_us)


def _named(desk: Desk, name: str) -> Objective | None:
    row = desk.store.one(NAMED, (name,))
    if row is None:
        raise NotFound(f"there is no SLO {name!r}", "`tocsin slo list` shows them")
    return objective(desk.store, row["id"])


def _counted(desk: Desk, found: Incident, goal: Objective, version: int, since: int, hold_us: int | None) -> Recovery:
    now, hold = desk.now_us(), hold_us or HOLD
    windows = good_total(desk.store, found.model, found.endpoint, goal, now - hold, now, MINUTE)
    good, total = sum(one[1] for one in windows), sum(one[2] for one in windows)
    if total == 0:
        return Recovery(False, (f"nothing was counted in the last {span(hold)}",), {"total": 0})
    holds = Fraction(good, total) >= Fraction(goal.target)
    lines = [f"{goal.name}: {good:,} of {total:,} good in the last {span(hold)}, target {goal.target}"]
    waited = now - since
    if waited < hold:
        lines.append(f"only {span(waited)} of {span(hold)} since the impact start or the last switch")
    return Recovery(holds and waited >= hold, tuple(lines), {"good": good, "total": total, "version": version})


def _quality(desk: Desk, found: Incident, goal: Objective, version: int, since: int, hold_us: int | None) -> Recovery:
    from core.monitor import quality

    now, hold = desk.now_us(), hold_us or HOUR
    told = quality.measure(desk.store, found.model, version, found.endpoint, max(since, now - trailing_us(goal)), now)
    least, enough = float(goal.spec.get("at_least") or 0), int(goal.spec.get("min_labels") or MIN_LABELS)
    facts: dict[str, int | float | str | bool] = {"n": told.n, "version": version, "at_least": least}
    if told.auc is None or told.n < enough:
        line = f"v{version}: {told.n:,} of {enough:,} labels that are needed, of {told.predictions:,} predictions"
        return Recovery(False, (line,), facts)
    interval = f", 95 % {told.low:.2f} to {told.high:.2f}" if told.low is not None and told.high is not None else ""
    lines = [f"v{version} since the last switch: AUC {told.auc:.2f} (n {told.n:,}{interval}), at least {least:g}"]
    if now - since < hold:
        lines.append(f"only {span(now - since)} of {span(hold)} since the last switch")
    return Recovery(told.auc >= least and now - since >= hold, tuple(lines), {**facts, "auc": round(told.auc, 4)})
