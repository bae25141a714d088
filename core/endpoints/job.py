"""A deploy as a job: at the end of a pipeline, or on a schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.desk import Desk
from core.endpoints import deploy as deploying
from core.errors import BadInput
from core.registry import aliases, versions


def deploy(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Ask that `endpoint` serve the `version` of `model` (the latest); a run that is tried again asks once.

    Raises BadInput for missing arguments, and what `core.endpoints.deploy.request` raises.
    """
    for name in ("model", "endpoint"):
        if not args.get(name):
            raise BadInput(f"a deploy job needs a {name}", f"give it with --arg {name}=NAME")
    endpoint = str(args["endpoint"])
    model, number = aliases.named(desk.store, str(args["model"]), args.get("version"))
    version = versions.version(desk.store, model, number).version
    reason = f"job {args['run_id']}"
    asked = deploying.history(desk.store, endpoint, model, limit=1)
    if asked and (asked[0].reason, asked[0].version) == (reason, version) and asked[0].state != "failed":
        found = asked[0]
    else:
        found = deploying.request(desk, endpoint, model, version, reason=reason)
    progress(1.0, f"{model} v{version} is queued for {endpoint}")
    return {"model": model, "version": version, "endpoint": endpoint, "deployment": found.id}
