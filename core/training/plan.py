"""What a training run was asked to do, read and checked before any data is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.clock import parse_time
from core.errors import BadInput
from core.training.fit import ROUNDS, SEED

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MOST_ROUNDS = 5000


@dataclass(frozen=True)
class Plan:
    """A training request: `label` empty means the contract's, `snapshot` None the latest, `holdout_from_us` None
    the last quarter of the time; `cycles` maps columns to the period they are encoded by; `view` is a declared view's
    `NAME` or `NAME@VERSION`, empty for the contract's features as they are; `sources` are the numbers of the snapshots
    that its aggregates are computed from, for data sets of which it is not to be the latest."""

    model: str
    dataset: str
    snapshot: int | None
    label: str
    holdout_from_us: int | None
    cycles: dict[str, float]
    exclude: tuple[str, ...]
    rounds: int
    seed: int
    run_id: int | None
    view: str = ""
    sources: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Plan:
        """A plan from a job's arguments. Raises BadInput naming the argument that does not fit."""
        for name in ("model", "dataset"):
            if not args.get(name):
                raise BadInput(f"training needs a {name}", "tocsin train MODEL --dataset DATASET")
        if args.get("view") and (args.get("encode") or args.get("exclude")):
            raise BadInput("a view names its columns itself", "leave out --encode and --exclude, or --view")
        return cls(
            model=model_name(str(args["model"])),
            dataset=str(args["dataset"]),
            snapshot=args.get("snapshot"),
            label=args.get("label") or "",
            holdout_from_us=_instant(args.get("holdout_from")),
            cycles=_cycles(args.get("encode") or {}),
            exclude=tuple(args.get("exclude") or ()),
            rounds=_whole(args, "rounds", ROUNDS, 1, MOST_ROUNDS),
            seed=_whole(args, "seed", SEED, 0, 2**31 - 1),
            run_id=args.get("run_id"),
            view=args.get("view") or "",
            sources=args.get("sources") or {},
        )


def model_name(name: str) -> str:
    """The name itself. Raises BadInput where it could not stand in an address."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a model", "use lower-case letters, digits, dots, dashes, at most 63")
    return name


def _instant(value: str | int | None) -> int | None:
    return parse_time(value) if isinstance(value, str) else value


def _cycles(encode: Mapping[str, Any]) -> dict[str, float]:
    try:
        return {name: float(period) for name, period in encode.items()}
    except (TypeError, ValueError):
        raise BadInput("a period is a number", "write --encode minutes=1440") from None


def _whole(args: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = default if args.get(name) is None else args[name]
    if not isinstance(value, int) or not least <= value <= most:
        raise BadInput(f"{name} is {value!r}", f"it is a whole number from {least} to {most}")
    return value
