"""Taking a file in, as a job: on a schedule, or one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.datasets.ingest import add
from core.desk import Desk
from core.errors import BadInput


def ingest(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Add the file `path` to `dataset` (with `time_column` and `label` where given); the same content is one snapshot.

    Raises BadInput where an argument is missing, CheckFailed where the file breaks the contract.
    """
    missing = [name for name in ("dataset", "path") if name not in args]
    if missing:
        raise BadInput(f"an ingest job needs {' and '.join(missing)}", "give it with --arg, as in --arg dataset=orders")
    progress(0.1, f"reading {args['path']}")
    added = add(
        desk, args["path"], dataset=args["dataset"], time_column=args.get("time_column"), label=args.get("label")
    )
    return {"dataset": added.snapshot.dataset, "snapshot": added.snapshot.number, "new": added.new}
