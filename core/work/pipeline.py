"""A pipeline: jobs that need each other, read from a TOML file and queued in one transaction.

```toml
name = "churn"
[[step]]
name = "ingest"
kind = "ingest"
args = { dataset = "orders", path = "orders.csv" }
[[step]]
name = "train"
kind = "train"
needs = ["ingest"]
args = { model = "churn" }
```

A step starts when every step it needs has succeeded, and takes the arguments it was not given from their results. Where
one fails, those that need it wait; `retry` lets the failed one start again, and the pipeline goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any

import msgspec

from core.clock import parse_span
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.store import Store, Tx
from core.work import rows
from core.work.limits import Limits
from core.work.plan import ATTEMPTS, NEED, request_run

NAMED = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
SET_STEP = "UPDATE run SET pipeline = ?, step = ? WHERE id = ?"
NEEDED = "SELECT result FROM need JOIN run ON run.id = need.needs WHERE need.run = ? ORDER BY need.needs"
AGAIN = """UPDATE run SET state = 'planned', attempt = 0, max_attempts = ?, next_us = ?, cancel = 0, progress = NULL,
started_us = NULL, ended_us = NULL, exit = NULL, error = NULL, result = NULL WHERE id = ?"""


class Step(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One job of a pipeline and the steps it needs; limits as `tocsin schedule add` has them."""

    name: NAMED
    kind: NAMED
    needs: tuple[str, ...] = ()
    args: dict[str, Any] = {}
    memory_mb: Annotated[int, msgspec.Meta(ge=1)] | None = None
    cpu: str | None = None
    wall: str | None = None

    @property
    def limits(self) -> dict[str, int]:
        """The step's own limits. Raises BadInput for what is no span of time."""
        return Limits.of(self.memory_mb, self.cpu, self.wall).to_json()


class Pipeline(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A name and the steps, in an order in which each comes after those it needs."""

    name: NAMED
    step: tuple[Step, ...]


def read(path: Path, kinds: Collection[str]) -> Pipeline:
    """A pipeline from its file; a `path` among the arguments counts from the file's folder.

    Raises NotFound for no file, BadInput naming what does not fit: an unknown field, kind or step, a name used twice,
    steps that need each other in a circle, and no step at all.
    """
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Pipeline)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "name a TOML file of [[step]] tables") from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}", "`tocsin help jobs` shows one") from error
    steps = {step.name: step for step in found.step}
    for step in found.step:
        _require(path, step, steps, kinds)
    if not steps or len(steps) < len(found.step):
        raise BadInput(f"{path} has no step, or two of one name", "give each [[step]] a name of its own")
    try:
        order = TopologicalSorter({step.name: step.needs for step in found.step}).static_order()
        return Pipeline(found.name, tuple(_placed(steps[name], path) for name in order))
    except CycleError as error:
        raise BadInput(f"{path}: steps need each other: {', '.join(error.args[1])}", "one has to come first") from error


def _require(path: Path, step: Step, steps: Collection[str], kinds: Collection[str]) -> None:
    if step.kind not in kinds:
        raise BadInput(f"{path}: there is no job kind {step.kind!r}", f"choose {', '.join(sorted(kinds))}")
    for name in step.needs:
        if name not in steps:
            raise BadInput(f"{path}: {step.name!r} needs {name!r}, which is no step", f"there are {', '.join(steps)}")
    for text in filter(None, (step.cpu, step.wall)):
        parse_span(text)


def _placed(step: Step, path: Path) -> Step:
    if not isinstance(step.args.get("path"), str):
        return step
    return msgspec.structs.replace(step, args={**step.args, "path": str((path.parent / step.args["path"]).absolute())})


def queue(desk: Desk, found: Pipeline, request: str) -> list[int]:
    """Queue every step with what it needs, once for each request id; returns the runs' numbers in order."""
    numbers: dict[str, int] = {}
    with desk.write() as tx:
        for step in found.step:
            name = f"{request}/{step.name}"
            number = request_run(tx, desk.now_us(), step.kind, step.args, name, limits=step.limits)
            tx.execute(SET_STEP, (found.name, step.name, number))
            tx.executemany(NEED, [(number, numbers[each]) for each in step.needs])
            numbers[step.name] = number
        steps = [step.name for step in found.step]
        desk.record(
            tx, "pipeline.queued", data={"pipeline": found.name, "jobs": list(numbers.values()), "steps": steps}
        )
    return list(numbers.values())


def inherited(store: Store, run: rows.Run) -> dict[str, Any]:
    """What a run takes from the results of those it needs; its own arguments go before these."""
    found: dict[str, Any] = {}
    for row in store.read(NEEDED, (run.id,)):
        found |= json.loads(row["result"] or "{}")
    return found


def retry(desk: Desk, run_id: int, attempts: int = ATTEMPTS) -> rows.Run:
    """Let a run that failed, died or was cancelled start again as the same run; what needs it goes on after it.

    Raises NotFound, and BadInput where it has not ended or has succeeded.
    """
    with desk.write() as tx:
        run = _require_failed(tx, run_id)
        tx.execute(AGAIN, (attempts, desk.now_us(), run_id))
        desk.record(tx, "job.retried", model=run.args.get("model"), data={"job": run_id, "kind": run.kind})
    return rows.run(desk.store, run_id)


def _require_failed(tx: Tx, run_id: int) -> rows.Run:
    run = rows.run(tx, run_id)
    if run.state not in ("failed", "dead", "cancelled"):
        raise BadInput(f"job {run_id} is {run.state}", "only one that failed, died or was cancelled is tried again")
    return run
