"""Who may call the endpoint: tokens with scopes, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

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


def _scopes(words: list[str]) -> frozenset[str]:
    named = frozenset(scope for word in words for scope in word.split(",") if scope)
    if named - frozenset(SCOPES):
        raise BadInput(
            f"a token's scopes are {', '.join(SCOPES)}", "write `TOKEN predict,telemetry`, or the token alone"
        )
    return named or frozenset(SCOPES)
