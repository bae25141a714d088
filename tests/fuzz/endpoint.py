"""Both ends of the wire between console and endpoint, without a socket, and examples of what goes over it."""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, cast

from core.clock import SimClock, parse_time
from core.serving.app import App
from core.serving.models import Models
from core.serving.shelf import Shelf
from core.serving.tally import Telemetry
from core.serving.tokens import Tokens
from plugins.serving_embedded.adapter import EmbeddedAdapter
from plugins.transport import Answer, Transport, _json
from tests.serving.tiny import TOKEN, artefact

NOW_US = parse_time("2013-04-01T00:00:00Z")
SCORES = [
    {"id": "p", "inputs": {"a": 0.25, "b": 3, "c": "x"}},
    {"ids": ["p", "q"], "rows": [{"a": 1}, {"c": None}]},
]
INFER = {
    "id": "p",
    "inputs": [
        {"name": "a", "datatype": "FP64", "shape": [2, 1], "data": [0.5, 1]},
        {"name": "c", "datatype": "BYTES", "shape": [2], "data": [["x"], ["y"]]},
    ],
}
PATHS = [b"/v1/telemetry?after=3&boot=b", b"/v2/models/m/versions/1", b"/v2/models/m/ready", b"/v1/models?x=%41"]
HEALTH = {"boot": "b", "now_us": 5, "models": {"m": {"active": 1, "versions": [1, 2]}}}


class Canned:
    """A transport that has the same body for every call."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def call(self, method: str, path: str, **request: Any) -> Answer:
        return Answer(200, _json(self._body), None)


def told(verb: str, content: bytes) -> None:
    """Let the adapter ask a server that answers with this."""
    adapter = EmbeddedAdapter("http://127.0.0.1:1", "t", cast(Transport, Canned(content)))
    arguments: dict[str, tuple[Any, ...]] = {"health": (), "telemetry": (0, ""), "infer": ("m", "r", {})}
    getattr(adapter, verb)(*arguments[verb])


def page() -> bytes:
    count = {"kind": "requests", "model": "m", "version": 1, "name": "", "vec": {"i": [0], "n": [5], "len": 4}}
    predictions = [["r", 1, "m", 1, 0.5]]
    batch = {"seq": 1, "start_us": 60_000_000, "counts": [count], "predictions": predictions, "samples": []}
    return json.dumps({"boot": "b", "now_us": 0, "batches": [batch], "more": False, "lost": {}}).encode()


class Fault(Exception):
    """The endpoint answered 500: something got past every check."""


@cache
def app() -> App:
    """An endpoint without a socket that serves one small model."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shelf = Shelf(folder)
    made = artefact()
    shelf.place("m", 1, made.sha256, made.to_bytes())
    shelf.activate("m", 1, "")
    return App(Models(shelf), Telemetry(SimClock(NOW_US)), Tokens(TOKEN))


def call(method: str, path: str, body: bytes = b"", query: bytes = b"") -> None:
    """One request. Raises Fault where the answer is a 500."""
    headers = [(b"authorization", b"Bearer " + TOKEN.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app()(scope, receive, send))
    if sent[0]["status"] == 500:
        raise Fault(f"{method} {path[:80]}")


def addressed(content: bytes, _: Path) -> None:
    """The path and query of a request, as the server splits them."""
    path, _, query = content.partition(b"?")
    call("GET", path.decode("latin-1"), query=query)
