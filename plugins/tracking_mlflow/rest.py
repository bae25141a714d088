"""MLflow's REST: one call at a time, every answer checked, every failure told as what to do about the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.endpoints.adapter import Outcome
from core.errors import TocsinError
from plugins.transport import Answer, Timeouts, Transport

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"
HINT = "start it with `mlflow server`, or correct it: `tocsin tracking add`"
ABSENT, PRESENT = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"


class Stopped(Exception):
    """A call that did not succeed; `code` is MLflow's error code, empty where it gave none."""

    def __init__(self, outcome: Outcome, code: str = "") -> None:
        super().__init__(outcome.error)
        self.outcome, self.code = outcome, code


class Rest:
    """The calls that an MLflow server of 2.x or 3.x answers. They raise Stopped."""

    def __init__(self, url: str, token: str, timeouts: Timeouts | None = None) -> None:
        self._transport = Transport(url, token, timeouts, HINT)

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """Read something."""
        return self._data(self._call("GET", API + path, params=params))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Make or change something."""
        return self._data(self._call("POST", API + path, json=body))

    def put_file(self, path: str, body: bytes) -> None:
        """Keep a file on the server; again is the same as once."""
        self._told(self._call("PUT", FILES + path, content=body))

    def _call(self, method: str, path: str, **request: Any) -> Answer:
        try:
            return self._transport.call(method, path, **request)
        except TocsinError as error:
            raise Stopped(Outcome("later", error.message, answered=False)) from error

    def _data(self, answer: Answer) -> dict[str, Any]:
        self._told(answer)
        if not isinstance(answer.data, dict):
            raise Stopped(Outcome("later", "the answer cannot be read", answered=False))
        return answer.data

    def _told(self, answer: Answer) -> None:
        said: Mapping[str, Any] = answer.data if isinstance(answer.data, dict) else {}
        code, why = str(said.get("error_code", "")), str(said.get("message", ""))[:300]
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise Stopped(Outcome("later", f"{answer.status}: {why or 'no word why'}", answer.retry_after_us), code)
        if answer.status in (401, 403):
            raise Stopped(Outcome("never", f"{answer.status}: the token was refused {why}".rstrip()), code)
        if answer.status >= 300:
            raise Stopped(Outcome("never", f"{answer.status}: {why or code or 'no word why'}"), code)
