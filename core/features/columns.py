"""The vocabulary of a feature view: raw inputs and the columns made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

OPS = ("identity", "cyclic_sin", "cyclic_cos")


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
