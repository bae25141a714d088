"""An expression bound to a model's raw inputs: one tree, computed for a row in serving and for whole columns offline.

Both forms are made of the same rules (`core.expressions.operations`) and are equal to the last bit.
"""

from __future__ import annotations

import ast
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial, reduce
from typing import Any

from core.expressions import operations as ops
from core.expressions.grammar import Parsed, constant, edges_of, levels_of, place_of, wrong
from core.expressions.operations import Operation, total
from core.expressions.whole import choose, fill, finite, finite_whole, is_absent, mapped
from core.measures.values import CATEGORY, NAN, NUMBER
from core.work.zones import zone


@dataclass(frozen=True)
class Node:
    """A part of an expression: `row` computes it from a row's raw values, `whole` from raw columns of so many rows.

    Raw values stand in the order of the inputs: floats for numbers (missing: not-a-number), texts or None.
    """

    kind: str
    row: Callable[[Sequence[Any]], Any]
    whole: Callable[[Sequence[Any], int], Any]


def bind(parsed: Parsed, inputs: Mapping[str, str]) -> Node:
    """The expression over inputs given as name to kind, in the order of their values.

    Raises BadInput with the position of an input that is not there, or of a number where a text belongs.
    """
    binder = _Binder(parsed, {name: (place, kind) for place, (name, kind) in enumerate(inputs.items())})
    return binder.node(parsed.tree)


def _node(kind: str, operation: Operation, *parts: Node) -> Node:
    """An operation of parts."""
    rule, whole = operation.scalar, operation.whole or partial(_mapped, operation.scalar, kind)
    rows, columns = [part.row for part in parts], [part.whole for part in parts]

    def on_columns(raw: Sequence[Any], count: int) -> Any:
        return whole(*(column(raw, count) for column in columns))

    return Node(kind, _on_row(rule, rows), on_columns)


def _on_row(rule: Callable[..., Any], rows: Sequence[Callable[[Sequence[Any]], Any]]) -> Callable[[Sequence[Any]], Any]:
    """The rule of a row's parts; one and two are nearly all there are, and are called without a list."""
    if len(rows) == 1:
        (only,) = rows
        return lambda raw: rule(only(raw))
    if len(rows) == 2:
        left, right = rows
        return lambda raw: rule(left(raw), right(raw))
    return lambda raw: rule(*[row(raw) for row in rows])


def _mapped(rule: Callable[..., Any], kind: str, *columns: Any) -> Any:
    return mapped(rule, kind, columns)


