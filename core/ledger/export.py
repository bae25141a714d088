"""The ledger as JSON Lines that anybody can verify without tocsin, and the check of such a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.ledger.chain import HASHED, Verification, rows_of, walk
from core.store import Reads

FIELDS = (*HASHED, "hash", "mac")
NUMBERS = ("seq", "at_us", "recorded_us")


def lines(store: Reads) -> Iterator[str]:
    """Each event as one line of JSON, oldest first, with its fields in the order in which they are hashed.

    `hash` is the SHA-256 of the first eleven values as a JSON array without spaces, `prev` the hash before it, `mac`
    the HMAC-SHA-256 of the hash with the home's key. `data` is text, as it was hashed.
    """
    for row in rows_of(store):
        yield json.dumps({name: row[name] for name in FIELDS}, separators=(",", ":"), ensure_ascii=False)


def verify_file(path: Path, key: bytes | None) -> Verification:
    """Verify an exported file without its store; without the key, the chain of hashes alone.

    Raises BadInput where the file cannot be read, or a line is no exported event.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return walk((_event(line, number) for number, line in enumerate(file, 1)), key)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "give a file that `tocsin audit export` wrote") from error


def _event(line: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
        whole = tuple(found) == FIELDS and all(isinstance(found[name], int) for name in NUMBERS)
        if not whole or not all(isinstance(found[name], str) for name in ("data", "prev", "hash", "mac")):
            raise ValueError("fields are missing")
    except (TypeError, ValueError) as error:
        raise BadInput(f"line {number} is no exported event", "a line was changed: compare with the store") from error
    return dict(found)
