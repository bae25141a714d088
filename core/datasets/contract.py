"""The contract of a data set: what every file of it must look like, inferred from the first and edited by people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

TYPES = ("integer", "number", "text", "boolean", "time", "unknown")
USES = ("feature", "label", "time", "id", "leak", "other")


@dataclass(frozen=True)
class Column:
    """What one column must hold, and what it is for.

    `min`, `max` bound numbers, `values` lists the only numbers there are and `levels` the values of text, each None for
    "anything"; a share of rows up to
    `tolerance` may lie outside without the file being refused. Missing values are judged by `nullable` alone.
    `use` says who may see it: only a `feature` is ever an input of a model; a `leak` is known after the event only;
    `other` is kept and not used. `sensitive` says how samples of live requests keep it: masked, as a token, encrypted;
    None for as it is. `pattern` is a regular expression (RE2) that the whole of every text matches; `null_share` the
    largest share of rows that may be missing where any may.
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
    pattern: str | None = None
    null_share: float | None = None


@dataclass(frozen=True)
class RowLimits:
    """How many rows a file has: at least, at most, and at most `jump` times more or fewer than the last snapshot."""

    least: int | None = None
    most: int | None = None
    jump: float | None = None


@dataclass(frozen=True)
class Rule:
    """What holds between columns: an expression that is not 0 in any row but for a share of `tolerance`.

    Where it comes to nothing, because what it asks of is missing, it is not broken.
    """

    expression: str
    name: str = ""
    tolerance: float = 0.0

    @property
    def said(self) -> str:
        """What it is called: its name, without one its expression."""
        return self.name or self.expression


@dataclass(frozen=True)
class Contract:
    """The columns a file must have, in order, and what must hold of the whole.

    `freshness_us` is how old its newest row may be (None: any age); of each key in `unique_together` no two rows have
    the same values; `in_order`: no row is earlier than the one above it; `after_last`: none is earlier than the newest
    of the last snapshot; `strict` refuses a file for warnings too.
    """

    columns: tuple[Column, ...]
    freshness_us: int | None = None
    rows: RowLimits = RowLimits()
    unique_together: tuple[tuple[str, ...], ...] = ()
    rules: tuple[Rule, ...] = ()
    in_order: bool = False
    after_last: bool = False
    strict: bool = False

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
        return {
            "format": 2,
            "freshness_us": self.freshness_us,
            "rows": asdict(self.rows),
            "unique_together": [list(key) for key in self.unique_together],
            "rules": [asdict(rule) for rule in self.rules],
            "in_order": self.in_order,
            "after_last": self.after_last,
            "strict": self.strict,
            "columns": [_plain(one) for one in self.columns],
        }

    @classmethod
    def from_json(cls, data: object) -> Contract:
        """A contract from plain data, of format 1 or 2. Raises BadInput naming the column and field that do not fit."""
        from core.datasets.contract_read import contract_of

        return contract_of(data)


def _plain(column: Column) -> dict[str, Any]:
    lists = {name: list(kept) for name in ("levels", "values") if (kept := getattr(column, name)) is not None}
    return {**asdict(column), **lists}


def whole(pattern: str) -> str:
    """A regular expression that matches where the one given matches the whole text."""
    return rf"\A(?:{pattern})\z"
