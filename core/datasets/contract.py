"""The contract of a data set: what every file of it must look like, inferred from the first and edited by people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.access.sensitive import WAYS
from core.errors import BadInput

TYPES = ("integer", "number", "text", "boolean", "time", "unknown")
USES = ("feature", "label", "time", "id", "leak", "other")
# A text column with more levels than this is free text: its levels are not part of the contract.
LEVELS_KEPT = 1000
# A label of at most so many whole numbers names classes; one of more is an amount, which has a range.
CLASSES = 10
# In fewer rows than these, a feature that is only ever 0 or 1 may be so by chance.
ROWS_SHOWING_BINARY = 50
SCHEMA_HINT = "`tocsin dataset contract show DATASET --json` prints one to start from"


@dataclass(frozen=True)
class Column:
    """What one column must hold, and what it is for.

    `min`, `max` bound numbers, `values` lists the only numbers there are and `levels` the values of text, each None for
    "anything"; a share of rows up to
    `tolerance` may lie outside without the file being refused. Missing values are judged by `nullable` alone.
    `use` says who may see it: only a `feature` is ever an input of a model; a `leak` is known after the event only;
    `other` is kept and not used. `sensitive` says how samples of live requests keep it: masked, as a token, encrypted;
    None for as it is.
    """

    name: str
    type: str
    use: str
    nullable: bool = True
    unique: bool = False
    min: float | None = None
    max: float | None = None
    levels: tuple[str, ...] | None = None
    tolerance: float = 0.01
    sensitive: str | None = None
    values: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Contract:
    """The columns a file must have, in order, and how old its newest row may be (microseconds; None: any age)."""

    columns: tuple[Column, ...]
    freshness_us: int | None = None

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def used_as(self, use: str) -> list[str]:
        """The names of the columns with one use, in order; `used_as("feature")` is what a model may see."""
        return [column.name for column in self.columns if column.use == use]

    @property
    def time_column(self) -> str | None:
        """The column that says when each row happened, or None."""
        return next(iter(self.used_as("time")), None)

    @property
    def label(self) -> str | None:
        """The column a model learns to predict, or None."""
        return next(iter(self.used_as("label")), None)

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back as the same contract."""
        return {"format": 1, "freshness_us": self.freshness_us, "columns": [_plain(one) for one in self.columns]}

    @classmethod
    def from_json(cls, data: object) -> Contract:
        """A contract from plain data. Raises BadInput naming the column and field that do not fit."""
        if not isinstance(data, Mapping) or not isinstance(data.get("columns"), list):
            raise BadInput("a contract is an object with a list of columns", SCHEMA_HINT)
        _only(data, {"format", "freshness_us", "columns"}, "the contract")
        if data.get("format", 1) != 1:
            raise BadInput(f"contract format {data['format']!r} is not known here", "upgrade tocsin, or use format 1")
        columns = tuple(_column(entry) for entry in data["columns"])
        _require_sense(columns)
        return cls(columns, _freshness(data.get("freshness_us")))


def infer(
    profile: Mapping[str, Any], *, time_column: str | None = None, label: str | None = None, leaks: Iterable[str] = ()
) -> Contract:
    """The contract that a profiled table satisfies with room for an ordinary next month.

    Without a time column given, the only column of times is taken for it. Numbers get the range seen, widened by its
    own width on both sides: a season fits, another unit or a sentinel like -9999 does not. A label of few whole
    numbers, and a column of only 0 and 1, get just these as their values; a label then has no tolerance.
    """
    columns: Mapping[str, Mapping[str, Any]] = profile["columns"]
    times = [name for name, facts in columns.items() if facts["type"] == "time"]
    time_column = time_column or (times[0] if len(times) == 1 else None)
    hidden = set(leaks)
    uses = {name: _use(name, facts, time_column, label, hidden) for name, facts in columns.items()}
    return Contract(tuple(_inferred(name, facts, uses[name], profile["rows"]) for name, facts in columns.items()))


def _use(name: str, facts: Mapping[str, Any], time_column: str | None, label: str | None, leaks: set[str]) -> str:
    if name == time_column:
        return "time"
    if name == label:
        return "label"
    if name in leaks:
        return "leak"
    if facts["type"] == "time":
        return "other"
    if facts["unique"] and facts["type"] in ("integer", "text"):
        return "id"
    free_text = facts["type"] == "text" and (facts["distinct"] is None or facts["distinct"] > LEVELS_KEPT)
    return "other" if free_text else "feature"


