"""The gate as a job: a version goes on only where its hold-out metric is good enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.registry import versions


def gate(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Hold a `metric` of the `version` of `model` (the latest) against `at_least`, `at_most` or both.

    Raises BadInput for missing arguments, bounds that are no numbers or a metric the version does not have, NotFound
    for an unknown version, CheckFailed where the metric is outside of its bounds.
    """
    for name in ("model", "metric"):
        if not args.get(name):
            raise BadInput(f"a gate needs a {name}", f"give it with --arg {name}=NAME")
    bounds = {name: _number(name, args[name]) for name in ("at_least", "at_most") if name in args}
    if not bounds:
        raise BadInput("a gate needs a bound", "give it with --arg at_least=0.7 or --arg at_most=0.2")
    found = versions.version(desk.store, str(args["model"]), args.get("version"))
    metric = str(args["metric"])
    value = found.metrics.get(metric)
    if not isinstance(value, int | float):
        known = ", ".join(sorted(name for name, each in found.metrics.items() if isinstance(each, int | float)))
        raise BadInput(f"{found.model} v{found.version} has no metric {metric!r}", f"choose one of {known}")
    progress(1.0, f"{metric} {value:.4g}")
    if value < bounds.get("at_least", value) or value > bounds.get("at_most", value):
        said = " and ".join(f"{name.replace('_', ' ')} {bound:g}" for name, bound in bounds.items())
        raise CheckFailed(
            f"{found.model} v{found.version} has {metric} {value:.4g}, the gate asks for {said}",
            "train a better one, or retry with another bound",
        )
    return {"model": found.model, "version": found.version, "metric": metric, "value": value}


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} is no number: {value!r}", "write it as 0.7") from None
