"""Where a search looks: a range or a few choices for each of LightGBM's parameters, and a file that changes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.errors import BadInput, NotFound
from core.training.options import KNOWN, nearest, parameters

HINT = "a parameter has low and high (and log = true), or choices; `remove = [...]` leaves some out"
REMOVE = "remove"


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A parameter's table in a space file."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: list[float] | None = None


@dataclass(frozen=True)
class Range:
    """A parameter from `low` to `high`, drawn evenly or (`log`) evenly by its logarithm; or one of `choices`."""

    low: float
    high: float
    log: bool = False
    choices: tuple[float, ...] = ()

    def holds(self, value: float) -> bool:
        """Whether a value could be drawn from it."""
        return value in self.choices if self.choices else self.low <= value <= self.high


# Wide enough for hundreds to millions of rows, narrow enough for fifty trials. Source: LightGBM's documentation,
# "Parameters Tuning", and the ranges of Optuna's own LightGBM tuner.
DEFAULT: dict[str, Range] = {
    "bagging_fraction": Range(0.4, 1.0),
    "bagging_freq": Range(1, 7),
    "feature_fraction": Range(0.4, 1.0),
    "lambda_l1": Range(1e-8, 10.0, log=True),
    "lambda_l2": Range(1e-8, 10.0, log=True),
    "learning_rate": Range(0.01, 0.3, log=True),
    "max_bin": Range(63, 511, log=True),
    "min_data_in_leaf": Range(5, 500, log=True),
    "num_leaves": Range(4, 256, log=True),
}
# What `tocsin train` would take: the first trial, so that no search ends below it on its own rows.
START: dict[str, float] = {
    "bagging_fraction": 1.0,
    "bagging_freq": 1,
    "feature_fraction": 1.0,
    "lambda_l1": 1e-8,
    "lambda_l2": 1e-8,
    "learning_rate": 0.05,
    "max_bin": 255,
    "min_data_in_leaf": 50,
    "num_leaves": 31,
}


def read(path: Path) -> dict[str, Any]:
    """The content of a space file, as `space_of` takes it. Raises NotFound, BadInput for what is no TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", "name a TOML file with --space") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as a search space: {error}", HINT) from error


def space_of(changes: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Range]:
    """The default space with a file's changes, less what is fixed by name, in order of names.

    Raises BadInput naming the field that does not fit, and where nothing remains to search.
    """
    removed = _removed(changes.get(REMOVE, []))
    named = {name: _range(name, changes[name]) for name in changes if name != REMOVE}
    twice = sorted({*named} & {*removed, *fixed})
    if twice:
        raise BadInput(f"[{twice[0]}] is in the space and fixed or removed as well", "keep one of the two")
    kept = {**DEFAULT, **named}
    found = {name: kept[name] for name in sorted(kept) if name not in removed and name not in fixed}
    if not found:
        raise BadInput("nothing is left to search", "leave a parameter in the space")
    return found


def plain(space: Mapping[str, Range]) -> dict[str, Any]:
    """A space as JSON."""
    return {name: {**asdict(one), "choices": [*one.choices]} for name, one in space.items()}


def start_in(space: Mapping[str, Range]) -> dict[str, float]:
    """Those of the usual values that the space holds."""
    return {name: START[name] for name, one in space.items() if name in START and one.holds(START[name])}


def whole(name: str) -> bool:
    """Whether a parameter is a whole number."""
    return KNOWN[name][0] is int


def _removed(names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{REMOVE} is {names!r}", "it is a list of names of parameters")
    for name in names:
        if name not in DEFAULT:
            raise BadInput(f"{REMOVE}: {name!r} is not in the space", nearest(name, list(DEFAULT), "there are"))
    return names


def _range(name: str, table: Any) -> Range:
    if name not in KNOWN:
        raise BadInput(f"[{name}] is no parameter to search", nearest(name, list(KNOWN), "the parameters"))
    try:
        entry = msgspec.convert(table, Entry, strict=True)
    except msgspec.ValidationError as error:
        raise BadInput(f"[{name}] {error}", HINT) from error
    if entry.choices is not None:
        return _choices(name, entry, entry.choices)
    if entry.low is None or entry.high is None:
        raise BadInput(f"[{name}] has no {'low' if entry.low is None else 'high'}", HINT)
    low, high = (_value(name, field, value) for field, value in (("low", entry.low), ("high", entry.high)))
    if low >= high:
        raise BadInput(f"[{name}] low is {low:g} and high {high:g}", "low is the lesser of the two")
    if entry.log and low <= 0:
        raise BadInput(f"[{name}] low is {low:g}, which has no logarithm", "take a low above 0, or leave log out")
    return Range(low, high, entry.log)


def _choices(name: str, entry: Entry, values: list[float]) -> Range:
    if entry.low is not None or entry.high is not None or entry.log:
        raise BadInput(f"[{name}] has choices and a range as well", "keep one of the two")
    found = tuple(_value(name, "choices", value) for value in values)
    if len({*found}) < len(found) or not found:
        raise BadInput(f"[{name}] choices are {values!r}", "name each value once, at least one")
    return Range(min(found), max(found), choices=found)


def _value(name: str, field: str, value: float) -> float:
    try:
        return parameters({name: value})[name]
    except BadInput as error:
        raise BadInput(f"[{name}] {field} is {value:g}", error.hint) from error
