"""What an evaluation was asked to do, read and checked before any data is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import parse_time
from core.errors import BadInput

LEAST_ROWS = 200


@dataclass(frozen=True)
class Asked:
    """An evaluation request.

    `version` None is the latest; without `dataset` the rows are the version's own hold-out, else those of its snapshot
    `number` (None: the latest) from `from_us` until before `to_us`. `by` are the columns of each fairness table,
    `least` the rows from which a group or a slice is judged, `against` a rival version.
    """

    model: str
    version: int | None
    dataset: str | None
    number: int | None
    from_us: int | None
    to_us: int | None
    by: tuple[tuple[str, ...], ...]
    least: int
    against: int | None

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Asked:
        """A request from a job's arguments. Raises BadInput naming the argument that does not fit."""
        if not args.get("model"):
            raise BadInput("an evaluation needs a model", "tocsin evaluate MODEL")
        dataset, number = parse_snapshot(args["snapshot"]) if args.get("snapshot") else (None, None)
        least = args.get("least") or LEAST_ROWS
        if not isinstance(least, int) or least < 1:
            raise BadInput(f"least is {least!r}", "it is a whole number of rows, 1 or more")
        return cls(
            model=str(args["model"]),
            version=args.get("version"),
            dataset=dataset,
            number=number,
            from_us=_instant(args.get("from")),
            to_us=_instant(args.get("to")),
            by=tuple(_columns(text) for text in args.get("by") or ()),
            least=least,
            against=args.get("against"),
        )


def parse_snapshot(text: str) -> tuple[str, int | None]:
    """`flights/3` as the data set and the snapshot's number, None without one. Raises BadInput."""
    dataset, slash, number = text.partition("/")
    if not dataset or (slash and not number.isdigit()):
        raise BadInput(f"{text!r} names no snapshot", "write --snapshot DATASET or --snapshot DATASET/3")
    return dataset, int(number) if slash else None


def _instant(value: str | None) -> int | None:
    return parse_time(value) if value else None


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise BadInput(f"--by {text!r} names no column", "write --by carrier, or --by carrier,origin for both at once")
    return names
