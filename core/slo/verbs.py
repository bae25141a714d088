"""Save objectives, say how they stand, and evaluate them all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from core.clock import HOUR, MINUTE, parse_span, span
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.monitor import labels
from core.slo import budget, findings, rows, slices
from core.slo import status as standing
from core.slo.findings import Findings
from core.slo.rows import MEASURES, Slo
from core.slo.status import Status
from core.slo.windows import parse_window
from core.store import Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,59}")
MOST_TRAILING_US = 60 * 24 * HOUR


@dataclass(frozen=True)
class Saved:
    """An objective, and what had to be clamped or left out of its rules, in sentences."""

    slo: Slo
    told: tuple[str, ...]


def draft(
    desk: Desk,
    name: str,
    model: str,
    endpoint: str,
    measure: str,
    target: str | float | Decimal | Fraction,
    window: str | int,
    *,
    calendar: str | None = None,
    critical: bool = False,
    threshold_ms: float | None = None,
    at_least: float | None = None,
    trailing: str | int = "96h",
    min_labels: int = 200,
) -> Saved:
    """An objective that `save` can save, checked, with what was clamped in its rules; nothing is saved yet.

    `target` is a share (`99.9%`, 0.999), `window` a rolling span (`30d`) or a calendar period (`month`) in the IANA
    zone `calendar`. Latency needs `threshold_ms`, quality `at_least` (an AUC), judged hourly over the `trailing` span
    once `min_labels` labels are in. Raises BadInput for what does not fit, NotFound for a model or endpoint that does
    not exist.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for an objective", "use up to 60 letters, digits, spaces, . _ / and -")
    if measure not in MEASURES:
        raise BadInput(f"{measure!r} is no measure", f"choose one of {', '.join(MEASURES)}")
    if desk.store.one(rows.BY_NAME, (name,)):
        raise BadInput(f"there is an objective {name!r} already", "choose another name; `tocsin slo list` shows them")
    _require(desk.store, model, endpoint)
    _check_measure(measure, threshold_ms, at_least)
    if measure == "quality":
        labels.require_joined(desk.store, model)
    slo = Slo(
        0,
        name,
        model,
        endpoint,
        measure,
        budget.parse_target(target),
        parse_window(window, calendar),
        critical,
        threshold_ms,
        at_least,
        _checked_trailing(trailing),
        _checked_labels(min_labels),
        desk.now_us(),
    )
    return Saved(slo, slo.told)


def save(desk: Desk, drafted: Saved) -> Saved:
    """Save what `draft` checked. Raises BadInput where an objective of that name came in between."""
    slo = drafted.slo
    with desk.write() as tx:
        if tx.one(rows.BY_NAME, (slo.name,)):
            raise BadInput(f"there is an objective {slo.name!r} already", "choose another name")
        number = rows.insert(tx, slo)
        data = {"name": slo.name, "measure": slo.measure, "target": budget.decimal_text(slo.target)}
        more = {"window": slo.window.text, "critical": slo.critical, "clamped": list(drafted.told)}
        desk.record(tx, "slo.saved", model=slo.model, endpoint=slo.endpoint, data={**data, **more})
    return replace(drafted, slo=replace(slo, id=number))


def retire(desk: Desk, name: str) -> Slo:
    """Stop watching an objective; its slices and alerts stay on record, and its firing alerts resolve.

    Raises NotFound, and BadInput where it is retired already.
    """
    slo = rows.slo(desk.store, name)
    if slo.retired_us is not None:
        raise BadInput(f"the objective {name!r} is retired already", "`tocsin slo list` shows those that are watched")
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute(rows.RETIRE, (now, slo.id))
        desk.record(tx, "slo.retired", model=slo.model, endpoint=slo.endpoint, data={"name": name})
    return replace(slo, retired_us=now)


def slos(store: Store) -> list[Slo]:
    """The objectives that are watched, in the order they were added."""
    return rows.slos(store)


def slo(store: Store, name: str) -> Slo:
    """One objective by name. Raises NotFound."""
    return rows.slo(store, name)


def status(desk: Desk, slo: Slo) -> Status:
    """How an objective stands now, from what has been counted."""
    return standing.measure(desk.store, slo, desk.now_us())


def evaluate(desk: Desk) -> Findings:
    """Judge the quality hours that have finished, then every objective; writes nothing but those slices.

    Cheap enough for every tick: all windows of an objective are read in one pass over whole days, hours and minutes.
    """
    objectives = rows.slos(desk.store)
    written = slices.write(desk, objectives)
    statuses = tuple(status(desk, one) for one in objectives)
    found = tuple(finding for one in statuses for finding in findings.of(one))
    return Findings(desk.now_us(), statuses, found, written)


def _require(store: Store, model: str, endpoint: str) -> None:
    if store.one(rows.MODEL, (model,)) is None:
        raise NotFound(f"there is no model {model!r}", "`tocsin model list` shows them")
    if store.one(rows.ENDPOINT, (endpoint,)) is None:
        raise NotFound(f"there is no endpoint {endpoint!r}", "`tocsin endpoint list` shows them")


def _check_measure(measure: str, threshold_ms: float | None, at_least: float | None) -> None:
    if measure == "latency" and not (threshold_ms and 0 < threshold_ms <= 360_000):
        raise BadInput("a latency objective needs a threshold in milliseconds", "such as --threshold-ms 300")
    if measure == "quality" and not (at_least and 0 < at_least < 1):
        raise BadInput("a quality objective needs the least AUC of a good hour", "such as --at-least 0.65")
    if measure != "latency" and threshold_ms is not None:
        raise BadInput(f"--threshold-ms means nothing for {measure}", "leave it out, or choose --measure latency")
    if measure != "quality" and at_least is not None:
        raise BadInput(f"--at-least means nothing for {measure}", "leave it out, or choose --measure quality")


def _checked_trailing(trailing: str | int) -> int:
    length = parse_span(trailing) if isinstance(trailing, str) else trailing
    if not HOUR <= length <= MOST_TRAILING_US or length % MINUTE:
        raise BadInput(f"quality cannot be judged over {span(length)}", "choose a --trailing from 1h to 60d")
    return length


def _checked_labels(min_labels: int) -> int:
    if min_labels < 2:
        raise BadInput("an AUC needs at least two labels", "choose --min-labels 200 or so")
    return min_labels
