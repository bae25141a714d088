"""Conditions on what steps found: `auc >= 0.6`, `class == model`; a few operators, and nothing is ever evaluated."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from core.errors import BadInput

Fact: TypeAlias = int | float | str | bool

_FORM = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(==|!=|<=|>=|<|>|in)\s*(.+?)\s*")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """A fact, an operator and a literal; `in` takes words with commas between them."""

    fact: str
    sign: str
    literal: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition. Raises BadInput for any other form, or for an order of what is no number."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise BadInput(f"{text!r} is no condition", "write it as `auc >= 0.6` or `class == model`")
        condition = cls(*found.groups())
        if condition.sign in _OPERATORS and _number(condition.literal) is None:
            raise BadInput(f"{text!r} orders what is no number", "use == or != for words")
        return condition

    def holds(self, facts: Mapping[str, Fact]) -> bool:
        """Whether it is so; a fact that nobody found makes every condition on it false."""
        if self.fact not in facts:
            return False
        value = facts[self.fact]
        if self.sign in _OPERATORS:
            number = _number(value)
            limit = _number(self.literal)
            return number is not None and limit is not None and _OPERATORS[self.sign](number, limit)
        if self.sign == "in":
            return any(_same(value, word.strip()) for word in self.literal.split(","))
        return _same(value, self.literal) == (self.sign == "==")

    def __str__(self) -> str:
        return f"{self.fact} {self.sign} {self.literal}"


def _same(value: Fact, literal: str) -> bool:
    if isinstance(value, bool):
        return literal.lower() == ("true" if value else "false")
    left, right = _number(value), _number(literal)
    return left == right if left is not None and right is not None else str(value) == literal


def _number(value: Fact) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None
