"""Materialising as a job: on a schedule, or after new data came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.clock import parse_time
from core.desk import Desk
from core.errors import BadInput
from core.features.materialise import materialise as taken


def materialise(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Materialise the aggregates of `view` up to the instant `to` (now).

    Raises BadInput without a view, and what `core.features.materialise.materialise` raises.
    """
    if not args.get("view"):
        raise BadInput("a materialise job needs a view", "give it with --arg view=NAME")
    to = args.get("to")
    found = taken(desk, str(args["view"]), None if to is None else parse_time(str(to)), progress)
    rows = sum(part.rows for part in found.parts)
    progress(1.0, f"{rows} rows of {found.view.text} became known")
    return {"view": found.view.text, "rows": rows, "late": sum(part.late for part in found.parts)}