class _Binder:
    def __init__(self, parsed: Parsed, places: Mapping[str, tuple[int, str]]) -> None:
        self._parsed, self._places = parsed, places

    def node(self, tree: ast.expr, kind: str = "") -> Node:
        """A part of the tree, bound once. Raises BadInput where it is not of the kind wanted."""
        return self._required(tree, self._any(tree), kind)

    def _required(self, tree: ast.expr, found: Node, kind: str) -> Node:
        if kind not in ("", found.kind):
            words = {NUMBER: "a number", CATEGORY: "a text"}
            raise self._wrong(tree, f"this is {words[found.kind]}, and {words[kind]} belongs here")
        return found

    def _any(self, tree: ast.expr) -> Node:
        value = constant(tree)
        if value is not None:
            kind = CATEGORY if isinstance(value, str) else NUMBER
            held = value if isinstance(value, str) else finite(value)
            return Node(kind, lambda _: held, lambda _, rows: fill(kind, held, rows))
        if isinstance(tree, ast.Name):
            return self._input(tree, tree.id)
        if isinstance(tree, ast.BinOp):
            operation = ops.ARITHMETIC[type(tree.op).__name__]
            return _node(NUMBER, operation, self.node(tree.left, NUMBER), self.node(tree.right, NUMBER))
        if isinstance(tree, ast.UnaryOp):
            return _node(NUMBER, ops.SIGNS[type(tree.op).__name__], self.node(tree.operand, NUMBER))
        if isinstance(tree, ast.BoolOp):
            parts = [self.node(part, NUMBER) for part in tree.values]
            return _folded(NUMBER, ops.ARITHMETIC[type(tree.op).__name__], parts)
        if isinstance(tree, ast.Compare):
            return self._compare(tree)
        assert isinstance(tree, ast.Call)
        return self._call(tree)

    def _input(self, tree: ast.expr, name: str) -> Node:
        if name not in self._places:
            raise self._wrong(tree, f"there is no input {name!r}")
        place, kind = self._places[name]
        if kind == CATEGORY:
            return Node(kind, lambda raw: raw[place], lambda raw, _: raw[place])
        return Node(kind, lambda raw: finite(raw[place]), lambda raw, _: finite_whole(raw[place]))

    def _compare(self, tree: ast.Compare) -> Node:
        if isinstance(tree.ops[0], ast.In | ast.NotIn):
            found = self._member(tree.left, tree.comparators[0])
            return _node(NUMBER, ops.SIGNS["Not"], found) if isinstance(tree.ops[0], ast.NotIn) else found
        (right,), sign = tree.comparators, type(tree.ops[0]).__name__
        first = self.node(tree.left)
        kind = first.kind if sign in ("Eq", "NotEq") else NUMBER
        parts = self._required(tree.left, first, kind), self.node(right, kind)
        if kind == NUMBER:
            return _node(NUMBER, ops.COMPARISONS[sign], *parts)
        same = _node(NUMBER, ops.TEXT_EQUAL, *parts)
        return same if sign == "Eq" else _node(NUMBER, ops.SIGNS["Not"], same)

    def _member(self, left: ast.expr, members: ast.expr) -> Node:
        assert isinstance(members, ast.List)
        known = frozenset(constant(each) for each in members.elts)
        kind = CATEGORY if isinstance(next(iter(known)), str) else NUMBER
        return _node(NUMBER, Operation(lambda v: float(v in known) if _is_there(v) else NAN), self.node(left, kind))

    def _call(self, tree: ast.Call) -> Node:
        assert isinstance(tree.func, ast.Name)
        name, given = tree.func.id, tree.args
        if name in ops.NUMBERS:
            parts = [self.node(each, NUMBER) for each in given]
            return (
                _folded(NUMBER, ops.NUMBERS[name], parts)
                if len(parts) > 1
                else _node(NUMBER, ops.NUMBERS[name], *parts)
            )
        if name in ops.PARTS:
            where = zone(str(constant(given[1]))) if len(given) > 1 else UTC
            return _node(NUMBER, Operation(ops.clock_part(ops.PARTS[name], where)), self.node(given[0], CATEGORY))
        found: Node = getattr(self, f"_{name.lower()}")(*given)
        return found

    def _col(self, tree: ast.expr) -> Node:
        return self._input(tree, str(constant(tree)))

    def _if(self, condition: ast.expr, left: ast.expr, right: ast.expr) -> Node:
        first = self.node(left)
        rule = ops.if_number if first.kind == NUMBER else ops.if_text
        parts = self.node(condition, NUMBER), first, self.node(right, first.kind)
        return _node(first.kind, Operation(rule, ops.if_whole), *parts)

    def _coalesce(self, *given: ast.expr) -> Node:
        head = self.node(given[0])
        first = Operation(lambda a, b: a if _is_there(a) else b, lambda a, b: choose(is_absent(a), b, a))
        return _folded(head.kind, first, [head, *(self.node(each, head.kind) for each in given[1:])])

    def _missing(self, given: ast.expr) -> Node:
        operation = Operation(lambda value: float(not _is_there(value)), lambda column: is_absent(column).astype(float))
        return _node(NUMBER, operation, self.node(given))

    def _clip(self, value: ast.expr, low: ast.expr, high: ast.expr) -> Node:
        least, most = self.node(low, NUMBER), self.node(high, NUMBER)
        return _node(
            NUMBER, ops.NUMBERS["min"], _node(NUMBER, ops.NUMBERS["max"], self.node(value, NUMBER), least), most
        )

    def _cycle_sin(self, value: ast.expr, period: ast.expr) -> Node:
        return _node(NUMBER, total(ops.cycle(math.sin, _number(period))), self.node(value, NUMBER))

    def _cycle_cos(self, value: ast.expr, period: ast.expr) -> Node:
        return _node(NUMBER, total(ops.cycle(math.cos, _number(period))), self.node(value, NUMBER))

    def _bucket(self, value: ast.expr, edges: ast.expr) -> Node:
        bounds = edges_of(edges)
        rule = Operation(lambda number: float(bisect_right(bounds, number)) if number == number else NAN)
        return _node(NUMBER, rule, self.node(value, NUMBER))

    def _join(self, left: ast.expr, right: ast.expr) -> Node:
        return _node(CATEGORY, Operation(ops.join), self.node(left, CATEGORY), self.node(right, CATEGORY))

    def _level(self, value: ast.expr, table: ast.expr, default: ast.expr | None = None) -> Node:
        known = {level: finite(number) for level, number in levels_of(table).items()}
        other = NAN if default is None else finite(_number(default))
        rule = Operation(lambda text: NAN if text is None else known.get(text, other))
        return _node(NUMBER, rule, self.node(value, CATEGORY))

    def _wrong(self, tree: ast.expr, message: str) -> Exception:
        return wrong(place_of(tree, self._parsed.text), message)


def _folded(kind: str, operation: Operation, parts: Sequence[Node]) -> Node:
    return reduce(lambda left, right: _node(kind, operation, left, right), parts)


def _is_there(value: Any) -> bool:
    return value is not None and value == value


def _number(tree: ast.expr) -> float:
    value = constant(tree)
    assert isinstance(value, float)
    return value