def _inferred(name: str, facts: Mapping[str, Any], use: str, rows: int) -> Column:
    values = _only_values(facts, use, rows)
    low, high = _widened(facts) if values is None and use not in ("id", "time") else (None, None)
    levels = facts.get("levels") if use == "feature" and facts["type"] == "text" else None
    return Column(
        name,
        facts["type"],
        use,
        nullable=facts["missing"] > 0,
        unique=use == "id",
        min=low,
        max=high,
        levels=tuple(sorted(levels)) if levels else None,
        tolerance=0.0 if values and use == "label" else Column.tolerance,
        values=values,
    )


def _only_values(facts: Mapping[str, Any], use: str, rows: int) -> tuple[int, ...] | None:
    """The whole numbers a column is made of, where they are its classes and not points of a range; else None.

    A profile tells how many there are and the ends: two are the ends, and as many as lie between the ends are all.
    """
    if facts["type"] != "integer" or (facts["distinct"] or 0) < 2:
        return None
    low, high, distinct = int(facts["min"]), int(facts["max"]), int(facts["distinct"])
    if use == "label" and distinct <= CLASSES:
        return (low, high) if distinct == 2 else tuple(range(low, high + 1)) if distinct == high - low + 1 else None
    binary = use != "id" and (low, high) == (0, 1) and rows >= ROWS_SHOWING_BINARY
    return (0, 1) if binary else None


def _plain(column: Column) -> dict[str, Any]:
    lists = {name: list(kept) for name in ("levels", "values") if (kept := getattr(column, name)) is not None}
    return {**asdict(column), **lists}


def _widened(facts: Mapping[str, Any]) -> tuple[float | None, float | None]:
    if facts["type"] not in ("integer", "number") or facts["min"] is None or facts["min"] == facts["max"]:
        return None, None
    width = facts["max"] - facts["min"]
    return facts["min"] - width, facts["max"] + width


def _column(entry: object) -> Column:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BadInput("every column of a contract has a name", SCHEMA_HINT)
    name = entry["name"]
    _only(entry, {field.name for field in fields(Column)}, f"column {name!r}")
    _one_of(entry, "type", TYPES, name)
    _one_of(entry, "use", USES, name)
    if entry.get("sensitive") is not None:
        _one_of(entry, "sensitive", WAYS, name)
    for flag in ("nullable", "unique"):
        if not isinstance(entry.get(flag, False), bool):
            raise BadInput(f"column {name!r}: {flag} is {entry[flag]!r}", "it is true or false")
    for bound in ("min", "max"):
        if not _is_number(entry.get(bound), empty=True):
            raise BadInput(f"column {name!r}: {bound} is {entry[bound]!r}", "it is a number, or null for no bound")
    if not _is_number(entry.get("tolerance", 0.0)) or not 0 <= entry.get("tolerance", 0.0) <= 1:
        raise BadInput(f"column {name!r}: tolerance is {entry['tolerance']!r}", "it is a share of rows from 0 to 1")
    levels = entry.get("levels")
    if levels is not None and not (isinstance(levels, list) and all(isinstance(level, str) for level in levels)):
        raise BadInput(f"column {name!r}: levels is {levels!r}", "it is a list of texts, or null for any text")
    values = entry.get("values")
    if values is not None and not (isinstance(values, list) and values and all(_is_whole(value) for value in values)):
        raise BadInput(
            f"column {name!r}: values is {values!r}", "it is a list of whole numbers, or null for any number"
        )
    lists = {"levels": levels, "values": values}
    return Column(**{**entry, **{field: None if kept is None else tuple(kept) for field, kept in lists.items()}})


def _only(data: Mapping[str, Any], known: set[str], place: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        raise BadInput(f"{place}: there is no field {unknown[0]!r}", f"the fields are {', '.join(sorted(known))}")


def _one_of(entry: Mapping[str, Any], field: str, known: tuple[str, ...], name: str) -> None:
    if entry.get(field) not in known:
        raise BadInput(f"column {name!r}: {field} is {entry.get(field)!r}", f"it is one of {', '.join(known)}")


def _is_number(value: object, *, empty: bool = False) -> bool:
    if value is None:
        return empty
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _freshness(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise BadInput(f"freshness_us is {value!r}", "it is a whole number of microseconds, or null for any age")
    return value


def _require_sense(columns: tuple[Column, ...]) -> None:
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"the contract has two columns called {twice[0]!r}", "keep one of them")
    for use in ("time", "label"):
        if sum(column.use == use for column in columns) > 1:
            raise BadInput(f"the contract has more than one {use} column", "one is the most; make the others `other`")
    for column in columns:
        if column.min is not None and column.max is not None and column.min > column.max:
            raise BadInput(f"column {column.name!r}: min is above max", "swap them")
