"""Measuring drift, as a job: on a schedule, over the days behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.clock import DAY
from core.desk import Desk
from core.endpoints.deploy import active
from core.errors import BadInput, NotFound
from core.monitor.drift import measure


def drift(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Compare the live inputs of `model` on `endpoint` over the last `days` (1) with its training reference.

    Raises BadInput where an argument is missing, NotFound where no version of the model is active there.
    """
    missing = [name for name in ("model", "endpoint") if name not in args]
    if missing:
        raise BadInput(f"a drift job needs {' and '.join(missing)}", "give it with --arg, as in --arg model=churn")
    model, endpoint, days = str(args["model"]), str(args["endpoint"]), int(args.get("days", 1))
    serving = active(desk.store, endpoint, model)
    if serving is None:
        raise NotFound(f"no version of {model} is active on {endpoint}", "`tocsin deploy status` shows what is")
    progress(0.2, f"version {serving.version}")
    now = desk.now_us()
    report = measure(desk, model, serving.version, endpoint, now - days * DAY, now, look_us=days * DAY)
    return {
        "version": serving.version,
        "rows": report.n,
        "drifted": report.drifted,
        "missing": report.missing_jumped,
        "psi": {feature.name: round(feature.psi, 4) for feature in report.features},
    }
