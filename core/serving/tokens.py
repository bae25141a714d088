"""Who may call the endpoint: tokens with scopes, compared in constant time, and how often."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable

from core.errors import BadInput

PREDICT, DEPLOY, TELEMETRY = SCOPES = ("predict", "deploy", "telemetry")


class Tokens:
    """The tokens of a secret's text: one a line, `TOKEN` for everything or `TOKEN predict,telemetry` for less.

    Raises BadInput where there is none, or for an unknown scope.
    """

    def __init__(self, text: str) -> None:
        self._scopes: list[tuple[bytes, frozenset[str]]] = []
        for line in text.splitlines():
            words = line.split()
            if words:
                self._scopes.append((b"Bearer " + words[0].encode(), _scopes(words[1:])))
        if not self._scopes:
            raise BadInput("the endpoint's token is empty", "put a token into the secret, one a line")

    def check(self, headers: Iterable[tuple[bytes, bytes]], scope: str) -> int:
        """The status for a call that needs a scope: 200, 401 without a known token, 403 with one of another scope."""
        given = next((value for name, value in headers if name == b"authorization"), b"")
        status = 401
        for token, scopes in self._scopes:
            if hmac.compare_digest(token, given):
                status = 200 if scope in scopes else 403
        return status


class Limiter:
    """At most `rate` scoring calls a second for each token, in bursts of as many."""

    def __init__(self, rate: int, now: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._now = now
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str) -> bool:
        """Whether a caller may call now, which is then counted (a token bucket)."""
        now = self._now()
        left, since = self._left.get(caller, (float(self.rate), now))
        left = min(float(self.rate), left + (now - since) * self.rate)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        return left >= 1


def _scopes(words: list[str]) -> frozenset[str]:
    named = frozenset(scope for word in words for scope in word.split(",") if scope)
    if named - frozenset(SCOPES):
        raise BadInput(
            f"a token's scopes are {', '.join(SCOPES)}", "write `TOKEN predict,telemetry`, or the token alone"
        )
    return named or frozenset(SCOPES)
