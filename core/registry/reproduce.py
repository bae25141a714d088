"""Make a version again from what was recorded of it, and hold the two files against each other, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.errors import BadInput, NotFound, StoreUnusable, TocsinError
from core.registry.versions import Version, version
from core.training.artefact import Artefact
from core.training.job import build
from core.training.origin import code_hash, environment
from core.training.plan import Plan
from core.work.progress import Progress

# What makes up a plan among a version's recorded parameters, under the names that `Plan.of` reads.
ASKED = (
    "dataset", "label", "task", "split", "group", "folds", "encode", "exclude", "view", "rounds", "early_stopping",
    "class_weight", "monotone", "param", "seed", "features", "time",
)  # fmt: skip


@dataclass(frozen=True)
class Reproduction:
    """Whether a version made again is the same file, and what differs, the likeliest cause first."""

    model: str
    version: int
    identical: bool
    artefact: str
    again: str
    differences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys."""
        return {**vars(self), "differences": list(self.differences)}


def job(desk: Desk, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """The job kind `reproduce`: `model` and `version` (the latest without one). A difference is a result, no error."""
    if not args.get("model"):
        raise BadInput("reproducing needs a model", "give it with --arg model=NAME")
    return reproduce(desk, str(args["model"]), args.get("version"), progress).to_json()


def reproduce(desk: Desk, model: str, number: int | None, progress: Progress) -> Reproduction:
    """Train a version again, registering nothing. Raises NotFound for an unknown version."""
    found = version(desk.store, model, number)
    around = [*_origin(found)]
    try:
        artefact = build(desk, plan_of(found), progress).artefact.numbered(found.version)
    except (NotFound, StoreUnusable, BadInput) as error:
        said = f"it cannot be trained again: {error.message}"
        return Reproduction(model, found.version, False, found.artefact, "", (said, *around))
    progress(1.0, "compared")
    identical = artefact.sha256 == found.artefact
    inside = [] if identical else [first_difference(_recorded(desk, found), artefact.to_bytes())]
    return Reproduction(model, found.version, identical, found.artefact, artefact.sha256, (*around, *inside))


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


def _origin(found: Version) -> Iterator[str]:
    now = environment()
    for name in dict.fromkeys([*found.environment, *now]):
        then, here = found.environment.get(name, "absent"), now.get(name, "absent")
        if then != here:
            yield f"environment: {name} was {then}, here it is {here}"
    if found.code != code_hash():
        yield f"code: it was {found.code[:12]}, here it is {code_hash()[:12]}"


def _recorded(desk: Desk, found: Version) -> bytes | None:
    try:
        return desk.blobs.read(found.artefact)
    except TocsinError:
        return None


def first_difference(recorded: bytes | None, again: bytes) -> str:
    """Where two model files differ first, in words; None stands for a recorded file that is gone or damaged."""
    if recorded is None:
        return "the recorded model file is missing or damaged"
    before, after = Artefact.from_bytes(recorded), Artefact.from_bytes(again)
    if before.booster != after.booster:
        return _first_tree(before.booster, after.booster)
    left, right = json.loads(recorded), json.loads(again)
    for name in sorted({*left, *right}):
        if left.get(name) != right.get(name):
            return f"model file: {_deeper(name, left.get(name), right.get(name))} differs"
    return "model file: the same content is written in another way"


def _deeper(name: str, left: Any, right: Any) -> str:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            if left.get(key) != right.get(key):
                return _deeper(f"{name}.{key}", left.get(key), right.get(key))
    return name


def _first_tree(left: str, right: str) -> str:
    before, after = (text.partition("\nend of trees")[0].split("\nTree=") for text in (left, right))
    # The head lists the sizes of all trees, so that it differs wherever one of them does.
    for number, (one, other) in enumerate(zip(before[1:], after[1:], strict=False)):
        if one != other:
            return f"booster: it differs at tree {number}"
    if len(before) != len(after):
        return f"booster: it had {len(before) - 1} trees and has {len(after) - 1}"
    return "booster: its head differs"
