"""A feature view as declared: columns and aggregates in a TOML file, read with errors that name the field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from core.clock import parse_span
from core.errors import BadInput
from core.expressions.grammar import parse
from core.features.functions import function

MOST_COLUMNS = 2000
HINT = "`tocsin help features` shows a view file"
VIEW_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
COLUMN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,127}")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Column(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One column fed to the booster: an expression over raw inputs, or an installed function of named inputs."""

    name: Name
    expression: str = ""
    function: str = ""
    inputs: tuple[Name, ...] = ()


class Aggregate(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One time-windowed value per key, joined point in time.

    `source` (`from` in the file) is a data set, `key` the columns both rows share (none: one value for all), `value` a
    column or an expression of the source, `over` the window. `known` names the source's column of the time at which a
    row's value is known, or `delay` says how long after the row's own time that is (neither: at once).
    """

    name: Name
    source: Name = msgspec.field(name="from")
    key: tuple[Name, ...]
    value: Annotated[str, msgspec.Meta(min_length=1)]
    how: Literal["mean", "sum", "count", "max", "min", "last"]
    over: str
    delay: str = ""
    known: str = ""

    @property
    def over_us(self) -> int:
        """The length of the window in microseconds."""
        return parse_span(self.over)

    @property
    def delay_us(self) -> int:
        """How long after its time a row's value is known, in microseconds."""
        return parse_span(self.delay) if self.delay else 0


class FeatureView(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A view file: `column` are computed from one row's raw inputs, `aggregate` from other rows before it.

    Where what serving has of an aggregate is older than `stale_after`, it counts as missing (empty: never).
    """

    name: Name
    column: tuple[Column, ...] = ()
    aggregate: tuple[Aggregate, ...] = ()
    stale_after: str = ""

    @property
    def stale_after_us(self) -> int | None:
        """`stale_after` in microseconds, None for never."""
        return parse_span(self.stale_after) if self.stale_after else None


class Pinned(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a version is the hash of: the view, and the source hash of every function its columns call."""

    view: FeatureView
    functions: dict[str, str]
    format: Literal[1] = 1

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return msgspec.json.encode(self, order="deterministic").decode()

    @property
    def sha256(self) -> str:
        """The hash of `to_json`: the version's identity."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def read(path: Path) -> FeatureView:
    """The view of a TOML file. Raises BadInput naming the field that does not fit."""
    try:
        view = msgspec.toml.decode(path.read_bytes(), type=FeatureView)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "give the view's TOML file") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {error}", HINT) from error
    check(view)
    return view


def pin(view: FeatureView) -> Pinned:
    """A view with the source hashes of its functions. Raises NotFound for a function that is not installed."""
    names = sorted({column.function for column in view.column if column.function})
    return Pinned(view, {name: function(name).sha256 for name in names})


def from_json(text: str) -> Pinned:
    """What `to_json` wrote."""
    return msgspec.json.decode(text, type=Pinned)


def check(view: FeatureView) -> None:
    """Raises BadInput naming the entry and field of a view that makes no sense."""
    if not VIEW_NAME.fullmatch(view.name):
        raise BadInput(f"name: {view.name!r} is no name for a view", "use lower-case letters, digits, dots, dashes")
    entries: list[Column | Aggregate] = [*view.column, *view.aggregate]
    if not 0 < len(entries) <= MOST_COLUMNS:
        raise BadInput(f"view {view.name!r} has {len(entries)} columns", f"it has from 1 to {MOST_COLUMNS}; {HINT}")
    for place, name in enumerate(entry.name for entry in entries):
        if not COLUMN_NAME.fullmatch(name):
            raise BadInput(f"column {name!r}: that is no name", "use letters, digits, dots and underscores")
        if name in (entry.name for entry in entries[:place]):
            raise BadInput(f"column {name!r}: the name is there twice", "every column has a name of its own")
    for column in view.column:
        _check_column(column)
    for aggregate in view.aggregate:
        _check_aggregate(aggregate)
    if view.stale_after:
        with naming("stale_after", "field"):
            parse_span(view.stale_after)


def _check_column(column: Column) -> None:
    if bool(column.expression) == bool(column.function):
        raise BadInput(f"column {column.name!r}: it needs an expression, or else a function", HINT)
    if column.expression and column.inputs:
        raise BadInput(f"column {column.name!r}: inputs belong to a function", "an expression names its own inputs")
    if column.function and not column.inputs:
        raise BadInput(f"column {column.name!r}: inputs are missing", "name the function's inputs, in its order")
    if column.expression:
        with naming(column.name):
            parse(column.expression)


@contextmanager
def naming(name: str, what: str = "column") -> Iterator[None]:
    """Put the name of a column before what is wrong with its expression."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{what} {name!r}: {error.message}", error.hint) from error


def _check_aggregate(aggregate: Aggregate) -> None:
    with naming(aggregate.name, "aggregate"):
        if aggregate.known and aggregate.delay:
            raise BadInput("known and delay both say when a value is known", "leave one of them out")
        for field in ("over", "delay"):
            text = getattr(aggregate, field)
            if text or field == "over":
                with naming(field, "field"):
                    parse_span(text)
        with naming("value", "field"):
            parse(aggregate.value)
