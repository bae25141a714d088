"""HTTP as the endpoint speaks it: bodies within a limit, JSON in, JSON out, errors that name the field."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from core.serving.model import Refused

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

SCORE_LIMIT = 1 << 20
ARTEFACT_LIMIT = 64 << 20


class Gone(Exception):
    """The caller hung up before its request was whole."""


async def body_of(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Refused (413) beyond `limit` bytes, Gone where the caller hung up."""
    declared = header(scope["headers"], b"content-length")
    if declared.isdigit() and int(declared) > limit:
        raise Refused(413, f"the body is larger than {limit} bytes")
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise Gone
    if len(body) > limit:
        raise Refused(413, f"the body is larger than {limit} bytes")
    return body


def header(headers: Headers, name: bytes) -> str:
    """A header's value, empty where it was not sent."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def decoded(body: bytes) -> dict[str, Any]:
    """A JSON object. Not-a-number is let through as such, because Python's own clients send it for missing values.

    Raises Refused (400) for anything that is no JSON object.
    """
    import msgspec

    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            found = json.loads(body)
            # Half a surrogate pair has no UTF-8: kept as an id it could never be handed over again.
            if b"\\u" in body:
                json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refused(400, "the body must be a JSON object")
    return found


def encoded(data: Any) -> bytes:
    """JSON of what the endpoint answers."""
    import msgspec

    return msgspec.json.encode(data)


async def reply(send: Send, status: int, data: Any, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a JSON body."""
    body = encoded(data)
    length = str(len(body)).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), (b"content-length", length), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


def text_field(data: dict[str, Any], name: str, limit: int = 200) -> str:
    """A text field of a request, empty where it was not sent. Raises Refused naming it where it is something else."""
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise Refused(400, f"{name} must be text of at most {limit} characters", name)
    return value
