"""The replay's client: one request a flight, over one kept connection."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

from core.access.secrets import resolve
from core.errors import RemoteRefused, RemoteUnreachable

# An endpoint closes a connection that was idle for longer; this client then opens another, before it is told.
IDLE_S = 2.0


class Client:
    """Asks an endpoint for scores, as the airline's own service would."""

    def __init__(self, url: str, token_ref: str) -> None:
        import http.client

        self._url = url
        place = urlsplit(url)
        # One connection and one request at a time: the standard library's client costs a third of a larger one.
        self._connection = http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=10)
        self._used = time.monotonic()
        self._headers = {"Authorization": f"Bearer {resolve(token_ref)}", "Content-Type": "application/json"}

    def score(self, model: str, request_id: str, inputs: dict[str, Any]) -> float:
        """The predicted probability. Raises RemoteUnreachable or RemoteRefused; the request is not sent again."""
        body = json.dumps({"id": request_id, "inputs": inputs})
        if time.monotonic() - self._used > IDLE_S:
            self._connection.close()
        self._used = time.monotonic()
        try:
            self._connection.request("POST", f"/v1/models/{model}/score", body, self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise RemoteUnreachable(f"{self._url} does not answer: {error}", "see the endpoint's log") from error
        if answer.status != 200:
            raise RemoteRefused(f"{self._url} answered {answer.status}: {text[:200]!r}", "see the endpoint's log")
        return float(json.loads(text)["score"])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
