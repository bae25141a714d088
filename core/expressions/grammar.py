"""The text of an expression, read with Python's own parser and checked: nothing outside the language gets through.

The text is never evaluated as Python. Every error says at which character of the expression it is.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.errors import BadInput
from core.work.zones import zone

LONGEST = 4000
MOST_NODES = 500
DEEPEST = 40
HINT = "`tocsin help features` shows the language"
# Python has no function of that name, so that it is read as one that is as long.
IF = "IF"

# One letter an argument: n number, t text, a anything; constants N number, P number above zero, T text, Z time zone,
# E rising numbers, L texts with their numbers. `?` makes the one before it optional, `*` lets it come again.
CALLS = {
    IF: "naa",
    "min": "nn*",
    "max": "nn*",
    "abs": "n",
    "clip": "nnn",
    "log1p": "n",
    "exp": "n",
    "sqrt": "n",
    "floor": "n",
    "round": "n",
    "cycle_sin": "nP",
    "cycle_cos": "nP",
    "minutes": "n",
    "hour": "tZ?",
    "minute": "tZ?",
    "weekday": "tZ?",
    "month": "tZ?",
    "yearday": "tZ?",
    "missing": "a",
    "coalesce": "aa*",
    "bucket": "nE",
    "join": "tt",
    "level": "tLN?",
    "col": "T",
}
BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
UNARY = (ast.USub, ast.UAdd, ast.Not)
COMPARE = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
MEMBER = (ast.In, ast.NotIn)


@dataclass(frozen=True)
class Parsed:
    """A checked expression: its tree, and the raw inputs it reads, in the order they first stand in it."""

    text: str
    tree: ast.expr
    inputs: tuple[str, ...]

    @property
    def names_an_input(self) -> bool:
        """Whether it is nothing but an input: `hour`, or `col("dep hour")`."""
        called = isinstance(self.tree, ast.Call) and isinstance(self.tree.func, ast.Name) and self.tree.func.id == "col"
        return called or isinstance(self.tree, ast.Name)


def parse(text: str) -> Parsed:
    """Read an expression. Raises BadInput with the position of what is not of the language, too long or too deep."""
    if len(text) > LONGEST:
        raise BadInput(f"the expression has {len(text)} characters", f"at most {LONGEST} are read")
    line, start = _line(text)
    try:
        tree = ast.parse(_with_if(line), mode="eval").body
    except SyntaxError as error:
        raise wrong(start + max(0, (error.offset or 1) - 1), f"this cannot be read ({error.msg})") from error
    except (ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise wrong(start, "this cannot be read") from error
    reader = _Reader(text)
    reader.check(tree, 0)
    return Parsed(text, tree, tuple(dict.fromkeys(reader.inputs)))


def place_of(node: ast.expr, text: str) -> int:
    """At which character of an expression's text a part of its tree begins, from 0."""
    line, start = _line(text)
    return start + len(line.encode()[: node.col_offset].decode("utf-8", "ignore"))


def wrong(place: int, message: str) -> BadInput:
    """An error at a place; people count from 1."""
    return BadInput(f"position {place + 1}: {message}", HINT)


def constant(node: ast.expr) -> float | str | None:
    """The number (perhaps with a sign) or text that a part of a tree is, None where it is neither."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = constant(node.operand)
        return -value if isinstance(value, float) else None
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return None
    if isinstance(node.value, int | float):
        try:
            value = float(node.value)
        except OverflowError:
            return None
        return value if abs(value) != float("inf") else None
    return node.value if isinstance(node.value, str) else None


def _line(text: str) -> tuple[str, int]:
    """An expression on one line, and how many characters stood before it: Python's parser minds both."""
    plain = "".join(" " if sign.isspace() else sign for sign in text).rstrip()
    return plain.lstrip(), len(plain) - len(plain.lstrip())


def _with_if(line: str) -> str:
    """`if(` as a call: the word is replaced outside texts alone, by one of the same length."""
    found = [*tokenize.generate_tokens(io.StringIO(line).readline)]
    signs = [*line]
    for token, after in pairwise(found):
        if token.type == tokenize.NAME and token.string == "if" and after.string == "(":
            signs[token.start[1] : token.end[1]] = IF
    return "".join(signs)


