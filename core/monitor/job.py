"""The drift report as a job: on a schedule, or when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.clock import MINUTE, parse_span
from core.desk import Desk
from core.errors import BadInput
from core.monitor.drift import measure
from core.monitor.live import served


def drift(desk: Desk, args: Mapping[str, Any], progress: Callable[..., None]) -> dict[str, Any]:
    """Compare a model's live inputs with its training reference wherever it is served; the job kind `drift`.

    `args` are model, and perhaps endpoint and window (a span, default 7d). Raises BadInput without a model, NotFound
    where it is not served.
    """
    if "model" not in args:
        raise BadInput("a drift job needs a model", "give it with --arg model=NAME")
    model, span = str(args["model"]), parse_span(str(args.get("window", "7d")))
    now = desk.now_us() // MINUTE * MINUTE
    places = served(desk.store, model, args.get("endpoint"))
    found = []
    for done, one in enumerate(places):
        progress(done / len(places), f"{one.endpoint}: version {one.version}")
        report = measure(desk, model, one.version, one.endpoint, now - span, now, look_us=span)
        entry = {"endpoint": one.endpoint, "version": one.version, "rows": report.n, "drifted": report.drifted}
        found.append({**entry, "missing_jumped": report.missing_jumped})
    progress(1.0, "done")
    return {"model": model, "reports": found}
