"""What a training run was asked to do, read and checked before any data is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.clock import parse_span, parse_time
from core.engines.engine import HERE, LOCAL, Choice
from core.errors import BadInput
from core.measures.calibrate import KINDS
from core.measures.cost import parse_cost
from core.measures.tasks import TASKS
from core.training import options
from core.training.fit import ROUNDS, SEED
from core.training.split import GROUPED, SPLITS, TEMPORAL

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MOST_ROUNDS = 5000
# Where early stopping ends the fit, rounds are a limit and no choice.
ROUNDS_TO_STOP_IN = 1000
MOST_FOLDS = 20


@dataclass(frozen=True)
class Plan:
    """A training request: `label` empty means the contract's, `task` empty the label's, `snapshot` None the latest,
    `holdout_from_us` None the last quarter of the time; `cycles` maps columns to the period they are encoded by;
    `view` is a declared view's `NAME` or `NAME@VERSION`, empty for the contract's features as they are; `sources` are
    the numbers of the snapshots its aggregates are computed from, for data sets of which it is not to be the latest.

    `early_stopping` is the number of rounds without improvement that end the fit, 0 for none. `calibrate` is a kind of
    calibration, `cost` a cost matrix as text, None for neither. `features` and `time` are those of a version that is
    made again; else the contract's.
    """

    model: str
    dataset: str
    snapshot: int | None
    label: str
    task: str
    split: str
    group: str
    folds: int
    gap_us: int
    holdout_from_us: int | None
    cycles: dict[str, float]
    exclude: tuple[str, ...]
    rounds: int
    early_stopping: int
    class_weight: dict[str, float] | str
    monotone: dict[str, int]
    param: dict[str, int | float]
    seed: int
    calibrate: str | None
    cost: str | None
    run_id: int | None
    view: str = ""
    features: tuple[str, ...] | None = None
    time: str | None = None
    sources: Mapping[str, int] = field(default_factory=dict)
    engine: Choice = HERE

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Plan:
        """A plan from a job's arguments. Raises BadInput naming the argument that does not fit."""
        for name in ("model", "dataset"):
            if not args.get(name):
                raise BadInput(f"training needs a {name}", "tocsin train MODEL --dataset DATASET")
        if args.get("view") and (args.get("encode") or args.get("exclude")):
            raise BadInput("a view names its columns itself", "leave out --encode and --exclude, or --view")
        stop = _whole(args, "early_stopping", 0, 0, MOST_ROUNDS)
        features = args.get("features")
        found = cls(
            model=model_name(str(args["model"])),
            dataset=str(args["dataset"]),
            snapshot=args.get("snapshot"),
            label=args.get("label") or "",
            task=_chosen(args.get("task"), "task", ("", *TASKS)),
            split=_chosen(args.get("split") or TEMPORAL, "split", SPLITS),
            group=str(args.get("group") or ""),
            folds=_whole(args, "folds", 0, 0, MOST_FOLDS),
            gap_us=_gap(args.get("gap")),
            holdout_from_us=_instant(args.get("holdout_from")),
            cycles=_cycles(args.get("encode") or {}),
            exclude=tuple(args.get("exclude") or ()),
            rounds=_whole(args, "rounds", ROUNDS_TO_STOP_IN if stop else ROUNDS, 1, MOST_ROUNDS),
            early_stopping=stop,
            class_weight=options.class_weight(args.get("class_weight")),
            monotone=options.monotone(args.get("monotone") or {}),
            param=options.parameters(args.get("param") or {}),
            seed=_whole(args, "seed", SEED, 0, 2**31 - 1),
            calibrate=_calibration(args.get("calibrate")),
            cost=_cost(args.get("cost")),
            run_id=args.get("run_id"),
            view=args.get("view") or "",
            features=None if features is None else tuple(features),
            time=args.get("time"),
            sources=args.get("sources") or {},
            engine=Choice.of(args),
        )
        _check(found)
        return found


def _check(plan: Plan) -> None:
    """Refuse what does not go together."""
    if (plan.split == GROUPED) != bool(plan.group):
        raise BadInput("a grouped split and its column go together", "write --split grouped --group COLUMN")
    if plan.split != TEMPORAL and (plan.folds or plan.gap_us):
        raise BadInput(f"a {plan.split} split has no folds and no gap in time", "leave --folds and --gap out")
    if plan.early_stopping and plan.engine.name != LOCAL:
        raise BadInput(f"early stopping is not done by the engine {plan.engine.name}", "say how many --rounds instead")
    if plan.folds == 1:
        raise BadInput("one fold is no cross-validation", "write --folds 3")


def model_name(name: str) -> str:
    """The name itself. Raises BadInput where it could not stand in an address."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a model", "use lower-case letters, digits, dots, dashes, at most 63")
    return name


def _chosen(value: Any, name: str, known: tuple[str, ...]) -> str:
    if (value or "") not in known and value not in known:
        raise BadInput(f"there is no {name} {value!r}", f"choose one of {', '.join(filter(None, known))}")
    return str(value or "")


def _instant(value: str | int | None) -> int | None:
    return parse_time(value) if isinstance(value, str) else value


def _gap(value: str | int | None) -> int:
    return parse_span(value) if isinstance(value, str) and value else int(value or 0)


def _calibration(kind: str | None) -> str | None:
    if kind and kind not in KINDS:
        raise BadInput(f"{kind!r} is no way to calibrate", f"choose one of {', '.join(KINDS)}")
    return kind or None


def _cost(text: str | None) -> str | None:
    if text:
        parse_cost(text)
    return text or None


def _cycles(encode: Mapping[str, Any]) -> dict[str, float]:
    try:
        return {name: float(period) for name, period in encode.items()}
    except (TypeError, ValueError):
        raise BadInput("a period is a number", "write --encode minutes=1440") from None


def _whole(args: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = default if args.get(name) is None else args[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadInput(f"{name} is {value!r}", f"it is a whole number from {least} to {most}")
    return value
