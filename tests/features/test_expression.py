from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.expressions.expression import Node, bind
from core.expressions.grammar import parse
from core.expressions.whole import Texts, texts, values_of

KINDS = {"x": "number", "y": "number", "hhmm": "number", "a": "category", "b": "category", "at": "category"}
NAN = math.nan


def node(text: str) -> Node:
    return bind(parse(text), KINDS)


def ask(text: str, **values: Any) -> Any:
    raw = [values.get(name, NAN if kind == "number" else None) for name, kind in KINDS.items()]
    return node(text).row(raw)


def same(left: Any, right: Any) -> bool:
    """Equal to the last bit; one missing number is as good as another."""
    if isinstance(left, float) and isinstance(right, float):
        return (left != left and right != right) or struct.pack("d", left) == struct.pack("d", right)
    return type(left) is type(right) and left == right


@pytest.mark.parametrize(
    ("text", "values", "answer"),
    [
        ("if(x >= 17, 1, 0)", {"x": 17.0}, 1.0),
        ("if(x >= 17, 1, 0)", {}, NAN),
        ("if(a == \"if(x\", 'A', b)", {"a": "no", "b": "B"}, "B"),
        ("x / y", {"x": 1.0, "y": 0.0}, NAN),
        ("x % y", {"x": -7.0, "y": 3.0}, 2.0),
        ("x // y", {"x": -7.0, "y": 3.0}, -3.0),
        ("x // 0", {"x": 1.0}, NAN),
        ("x ** y", {"x": -8.0, "y": 0.5}, NAN),
        ("x ** y", {"x": 9e200, "y": 9.0}, NAN),
        ("0 and x", {}, 0.0),
        ("x or 1", {}, 1.0),
        ("1 and x", {}, NAN),
        ("not x", {"x": 0.0}, 1.0),
        ("min(3, x, y)", {"x": 2.0, "y": 5.0}, 2.0),
        ("max(x, y)", {"x": 2.0}, NAN),
        ("clip(x, 0, 1)", {"x": -4.0}, 0.0),
        ("log1p(x)", {"x": -1.0}, NAN),
        ("sqrt(-1)", {}, NAN),
        ("exp(1000)", {}, NAN),
        ("round(2.5)", {}, 2.0),
        ("-x * 0", {"x": 3.0}, 0.0),
        ("minutes(hhmm)", {"hhmm": 1730.0}, 1050.0),
        ("minutes(hhmm)", {"hhmm": 1761.0}, NAN),
        ("cycle_sin(x, 24)", {"x": 6.0}, 1.0),
        ('hour(at, "America/New_York")', {"at": "2013-01-01T10:00:00Z"}, 5.0),
        ("hour(at)", {"at": "2013-01-01T10:00:00+02:00"}, 8.0),
        ("weekday(at)", {"at": "2013-01-01 05:00:00"}, 1.0),
        ("yearday(at)", {"at": "2012-12-31"}, 366.0),
        ("month(at)", {"at": "soon"}, NAN),
        ("missing(a) + missing(x)", {"x": 1.0}, 1.0),
        ("coalesce(a, b, 'none')", {}, "none"),
        ("bucket(x, [0, 10, 20])", {"x": 10.0}, 2.0),
        ("bucket(x, [0, 10, 20])", {}, NAN),
        ("a in ['A', 'B']", {"a": "B"}, 1.0),
        ("x not in [1, 2]", {"x": 1.0}, 0.0),
        ("a != b", {"a": "A"}, NAN),
        ("join(a, b)", {"a": "A", "b": "B|"}, "A|B\\|"),
        ('level(a, {"AA": 1, "UA": -2}, 0)', {"a": "UA"}, -2.0),
        ('level(a, {"AA": 1}, 0)', {"a": "DL"}, 0.0),
        ('level(a, {"AA": 1})', {"a": "DL"}, NAN),
        ('level(a, {"AA": 1}, 0)', {}, NAN),
        ('col("x") + 1', {"x": 1.0}, 2.0),
        ("  x\n  + 1", {"x": 1.0}, 2.0),
    ],
)
def test_what_an_expression_is(text: str, values: dict[str, Any], answer: Any) -> None:
    assert same(ask(text, **values), answer)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x + nosuch", "position 5: there is no input 'nosuch'"),
        ("  x + foo(y)", "position 7: there is no function 'foo'"),
        ("x + a", "position 5: this is a text, and a number belongs here"),
        ("a < b", "position 1: this is a text"),
        ("if(x, a, y)", "position 10: this is a number, and a text belongs here"),
        ("x.real", "position 1: this is not of the language"),
        ("'é' == a and x[0]", "position 14: this is not of the language"),
        ("(lambda: 1)()", "there is no function ''"),
        ("__import__('os')", "there is no function '__import__'"),
        ("f'{x}' == a", "this is not of the language"),
        ("x if y else 1", "this is not of the language"),
        ("1 < x < 3", "compare two at a time"),
        ("True", "this is not of the language"),
        ("cycle_sin(x, 0)", "position 14: here stands a number above zero"),
        ("bucket(x, [2, 1])", "position 11: here stands a list of rising numbers"),
        ("hour(at, 'Mars/Base')", "here stands a time zone"),
        ("level(a, {'A': 'b'})", "here stands a table"),
        ("clip(x, 1)", "clip does not take 2 arguments"),
        ("a in ['A', 1]", "here stands a list of texts, or of numbers"),
        ("x +", "position"),
        ("", "position 1"),
        ("1e999 + x", "this is not of the language"),
        ("(" * 300 + "x" + ")" * 300, "cannot be read"),
        ("-" * 60 + "x", "too large"),
        ("-" * 3999 + "x", "position"),
        ("+".join(["x"] * 300), "too large"),
        ("x" * 4001, "4001 characters"),
    ],
)
def test_what_is_not_of_the_language_is_refused_where_it_stands(text: str, words: str) -> None:
    with pytest.raises(BadInput) as said:
        node(text)
    assert words in said.value.message


