"""Taking a file in, and holding it against its contract, as jobs: on a schedule, or one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.datasets import rows, verbs
from core.datasets.finding import require_kept
from core.datasets.ingest import add
from core.desk import Desk
from core.errors import BadInput


def ingest(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Add the file `path` to `dataset` (with `time_column` and `label` where given); the same content is one snapshot.

    With a `query`, `path` is the address of a database.

    Raises BadInput where an argument is missing, CheckFailed where the file breaks the contract.
    """
    missing = [name for name in ("dataset", "path") if name not in args]
    if missing:
        raise BadInput(f"an ingest job needs {' and '.join(missing)}", "give it with --arg, as in --arg dataset=orders")
    progress(0.1, f"reading {args['path']}")
    time_column, label, query = (args.get(name) for name in ("time_column", "label", "query"))
    added = add(desk, args["path"], dataset=args["dataset"], time_column=time_column, label=label, query=query)
    return {"dataset": added.snapshot.dataset, "snapshot": added.snapshot.number, "new": added.new}


def validate(desk: Desk, args: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Hold the file `path`, or without one the `snapshot` of `dataset` (the latest), against the contract in force.

    Raises BadInput without a data set, NotFound where there is no contract or snapshot, CheckFailed with every reason
    where the contract is broken.
    """
    if "dataset" not in args:
        raise BadInput("a validate job needs a dataset", "give it with --arg dataset=NAME")
    dataset, number = str(args["dataset"]), args.get("snapshot")
    progress(0.1, f"checking {dataset}")
    if args.get("path"):
        verbs.validate(desk, args["path"], dataset, query=args.get("query")).require_kept(dataset)
        return {"dataset": dataset}
    snapshot = rows.snapshot(desk.store, dataset, number)
    found = verbs.validated(desk, dataset, number)
    require_kept(found, f"snapshot {snapshot.number}", dataset)
    return {"dataset": dataset, "snapshot": snapshot.number}