class _Reader:
    """One walk over a tree that refuses whatever the language does not have, and gathers the inputs read."""

    def __init__(self, text: str) -> None:
        self.inputs: list[str] = []
        self._text, self._nodes = text, 0

    def check(self, node: ast.expr, depth: int) -> None:
        self._nodes += 1
        if depth > DEEPEST or self._nodes > MOST_NODES:
            raise self._wrong(node, f"it is too large: at most {DEEPEST} levels and {MOST_NODES} parts")
        parts: Sequence[ast.expr] = ()
        if isinstance(node, ast.Name):
            self.inputs.append(node.id)
        elif isinstance(node, ast.Call):
            parts = self._call(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, BINARY):
            parts = (node.left, node.right)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, UNARY):
            parts = (node.operand,)
        elif isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, ast.Compare):
            parts = self._compare(node)
        elif constant(node) is None:
            raise self._wrong(node, "this is not of the language")
        for part in parts:
            self.check(part, depth + 1)

    def _compare(self, node: ast.Compare) -> list[ast.expr]:
        if len(node.ops) == 1 and isinstance(node.ops[0], MEMBER):
            members = node.comparators[0]
            self._require(isinstance(members, ast.List) and bool(members.elts), members, "a list in brackets")
            assert isinstance(members, ast.List)
            kinds = {type(constant(each)) for each in members.elts}
            self._require(kinds in ({float}, {str}), members, "a list of texts, or of numbers")
            return [node.left]
        if len(node.ops) > 1 or not isinstance(node.ops[0], COMPARE):
            raise self._wrong(node, "compare two at a time, with == != < <= > >= or in, and `and` between")
        return [node.left, *node.comparators]

    def _call(self, node: ast.Call) -> list[ast.expr]:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in CALLS:
            raise self._wrong(node, f"there is no function {name!r}")
        letters = spread(CALLS[name], len(node.args))
        if node.keywords or len(letters) != len(node.args):
            said = CALLS[name].replace("*", " ...").replace("?", " (optional)")
            raise self._wrong(node, f"{name.lower()} does not take {len(node.args)} arguments like that ({said})")
        parts = []
        for letter, argument in zip(letters, node.args, strict=True):
            if letter.islower():
                parts.append(argument)
            else:
                self._require(_fits(letter, argument), argument, MEANT[letter])
        if name == "col":
            self.inputs.append(str(constant(node.args[0])))
        return parts

    def _require(self, fits: bool, node: ast.expr, meant: str) -> None:
        if not fits:
            raise self._wrong(node, f"here stands {meant}")

    def _wrong(self, node: ast.expr, message: str) -> BadInput:
        return wrong(place_of(node, self._text), message)


MEANT = {
    "N": "a number, written out",
    "P": "a number above zero, written out",
    "T": "a text in quotation marks",
    "Z": 'a time zone in quotation marks, as "America/New_York"',
    "E": "a list of rising numbers in brackets",
    "L": 'a table of texts with their numbers, as {"AA": 1}',
}


def spread(letters: str, count: int) -> str:
    """The argument letters of a call with `count` arguments; of another length where it cannot have so many."""
    if letters.endswith("*"):
        return letters[:-1] + letters[-2] * max(0, count - len(letters) + 1)
    plain = letters.replace("?", "")
    return plain[:-1] if letters.endswith("?") and count == len(plain) - 1 else plain


def edges_of(node: ast.expr) -> list[float]:
    """The numbers of a list written out; empty where they do not all rise, or it is none."""
    found = [constant(each) for each in node.elts] if isinstance(node, ast.List) else []
    numbers = [each for each in found if isinstance(each, float)]
    rising = all(low < high for low, high in pairwise(numbers))
    return numbers if rising and len(numbers) == len(found) else []


def levels_of(node: ast.expr) -> dict[str, float]:
    """The texts and numbers of a table written out; empty where it holds anything else, or a text twice."""
    if not isinstance(node, ast.Dict) or None in node.keys:
        return {}
    pairs = [(constant(key), constant(value)) for key, value in zip(node.keys, node.values, strict=True) if key]
    found = {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, float)}
    return found if len(found) == len(pairs) else {}


def _fits(letter: str, node: ast.expr) -> bool:
    value = constant(node)
    if letter in "NP":
        return isinstance(value, float) and (letter == "N" or value > 0)
    if letter in "TZ":
        return isinstance(value, str) and (letter == "T" or _is_zone(value))
    return bool(edges_of(node) if letter == "E" else levels_of(node))


def _is_zone(name: str) -> bool:
    try:
        return zone(name) is not None
    except BadInput:
        return False
