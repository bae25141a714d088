"""The plan that a registered version was trained by, read back from what was recorded of it."""

from __future__ import annotations

from core.errors import BadInput
from core.training.plan import Plan
from core.training.record import Version

# What makes up a plan among a version's recorded parameters, under the names that `Plan.of` reads.
ASKED = (
    "dataset", "label", "task", "split", "group", "folds", "encode", "exclude", "view", "sources", "rounds",
    "early_stopping", "class_weight", "monotone", "param", "seed", "calibrate", "cost", "features", "time",
)  # fmt: skip


def plan_of(found: Version) -> Plan:
    """The plan that a version was trained by, from its recorded parameters."""
    known = found.parameters
    dataset, _, snapshot = str(known.get("snapshot", "")).rpartition("/")
    if not dataset:
        raise BadInput(
            f"{found.model} v{found.version} records no snapshot", "only versions trained here are made again"
        )
    asked = {name: known[name] for name in ASKED if known.get(name) is not None}
    return Plan.of(
        {
            **asked,
            "model": found.model,
            "snapshot": int(snapshot),
            "holdout_from": known.get("holdout_from_us"),
            "gap": known.get("gap_us"),
        }
    )
