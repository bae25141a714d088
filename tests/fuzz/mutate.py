"""Spoil valid examples: bytes that are nearly right reach further into a parser than noise does."""

from __future__ import annotations

import json
import random
from typing import Any

# What parsers trip over: edges of numbers, quotes, marks of other encodings, half characters, long runs.
TOKENS = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\r", b"\n", b"\r\n", b"\t", b'"', b"'",
    b"`", b",", b";", b"|", b"{", b"}", b"[", b"]", b":", b"-", b"---", b"```", b"&a", b"*a", b"!!python/none", b"%s",
    b"../", b"0", b"-1", b"1e999", b"nan", b"NaN", b"Infinity", b"1_0", b"9223372036854775808", b"0x10", b"0.1",
    b"9" * 400, b"9" * 5000, b"[" * 2000, b"{\"a\":" * 400, b"a" * 70_000, "٣".encode(), "𝟙".encode(), b"\xc2\xb2",
    b"true", b"null", b"10000-01-01", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59",
    b"\\u0000", b"\\ud800",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 0.5, 1 << 63, -(1 << 70), 10**400, float("inf"), float("nan"), "", "\0", "\ud800", "x" * 500, [],
    [[]], {}, {"a": 1}, [None], [1, "a"],
)  # fmt: skip


def spoiled(chance: random.Random, content: bytes) -> bytes:
    """The content with one to four changes; where it is JSON, now and then with other values in it."""
    if chance.random() < 0.4:
        try:
            return _dumped(_changed(chance, json.loads(content)))
        except (ValueError, RecursionError):
            pass
    for _ in range(chance.randint(1, 4)):
        content = _spoiled_once(chance, content)
    return content


def _spoiled_once(chance: random.Random, content: bytes) -> bytes:
    at = chance.randint(0, len(content))
    end = min(len(content), at + chance.choice((1, 2, 8, 64)))
    how = chance.randrange(7)
    if how == 0:
        return content[:at] + chance.choice(TOKENS) + content[at:]
    if how == 1:
        return content[:at] + chance.choice(TOKENS) + content[end:]
    if how == 2:
        return content[:at] + content[end:]
    if how == 3:
        return content[:at] + content[at:end] * chance.choice((2, 9)) + content[end:]
    if how == 4:
        return content[:at] + chance.randbytes(end - at) + content[end:]
    if how == 5:
        return content[: chance.choice((at, at, 0, 1, 4))]
    lines = content.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def _changed(chance: random.Random, data: Any) -> Any:
    """The data with a value, deep or shallow, replaced, taken away or put in beside the others."""
    if isinstance(data, dict) and data:
        name = chance.choice(sorted(data))
        how = chance.randrange(6)
        if how == 0:
            return {key: value for key, value in data.items() if key != name}
        if how == 1:
            return {**data, chance.choice(("", "format", "x", name.upper())): chance.choice(VALUES)}
        return {**data, name: _changed(chance, data[name])}
    if isinstance(data, list) and data and chance.random() < 0.8:
        place = chance.randrange(len(data))
        if chance.random() < 0.2:
            return data + data[place:]
        return [*data[:place], _changed(chance, data[place]), *data[place + 1 :]]
    return chance.choice(VALUES)


def _dumped(data: Any) -> bytes:
    return json.dumps(data).encode()
