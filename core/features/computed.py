"""Computed columns: an expression or an installed function made ready for rows and for whole columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.errors import BadInput
from core.expressions.expression import Node, bind
from core.expressions.grammar import parse
from core.expressions.whole import finite, mapped
from core.features.columns import EXPRESSION, Feature, ViewColumn
from core.features.functions import Function, installed
from core.measures.values import CATEGORY, NAN, NUMBER

AGAIN = "train the model again"


def node_of(column: ViewColumn, features: Sequence[Feature]) -> Node:
    """A computed column over the raw values of these features, in their order.

    Raises BadInput where its function is not installed with the source it was trained with, or it does not fit.
    """
    if column.op == EXPRESSION:
        return expression_of(column.text, features)
    return function_node(installed(column.text, column.sha256), column.kind, places_of(column.inputs, features))


def expression_of(text: str, features: Sequence[Feature]) -> Node:
    """An expression over features. Raises BadInput with the position of what does not fit."""
    return bind(parse(text), {feature.name: feature.kind for feature in features})


def check_computed(column: ViewColumn, features: Sequence[Feature]) -> None:
    """Raises BadInput where a computed column does not fit its features; what is installed here is not asked."""
    names = {feature.name for feature in features}
    if column.kind not in (NUMBER, CATEGORY) or not names.issuperset(column.inputs) or not column.text:
        raise BadInput(f"the view's column {column.name!r} cannot be computed", AGAIN)
    if column.op == EXPRESSION:
        parsed = parse(column.text)
        kind = bind(parsed, {feature.name: feature.kind for feature in features}).kind
        if (parsed.inputs, kind) != (column.inputs, column.kind):
            raise BadInput(f"the view's column {column.name!r} is not what it says", AGAIN)


def places_of(inputs: Sequence[str], features: Sequence[Feature]) -> list[int]:
    """Where inputs stand among the features."""
    names = [feature.name for feature in features]
    return [names.index(name) for name in inputs]


def function_node(found: Function, kind: str, places: Sequence[int]) -> Node:
    """An installed function's answers as a column of one kind. Raises BadInput, when asked, for another's answer."""
    rule = asked(found)

    def of_kind(*values: Any) -> Any:
        answer = rule(*values)
        if isinstance(answer, str) != (kind == CATEGORY) and not is_missing_answer(answer):
            raise BadInput(f"the feature function {found.name!r} gave {answer!r} where a {kind} belongs", AGAIN)
        return answer if isinstance(answer, str) or kind == NUMBER else None

    return Node(
        kind,
        lambda raw: of_kind(*[raw[place] for place in places]),
        lambda raw, _: mapped(of_kind, kind, [raw[place] for place in places]),
    )


def asked(found: Function) -> Callable[..., float | str]:
    """The function itself, given None for missing values; its numbers as floats, missing ones not-a-number.

    Raises BadInput, when asked, where the function raises or gives what is neither number nor text.
    """

    def ask(*values: Any) -> float | str:
        given = [None if value is None or value != value else value for value in values]
        try:
            answer = found.call(*given)
        except Exception as error:
            raise BadInput(
                f"the feature function {found.name!r} failed on {given}: {type(error).__name__}: {error}",
                "it must answer for every input, with None where it knows nothing",
            ) from error
        if answer is None or isinstance(answer, str):
            return NAN if answer is None else answer
        if not isinstance(answer, int | float):
            raise BadInput(f"the feature function {found.name!r} gave {answer!r}", "it gives a number, a text, or None")
        return finite(float(answer))

    return ask


def is_missing_answer(answer: float | str) -> bool:
    """Whether a function knew nothing."""
    return not isinstance(answer, str) and answer != answer
