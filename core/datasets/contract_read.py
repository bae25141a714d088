"""A contract from plain data, with errors that name the column and the field."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from core.access.sensitive import WAYS
from core.datasets.contract import TYPES, USES, Column, Contract, RowLimits, Rule, whole
from core.errors import BadInput

SCHEMA_HINT = "`tocsin dataset contract show DATASET --json` prints one to start from"
FORMATS = (1, 2)
FLAGS = ("in_order", "after_last", "strict")


def contract_of(data: object) -> Contract:
    """A contract from plain data of format 1 or 2. Raises BadInput naming what does not fit."""
    if not isinstance(data, Mapping) or not isinstance(data.get("columns"), list):
        raise BadInput("a contract is an object with a list of columns", SCHEMA_HINT)
    _only(data, {"format", *(field.name for field in fields(Contract))}, "the contract")
    if data.get("format", 1) not in FORMATS:
        raise BadInput(f"contract format {data['format']!r} is not known here", "upgrade tocsin, or use format 2")
    columns = tuple(_column(entry) for entry in data["columns"])
    _require_sense(columns)
    names = {column.name for column in columns}
    return Contract(
        columns,
        _freshness(data.get("freshness_us")),
        rows=_row_limits(data.get("rows")),
        unique_together=tuple(_key(key, names) for key in _list(data, "unique_together")),
        rules=tuple(_rule(entry, columns) for entry in _list(data, "rules")),
        **{flag: _flag(data, flag) for flag in FLAGS},
    )


def _list(data: Mapping[str, Any], field: str) -> list[Any]:
    found = data.get(field)
    if found is not None and not isinstance(found, list):
        raise BadInput(f"{field} is {found!r}", "it is a list")
    return found or []


def _flag(data: Mapping[str, Any], field: str) -> bool:
    found = data.get(field, False)
    if not isinstance(found, bool):
        raise BadInput(f"{field} is {found!r}", "it is true or false")
    if found and field in ("in_order", "after_last") and not _has_time(data):
        raise BadInput(f"{field} needs a column of use time", "name one, or leave it out")
    return found


def _has_time(data: Mapping[str, Any]) -> bool:
    return any(entry.get("use") == "time" for entry in data["columns"])


def _row_limits(data: object) -> RowLimits:
    if data is None:
        return RowLimits()
    if not isinstance(data, Mapping):
        raise BadInput(f"rows is {data!r}", "it is an object with least, most and jump")
    _only(data, {field.name for field in fields(RowLimits)}, "rows")
    for bound in ("least", "most"):
        value = data.get(bound)
        if value is not None and (not _is_whole(value) or value < 1):
            raise BadInput(f"rows: {bound} is {value!r}", "it is a whole number of rows, or null")
    jump = data.get("jump")
    if not _is_number(jump, empty=True) or (jump is not None and jump <= 1):
        raise BadInput(f"rows: jump is {jump!r}", "it is a factor above 1, or null")
    limits = RowLimits(**data)
    if limits.least is not None and limits.most is not None and limits.least > limits.most:
        raise BadInput("rows: least is above most", "swap them")
    return limits


def _key(data: object, names: set[str]) -> tuple[str, ...]:
    if not isinstance(data, list) or not data or not all(isinstance(name, str) for name in data):
        raise BadInput(f"unique_together has {data!r}", "each key is a list of column names")
    unknown = sorted(set(data) - names)
    if unknown:
        raise BadInput(f"unique_together: there is no column {unknown[0]!r}", "name columns of the contract")
    return tuple(dict.fromkeys(data))


def _rule(entry: object, columns: tuple[Column, ...]) -> Rule:
    from core.datasets.rules import bound

    if not isinstance(entry, Mapping) or not isinstance(entry.get("expression"), str):
        raise BadInput(f"a rule is {entry!r}", 'it is an object as {"name": "...", "expression": "a <= b"}')
    _only(entry, {field.name for field in fields(Rule)}, "a rule")
    if not isinstance(entry.get("name", ""), str):
        raise BadInput(f"a rule is called {entry['name']!r}", "its name is a text")
    _share_of(entry, "tolerance", f"rule {entry.get('name') or entry['expression']!r}")
    rule = Rule(entry["expression"], entry.get("name", ""), entry.get("tolerance", 0.0))
    bound(rule, {column.name: column.type for column in columns})
    return rule


def _column(entry: object) -> Column:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BadInput("every column of a contract has a name", SCHEMA_HINT)
    name = entry["name"]
    _only(entry, {field.name for field in fields(Column)}, f"column {name!r}")
    _one_of(entry, "type", TYPES, name)
    _one_of(entry, "use", USES, name)
    if entry.get("sensitive") is not None:
        _one_of(entry, "sensitive", WAYS, name)
    for flag in ("nullable", "unique"):
        if not isinstance(entry.get(flag, False), bool):
            raise BadInput(f"column {name!r}: {flag} is {entry[flag]!r}", "it is true or false")
    for bound in ("min", "max"):
        if not _is_number(entry.get(bound), empty=True):
            raise BadInput(f"column {name!r}: {bound} is {entry[bound]!r}", "it is a number, or null for no bound")
    _share_of(entry, "tolerance", f"column {name!r}")
    if entry.get("null_share") is not None:
        _share_of(entry, "null_share", f"column {name!r}")
    _require_pattern(entry.get("pattern"), name)
    levels = entry.get("levels")
    if levels is not None and not (isinstance(levels, list) and all(isinstance(level, str) for level in levels)):
        raise BadInput(f"column {name!r}: levels is {levels!r}", "it is a list of texts, or null for any text")
    values = entry.get("values")
    if values is not None and not (isinstance(values, list) and values and all(_is_whole(value) for value in values)):
        raise BadInput(
            f"column {name!r}: values is {values!r}", "it is a list of whole numbers, or null for any number"
        )
    lists = {"levels": levels, "values": values}
    return Column(**{**entry, **{field: None if kept is None else tuple(kept) for field, kept in lists.items()}})


def _share_of(entry: Mapping[str, Any], field: str, place: str) -> None:
    if not _is_number(entry.get(field, 0.0)) or not 0 <= entry.get(field, 0.0) <= 1:
        raise BadInput(f"{place}: {field} is {entry[field]!r}", "it is a share of rows from 0 to 1")


def _require_pattern(pattern: object, name: str) -> None:
    if pattern is None:
        return
    if not isinstance(pattern, str):
        raise BadInput(f"column {name!r}: pattern is {pattern!r}", "it is a regular expression, or null for any text")
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), whole(pattern))
    except pa.ArrowException as error:
        raise BadInput(
            f"column {name!r}: pattern {pattern!r} cannot be read: {error}", "write it in RE2's syntax"
        ) from error


def _only(data: Mapping[str, Any], known: set[str], place: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        raise BadInput(f"{place}: there is no field {unknown[0]!r}", f"the fields are {', '.join(sorted(known))}")


def _one_of(entry: Mapping[str, Any], field: str, known: tuple[str, ...], name: str) -> None:
    if entry.get(field) not in known:
        raise BadInput(f"column {name!r}: {field} is {entry.get(field)!r}", f"it is one of {', '.join(known)}")


def _is_number(value: object, *, empty: bool = False) -> bool:
    if value is None:
        return empty
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _freshness(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise BadInput(f"freshness_us is {value!r}", "it is a whole number of microseconds, or null for any age")
    return value


def _require_sense(columns: tuple[Column, ...]) -> None:
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"the contract has two columns called {twice[0]!r}", "keep one of them")
    for use in ("time", "label"):
        if sum(column.use == use for column in columns) > 1:
            raise BadInput(f"the contract has more than one {use} column", "one is the most; make the others `other`")
    for column in columns:
        if column.min is not None and column.max is not None and column.min > column.max:
            raise BadInput(f"column {column.name!r}: min is above max", "swap them")
