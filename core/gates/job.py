"""The gate as a job: a version goes on only where its model's rules, or one bound on one metric, let it pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.desk import Desk
from core.errors import BadInput
from core.gates.ask import ask_and_keep, require
from core.gates.declared import Gates, Metric
from core.registry import aliases


def gate(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Ask the rules in force of the `version` of `model` (the latest); with a `metric`, `at_least` and `at_most` alone.

    Raises BadInput for missing arguments and bounds that are no numbers, NotFound for an unknown version or a model
    without rules, CheckFailed where it does not pass.
    """
    if not args.get("model"):
        raise BadInput("a gate needs a model", "give it with --arg model=NAME")
    model, number = aliases.named(desk.store, str(args["model"]), args.get("version"))
    result = ask_and_keep(desk, model, number, _bound(args) if args.get("metric") else None)
    held = sum(each["state"] == "pass" for each in result.results)
    progress(1.0, f"{model} v{result.version}: {held} of {len(result.results)} rules hold")
    require(result)
    return {"model": model, "version": result.version, "passed": result.passed, "results": result.results}


def _bound(args: Mapping[str, Any]) -> Gates:
    least, most = (_number(name, args.get(name)) for name in ("at_least", "at_most"))
    if least is None and most is None:
        raise BadInput("a gate of one metric needs a bound", "give it with --arg at_least=0.7 or --arg at_most=0.2")
    return Gates(rule=(Metric(name="bound", metric=str(args["metric"]), at_least=least, at_most=most),))


def _number(name: str, value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} is no number: {value!r}", "write it as 0.7") from None
