"""The vocabulary of a feature view: raw inputs and the columns made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

IDENTITY, EXPRESSION, FUNCTION = "identity", "expression", "function"
CYCLES = ("cyclic_sin", "cyclic_cos")
OPS = (IDENTITY, *CYCLES, EXPRESSION, FUNCTION)


@dataclass(frozen=True)
class Feature:
    """One raw input of a model; `levels` are a category's known values, in the order of their codes."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ViewColumn:
    """One column fed to the booster.

    `op` applied to the raw input `column`, with `period` the length of a cycle; or computed from the raw `inputs` by
    `text`: an expression, or the name of an installed function, whose source then has the hash `sha256`. A computed
    column's `kind` is number or category, the latter with its `levels` in the order of their codes.
    """

    name: str
    op: str
    column: str = ""
    period: float = 0.0
    text: str = ""
    inputs: tuple[str, ...] = ()
    sha256: str = ""
    kind: str = ""
    levels: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The raw inputs it is made of."""
        return self.inputs if self.computed else (self.column,)

    @property
    def computed(self) -> bool:
        """Whether an expression or a function makes it."""
        return self.op in (EXPRESSION, FUNCTION)


class Viewed(Protocol):
    """Whatever carries a feature view: a model artefact does."""

    @property
    def features(self) -> Sequence[Feature]: ...

    @property
    def view(self) -> Sequence[ViewColumn]: ...
