"""What a batch scoring was asked to do, read and checked before any row is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engines.engine import HERE, Choice
from core.errors import BadInput
from core.features.columns import Feature
from core.measures.values import CATEGORY
from core.scoring.output import own_names
from core.scoring.rows import Work
from core.training.artefact import Artefact

CHUNK = 100_000
LEAST_CHUNK, MOST_CHUNK = 100, 5_000_000
# The types of a snapshot's columns that an input can be read from; a column without any value is all missing.
TEXTS = ("text", "unknown")
NUMBERS = ("number", "integer", "boolean", "unknown")


@dataclass(frozen=True)
class Plan:
    """A scoring request: `version` and `snapshot` None mean the latest, `compare` is a second version for the same
    rows, `keep` names columns that are passed on, `threads` None means the settings'. Aggregates are joined from the
    snapshots that `sources` numbers, of those not named from the latest."""

    model: str
    version: int | None
    dataset: str
    snapshot: int | None
    keep: tuple[str, ...]
    chunk: int
    threads: int | None
    compare: int | None
    out: Path | None
    overwrite: bool
    run_id: int | None
    sources: Mapping[str, int]
    engine: Choice = HERE

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Plan:
        """A plan from a job's arguments. Raises BadInput naming the argument that does not fit."""
        for name in ("model", "dataset"):
            if not args.get(name):
                raise BadInput(f"scoring needs a {name}", "tocsin score MODEL DATASET")
        return cls(
            model=str(args["model"]),
            version=args.get("version"),
            dataset=str(args["dataset"]),
            snapshot=args.get("snapshot"),
            keep=tuple(dict.fromkeys(args.get("keep") or ())),
            chunk=_whole(args, "chunk", LEAST_CHUNK, MOST_CHUNK) or CHUNK,
            threads=_whole(args, "threads", 1, 1024),
            compare=args.get("compare"),
            out=Path(args["out"]) if args.get("out") else None,
            overwrite=bool(args.get("overwrite")),
            run_id=args.get("run_id"),
            sources={str(name): int(number) for name, number in (args.get("sources") or {}).items()},
            engine=Choice.of(args),
        )


def _whole(args: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = args.get(name)
    if value is not None and (not isinstance(value, int) or not least <= value <= most):
        raise BadInput(f"{name} is {value!r}", f"it is a whole number from {least} to {most}")
    return value


def require_scorable(artefact: Artefact, work: Work) -> None:
    """Raises BadInput where a snapshot cannot be scored by a model, or lacks a column that is to be kept.

    What the model looks up is joined and needs not be there; the rows' time then has to be.
    """
    snapshot, keep = work.snapshot, work.keep
    looked_up = artefact.lookups.names if artefact.lookups else frozenset()
    validate_features([one for one in artefact.features if one.name not in looked_up], snapshot.columns)
    if looked_up and work.time_column not in snapshot.columns:
        raise BadInput(
            f"{snapshot.dataset}/{snapshot.number} has no time, and {work.version.model} looks up what was known then",
            f"name it when adding the data: `tocsin dataset add {snapshot.dataset} FILE --time COLUMN`",
        )
    unknown = [name for name in keep if name not in snapshot.columns]
    if unknown:
        raise BadInput(f"there is no column {unknown[0]!r} to keep", f"there are {', '.join(snapshot.columns)}")
    taken = [name for name in keep if name in own_names(artefact)]
    if taken:
        raise BadInput(f"{taken[0]!r} is a column of the output", "a column of that name cannot be kept")


def validate_features(features: Sequence[Feature], columns: Mapping[str, str]) -> None:
    """Raises BadInput naming every input of a model that a table (names to types) lacks or holds as another kind."""
    wrong = []
    for feature in features:
        held = columns.get(feature.name)
        if held is None:
            wrong.append(f"{feature.name!r} is missing")
        elif held not in (TEXTS if feature.kind == CATEGORY else NUMBERS):
            wrong.append(f"{feature.name!r} holds {held}, not {'text' if feature.kind == CATEGORY else 'numbers'}")
    if wrong:
        raise BadInput(
            f"the snapshot does not fit the model: {'; '.join(wrong)}",
            "nothing was scored: use a snapshot of the data set the model was trained on",
        )
