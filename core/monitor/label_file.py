"""Read labels from a CSV file, all of them or none."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from core.clock import parse_time
from core.errors import BadInput, NotFound

# How labels are written in files.
VALUES = {"0": 0, "1": 1, "false": 0, "true": 1, "0.0": 0, "1.0": 1}


def read(path: Path, now_us: int) -> list[tuple[str, int, int]]:
    """The (request id, label, time) of each line of a CSV file with the columns id, label and perhaps at.

    A label without a time has that of the import. Lines without a label are left out: they are not known yet.
    Raises NotFound without a file; BadInput, naming the line, for anything that cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            _require_columns(path, lines.fieldnames or ())
            return [
                _row(path, number, line, now_us)
                for number, line in enumerate(lines, 2)
                if (line["label"] or "").strip()
            ]
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "check the path; it is read from the current folder") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text", "save it as UTF-8 CSV") from None
    except (OSError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read: {error}", "give a CSV file with the columns id and label") from error


def _require_columns(path: Path, names: object) -> None:
    known = tuple(names) if isinstance(names, (list, tuple)) else ()
    for column in ("id", "label"):
        if column not in known:
            raise BadInput(
                f"{path} has no column {column!r}; it has {', '.join(known) or 'none'}",
                "its first line names the columns: id,label or id,label,at",
            )


def _row(path: Path, number: int, line: Mapping[str, str | None], now_us: int) -> tuple[str, int, int]:
    request, text = (line["id"] or "").strip(), (line["label"] or "").strip()
    value = VALUES.get(text.lower())
    if not request:
        raise BadInput(f"{path}, line {number}: no id", "give every label the id its prediction was asked with")
    if value is None:
        raise BadInput(f"{path}, line {number}: the label {text!r} is neither 0 nor 1", "write labels as 0 or 1")
    try:
        at = (line.get("at") or "").strip()
        return request, value, parse_time(at) if at else now_us
    except BadInput as error:
        raise BadInput(f"{path}, line {number}: {error.message}", error.hint) from None
