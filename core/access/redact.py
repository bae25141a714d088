"""Take known secrets out of what is logged or stored."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TextIO, TypeVar, cast
from urllib.parse import quote

from core.access.actor import presented
from core.access.secrets import resolve
from core.errors import TocsinError
from core.store import Store

TOKENS = "SELECT token_ref FROM endpoint ORDER BY name"
REDACTED = "[secret]"
# A line that never ends is passed on in parts of this many characters.
MOST_PENDING = 1 << 20

Value = TypeVar("Value")


def known_secrets(store: Store) -> tuple[str, ...]:
    """The tokens of all endpoints and this process's own key, as far as they can be read here."""
    found = []
    asked: list[Callable[[], str]] = [partial(resolve, row["token_ref"]) for row in store.read(TOKENS)]
    for ask in (presented, *asked):
        try:
            found.append(ask())
        except TocsinError:
            # A secret that cannot be read cannot have been printed by us.
            continue
    return tuple(secret for secret in found if secret)


def redact(value: Value, secrets: Iterable[str]) -> Value:
    """The value with every secret replaced by `[secret]`, in a text or in all texts of a list or an object.

    A secret is found as it is, and as JSON, a URL and base 64 write it. Without secrets the value is as it was.
    """
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    if not forms:
        return value
    # The longest first: a secret that begins another one must not leave the rest of it behind.
    pattern = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    return cast(Value, _without(value, pattern))


def _forms(secret: str) -> tuple[str, ...]:
    as_json = json.dumps(secret)[1:-1]
    return secret, as_json, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()


def _without(value: object, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(REDACTED, value)
    if isinstance(value, dict):
        return {_without(name, pattern): _without(each, pattern) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without(each, pattern) for each in value]
    return value


class Redacted(io.TextIOBase):
    """A stream that passes text on to another one line by line, without the secrets, each line flushed."""

    def __init__(self, under: TextIO, secrets: Iterable[str]) -> None:
        self._under = under
        self._secrets = tuple(secrets)
        self._pending = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Take text; what ends a line is passed on."""
        self._pending += text
        if "\n" in text or len(self._pending) > MOST_PENDING:
            whole, end, rest = self._pending.rpartition("\n")
            self._pending = rest if end else ""
            self._pass_on(whole + end or rest)
        return len(text)

    def flush(self) -> None:
        """Pass on a line that has not ended yet."""
        pending, self._pending = self._pending, ""
        self._pass_on(pending)

    def _pass_on(self, text: str) -> None:
        if text and not self._under.closed:
            self._under.write(redact(text, self._secrets))
            self._under.flush()