def test_deeply_nested_comparisons_are_bound_in_an_instant() -> None:
    text = "x"
    for _ in range(35):
        text = f"({text} == 1)"
    assert same(ask(text, x=2.0), 0.0)


FLOATS = st.one_of(
    st.floats(width=64), st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2400.0, 1259.0, NAN, math.inf, 5e-324])
)
WORDS = st.one_of(st.none(), st.sampled_from(["A", "B", "A|", "\\", "2013-03-10T07:30:00Z", "2013-12-31", ""]))
NUMBER = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x", "y", "hhmm", "0", "-3", "2.5", "1e300", "-0.0"]),
        st.tuples(
            NUMBER, st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="]), NUMBER
        ).map(lambda part: f"({part[0]} {part[1]} {part[2]})"),
        st.tuples(NUMBER, st.sampled_from(["and", "or"]), NUMBER).map(lambda part: f"({part[0]} {part[1]} {part[2]})"),
        st.tuples(
            st.sampled_from(["abs", "log1p", "exp", "sqrt", "floor", "round", "minutes", "missing", "-", "not "]),
            NUMBER,
        ).map(lambda part: f"({part[0]}({part[1]}))"),
        st.tuples(st.sampled_from(["min", "max", "coalesce"]), NUMBER, NUMBER).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        st.tuples(NUMBER, NUMBER, NUMBER).map(lambda part: f"if({part[0]}, {part[1]}, {part[2]})"),
        st.tuples(NUMBER, NUMBER, NUMBER).map(lambda part: f"clip({part[0]}, {part[1]}, {part[2]})"),
        NUMBER.map(lambda part: f"cycle_sin({part}, 24)"),
        NUMBER.map(lambda part: f"cycle_cos({part}, 7)"),
        NUMBER.map(lambda part: f"bucket({part}, [-1, 0, 2.5])"),
        NUMBER.map(lambda part: f"({part} in [0, 1, 2.5])"),
        st.tuples(TEXT, st.sampled_from(["==", "!="]), TEXT).map(lambda part: f"({part[0]} {part[1]} {part[2]})"),
        TEXT.map(lambda part: f"({part} not in ['A', 'B'])"),
        TEXT.map(lambda part: f"missing({part})"),
        TEXT.map(lambda part: f"level({part}, {{'A': 1.5, 'A|A': 2}}, -1)"),
        st.sampled_from(["hour(at, 'America/New_York')", "minute(at)", "weekday(at)", "month(b)", "yearday(at)"]),
    )
)
TEXT = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["a", "b", "at", "'A'", "'2013-12-31'"]),
        st.tuples(TEXT, TEXT).map(lambda part: f"join({part[0]}, {part[1]})"),
        st.tuples(TEXT, TEXT).map(lambda part: f"coalesce({part[0]}, {part[1]})"),
        st.tuples(NUMBER, TEXT, TEXT).map(lambda part: f"if({part[0]}, {part[1]}, {part[2]})"),
    )
)
ROWS = st.lists(st.tuples(FLOATS, FLOATS, FLOATS, WORDS, WORDS, WORDS), max_size=30)


@seed(20130401)
@settings(max_examples=400)
@given(text=st.one_of(NUMBER, TEXT), rows=ROWS, chunk=st.integers(1, 5))
def test_a_row_and_a_whole_column_are_the_same_to_the_last_bit(text: str, rows: list[Any], chunk: int) -> None:
    import numpy as np
    import pyarrow as pa

    try:
        found = node(text)
    except BadInput as error:
        assert "too large" in error.message or "characters" in str(error)
        return
    raw: list[Any] = []
    for place, kind in enumerate(KINDS.values()):
        values = [row[place] for row in rows]
        if kind == "number":
            raw.append(np.array(values, dtype=float))
        else:
            parts = [pa.array(values[at : at + chunk], pa.string()) for at in range(0, len(values), chunk)]
            raw.append(texts(pa.chunked_array(parts, pa.string())))
    with np.errstate(all="ignore"):
        whole = found.whole(raw, len(rows))
    assert isinstance(whole, Texts) == (found.kind == "category")
    one_by_one = [found.row(row) for row in rows]
    for left, right in zip(one_by_one, values_of(whole), strict=True):
        assert same(left, right), (text, left, right)
