"""HTTP with an end: connect, read, write and pool timeouts, a deadline for the whole call, a cap on the answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from core.clock import SECOND
from core.errors import RemoteRefused, RemoteUnreachable, TocsinError

ANSWER_LIMIT = 64 << 20
SERVE = "start it with `tocsin serve`, or correct it: `tocsin endpoint show`"


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect, to wait for one piece of the answer, to send one piece, and for the whole call."""

    connect: float = 3.0
    read: float = 10.0
    write: float = 10.0
    total: float = 30.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, its JSON (None where the body is none), and how long it asked to be left alone."""

    status: int
    data: Any
    retry_after_us: int | None


class Transport:
    """A kept connection to one base URL with a bearer token, or without one where it is empty.

    `hint` is what a person may do where nothing answers. It goes straight to the server: proxies of the environment
    are for the world outside, not for one's own servers.
    """

    def __init__(self, url: str, token: str, timeouts: Timeouts | None = None, hint: str = SERVE) -> None:
        import httpx

        self.url, self._hint = url.rstrip("/"), hint
        self._timeouts = timeouts or Timeouts()
        each = self._timeouts
        # Making a TLS context costs more than a plain call does, so there is one only where it is used.
        self._client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(connect=each.connect, read=each.read, write=each.write, pool=each.connect),
            trust_env=False,
            verify=self.url.startswith("https:"),
        )

    def call(self, method: str, path: str, **request: Any) -> Answer:
        """One call. Raises RemoteUnreachable where no whole answer came in time, RemoteRefused for one too large."""
        import httpx

        deadline = time.monotonic() + self._timeouts.total
        try:
            with self._client.stream(method, path, **request) as response:
                body = self._whole(response, deadline)
                return Answer(response.status_code, _json(body), _retry_after(response.headers.get("retry-after", "")))
        except httpx.TimeoutException as error:
            raise self._unreachable("it did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise self._unreachable(_short(error)) from error

    def _whole(self, response: Any, deadline: float) -> bytes:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > ANSWER_LIMIT:
                raise RemoteRefused(f"{self.url} answers with more than {ANSWER_LIMIT} bytes", "check the URL")
            if time.monotonic() > deadline:
                raise self._unreachable("its answer took too long")
        return bytes(body)

    def _unreachable(self, why: str) -> RemoteUnreachable:
        return RemoteUnreachable(
            f"{self.url} cannot be reached: {why}",
            self._hint,
        )


def refusal(answer: Answer) -> TocsinError:
    """An answer of 400 or more as what a person can do about it."""
    said = answer.data.get("error") if isinstance(answer.data, dict) else None
    why = f"{answer.status}: {str(said)[:200]}" if said else str(answer.status)
    if answer.status in (401, 403):
        return RemoteRefused(f"the endpoint refused the token ({why})", "give it the right one: `tocsin endpoint add`")
    if answer.status == 429 or answer.status >= 500:
        return RemoteUnreachable(f"the endpoint cannot answer now ({why})", "try again in a while")
    return RemoteRefused(f"the endpoint refused ({why})", "see what it serves: `tocsin endpoint health`")


def _json(body: bytes) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _retry_after(value: str) -> int | None:
    # The header's other form is a date on a clock that need not be ours: without seconds our own pace is kept.
    return min(int(value), 86_400) * SECOND if value.isascii() and value.isdigit() and len(value) < 10 else None


def _short(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "it refuses connections" if "refused" in text.lower() else text[:200]
