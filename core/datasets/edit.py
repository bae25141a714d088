"""Contracts as people write them, and what differs between two of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from core.datasets.contract import Contract
from core.errors import BadInput


def as_text(contract: Contract) -> str:
    """A contract as JSON to be edited, one column to a line."""
    data = contract.to_json()
    lines = [f'  "{name}": {_json(value)},' for name, value in data.items() if name != "columns"]
    columns = ",\n".join(f"    {_json(column)}" for column in data["columns"])
    return "\n".join(["{", *lines, '  "columns": [', columns, "  ]", "}", ""])


def read(text: str) -> Contract:
    """A contract written as JSON or as TOML. Raises BadInput with the place where it cannot be read, or the field."""
    try:
        data = json.loads(text) if text.lstrip().startswith(("{", "[")) else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"it is neither JSON nor TOML: {error}", _HINT) from error
    except ValueError as error:
        raise BadInput(f"it is not JSON: {error}", _HINT) from error
    return Contract.from_json(data)


def read_file(path: Path) -> Contract:
    """The contract in a file. Raises BadInput, naming the file."""
    try:
        return read(path.expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "give a file of JSON or TOML") from error
    except BadInput as error:
        raise BadInput(f"{path}: {error.message}", error.hint) from error


def changes(old: Contract, new: Contract) -> list[dict[str, Any]]:
    """What the new contract says otherwise: `column` (None: of the whole), `field`, `old` and `new`.

    A column that came or went is one change with the field `column`.
    """
    before, after = old.to_json(), new.to_json()
    found = _fields(None, before, after, {"columns", "format"})
    columns = {column["name"]: column for column in before["columns"]}
    others = {column["name"]: column for column in after["columns"]}
    for name in [*columns, *(name for name in others if name not in columns)]:
        if name in columns and name in others:
            found += _fields(name, columns[name], others[name], set())
        else:
            found.append({"column": name, "field": "column", "old": columns.get(name), "new": others.get(name)})
    return found


_HINT = "`tocsin dataset contract show DATASET --json` prints one to start from"


def _fields(column: str | None, old: dict[str, Any], new: dict[str, Any], but: set[str]) -> list[dict[str, Any]]:
    return [
        {"column": column, "field": name, "old": old[name], "new": new[name]}
        for name in old
        if name not in but and old[name] != new[name]
    ]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
