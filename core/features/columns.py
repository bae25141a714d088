"""The vocabulary of a feature view: raw inputs, the columns made of them, and how one raw value is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

NUMBER: Literal["number"] = "number"
CATEGORY: Literal["category"] = "category"
OPS = ("identity", "cyclic_sin", "cyclic_cos")
NAN = float("nan")


@dataclass(frozen=True)
class Feature:
    """One raw input of a model; `levels` are a category's known values, in the order of their codes."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ViewColumn:
    """One column fed to the booster: `op` applied to a raw input; `period` is the length of a cycle, else 0."""

    name: str
    op: str
    column: str
    period: float = 0.0


class Viewed(Protocol):
    """Whatever carries a feature view: a model artefact does."""

    @property
    def features(self) -> Sequence[Feature]: ...

    @property
    def view(self) -> Sequence[ViewColumn]: ...


def is_missing(value: Any) -> bool:
    """Whether a raw value stands for nothing: None, or not-a-number."""
    return value is None or bool(value != value)


def as_number(value: Any) -> float:
    """A raw value as a float; not-a-number where it is missing or is no number (text is never parsed)."""
    if value.__class__ is float:
        return float(value)
    if value is None or isinstance(value, (str, bytes)):
        return NAN
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return NAN
