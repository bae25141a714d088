"""Make a version again from what was recorded of it, and hold the two files against each other, bit for bit.

A fit that an engine spread over machines is not the same twice: it is made again here, and its measure compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.errors import BadInput, NotFound, StoreUnusable, TocsinError
from core.measures.tasks import HEADLINES, told
from core.registry.versions import Version, version
from core.training.again import plan_of
from core.training.artefact import Artefact
from core.training.job import build
from core.training.origin import code_hash, environment
from core.work.progress import Progress

BITS, INTERVAL = "bits", "interval"


@dataclass(frozen=True)
class Reproduction:
    """Whether a version made again is the same file, and what differs, the likeliest cause first.

    `by` says how it is judged: by `bits`, or for a distributed fit by `interval`: its measure made again must lie in
    the interval that was recorded. `agrees` is the judgement.
    """

    model: str
    version: int
    identical: bool
    artefact: str
    again: str
    differences: tuple[str, ...]
    by: str
    agrees: bool

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
    around, by = [*_origin(found)], INTERVAL if found.parameters.get("engine") else BITS
    try:
        draft = build(desk, plan_of(found), progress)
    except (NotFound, StoreUnusable, BadInput) as error:
        said = f"it cannot be trained again: {error.message}"
        return Reproduction(model, found.version, False, found.artefact, "", (said, *around), by, False)
    progress(1.0, "compared")
    artefact = draft.artefact.numbered(found.version)
    identical = artefact.sha256 == found.artefact
    if by == INTERVAL:
        agrees, said = _within(found, draft.metrics)
        inside = [said]
    else:
        agrees = identical
        inside = [] if identical else [first_difference(_recorded(desk, found), artefact.to_bytes())]
    return Reproduction(
        model, found.version, identical, found.artefact, artefact.sha256, (*around, *inside), by, agrees
    )


def _within(found: Version, again: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the first measure made again lies in the interval recorded of it, and that in words."""
    name, title = HEADLINES[found.task].first
    value, low, high = again.get(name), *(found.metrics.get(f"{name}_{end}") for end in ("low", "high"))
    agrees = value is not None and low is not None and high is not None and low <= value <= high
    first, interval, _ = told(found.task, found.metrics)
    return agrees, (
        f"fitted by {found.parameters['engine']} on {found.parameters.get('workers')} workers, which is not the same "
        f"twice: {title} {first} ({interval}) then, {told(found.task, again)[0]} fitted on this machine"
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
