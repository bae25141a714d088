"""Rules between columns: expressions of the feature language, asked of every row, a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.datasets.contract import Rule
from core.datasets.finding import Finding, Offenders
from core.errors import BadInput
from core.expressions.expression import Node, bind
from core.expressions.grammar import parse
from core.expressions.whole import texts
from core.measures.tables import Table
from core.measures.values import CATEGORY, NUMBER

CONSTANTS = {"true": 1.0, "false": 0.0}
KINDS = {"integer": NUMBER, "number": NUMBER, "boolean": NUMBER, "time": NUMBER, "text": CATEGORY}


def bound(rule: Rule, types: Mapping[str, str]) -> tuple[Node, tuple[str, ...]]:
    """A rule over columns of these types, and the columns it reads: times are seconds since 1970, yes is 1.

    Raises BadInput with the position of what does not fit.
    """
    try:
        inputs = parse(rule.expression).inputs
        known = {name: KINDS[kind] for name, kind in types.items() if name in inputs and kind in KINDS}
        constants = {name: NUMBER for name in CONSTANTS if name in inputs and name not in types}
        node = bind(parse(rule.expression), {**known, **constants})
    except BadInput as error:
        raise BadInput(f"rule {rule.said!r}: {error.message}", error.hint) from error
    if node.kind != NUMBER:
        raise BadInput(f"rule {rule.said!r} is a text", "a rule is true or false, as `a <= b`")
    return node, tuple(known)


def rule_findings(rule: Rule, table: Table, masked: frozenset[str]) -> list[Finding]:
    """What a rule finds in a table; a warning where the columns are no longer what it can be asked of."""
    try:
        node, names = bound(rule, table.types)
    except BadInput as error:
        return [Finding(None, "warning", f"it could not be asked: {error.message}", "rule")]
    found, first = Offenders(masked), 0
    for batch in table.together(names):
        rows = len(next(iter(batch.values())))
        found.add(first, node.whole(_raw(rule, batch, table.types, rows), rows) == 0.0, batch)
        first += rows
    return found.judged(None, "rule", table.rows, rule.tolerance, f"the rule {rule.said!r} does not hold")


def _raw(rule: Rule, batch: Mapping[str, Any], types: Mapping[str, str], rows: int) -> list[Any]:
    import numpy as np

    constants = [name for name in CONSTANTS if name in parse(rule.expression).inputs and name not in types]
    columns = [texts(column) if types[name] == "text" else _numbers(column) for name, column in batch.items()]
    return [*columns, *(np.full(rows, CONSTANTS[name]) for name in constants)]


def _numbers(column: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(float) / 1e6
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
