"""A tiny real model, a real endpoint in a thread, and an endpoint that misbehaves: what these rooms are tried with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from core.clock import Clock
from core.desk import Desk
from core.measures.bins import number_bins
from core.serving.app import App
from core.serving.models import Models
from core.serving.shelf import Shelf
from core.serving.tally import Telemetry
from core.serving.tokens import Tokens
from core.training.artefact import Artefact, Feature, FeatureReference, Reference, ViewColumn

TOKEN = "a-token-for-tests"
LEVELS = ("x", "y", "z")


@lru_cache
def artefact(model: str = "m", version: int = 1, seed: int = 0) -> Artefact:
    """Two numbers and a category, three trees."""
    import lightgbm
    import numpy as np

    draw = np.random.default_rng(seed + version)
    rows = np.column_stack([draw.normal(size=400), draw.uniform(0, 9, 400), draw.integers(0, 3, 400).astype(float)])
    label = (rows[:, 0] + 0.2 * rows[:, 1] + draw.normal(size=400) > 1).astype(int)
    settings = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": seed}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, label, categorical_feature=[2]), 3)
    bins = {"a": number_bins(rows[:, 0]), "b": number_bins(rows[:, 1])}
    entries = {
        name: FeatureReference("number", tuple(each.edges), (), (0, 0, 0, 0, *[1] * (each.size - 4)), 1.0)
        for name, each in bins.items()
    }
    entries["c"] = FeatureReference("category", (), LEVELS, (0, 0, 0, 0, 1, 1, 1), 1.0)
    return Artefact(
        model=model,
        version=version,
        task="binary",
        label="late",
        features=(Feature("a", "number"), Feature("b", "number"), Feature("c", "category", LEVELS)),
        view=tuple(ViewColumn(name, "identity", name) for name in "abc"),
        reference=Reference(400, entries, tuple([0] * 256), (1, 1), 0),
        threshold=0.5,
        importance={"a": 1.0},
        booster=booster.model_to_string(),
    )


def register(desk: Desk, version: int = 1, model: str = "m", stage: str = "candidate") -> Artefact:
    """The tiny model as a version of the registry."""
    made = artefact(model, version)
    sha256 = desk.blobs.put(made.to_bytes())
    with desk.store.write() as tx:
        tx.execute("INSERT INTO model VALUES (?, 'binary', 'late', 0, 0) ON CONFLICT DO NOTHING", (model,))
        tx.execute(
            "INSERT INTO model_version VALUES (?, ?, ?, ?, NULL, NULL, '', '{}', '{}', '{}', 0)",
            (model, version, stage, sha256),
        )
    return made


@dataclass
class Served:
    """A running endpoint: where it is, and its inside."""

    url: str
    app: App

    @property
    def telemetry(self) -> Telemetry:
        return self.app.telemetry


@contextmanager
def serving(state: Path, clock: Clock, *artefacts: Artefact, tokens: str = TOKEN) -> Iterator[Served]:
    """The real application on a real socket in a thread; the last artefact of each model is active."""
    import uvicorn

    shelf = Shelf(state)
    for each in artefacts:
        shelf.place(each.model, each.version, each.sha256, each.to_bytes())
        shelf.activate(each.model, each.version, "")
    app = App(Models(shelf), Telemetry(clock), Tokens(tokens))
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.001)
    try:
        yield Served(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app)
    finally:
        server.should_exit = True
        thread.join()
        shelf.close()


@dataclass
class Script:
    """What a misbehaving endpoint does at each request in turn; it behaves when the list is used up."""

    faults: list[Callable[[BaseHTTPRequestHandler], bool]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    applied: list[int] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


def status(code: int, body: bytes = b'{"error": "no"}', **headers: str) -> Callable[[BaseHTTPRequestHandler], bool]:
    """A fault: answer a status without doing anything."""

    def fault(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return fault


def lost_reply(handler: BaseHTTPRequestHandler) -> bool:
    """A fault: do what is asked, and hang up instead of answering."""
    handler.server.obey(handler)  # type: ignore[attr-defined]
    handler.close_connection = True
    handler.connection.shutdown(2)
    return True


def stalled(handler: BaseHTTPRequestHandler) -> bool:
    """A fault: promise a body, send half of it, and wait until the caller hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"version": 1')
    handler.wfile.flush()
    handler.rfile.read(1)
    handler.close_connection = True
    return True


def well(handler: BaseHTTPRequestHandler) -> bool:
    """No fault at this request."""
    return False


@contextmanager
def faulty(*faults: Callable[[BaseHTTPRequestHandler], bool]) -> Iterator[tuple[str, Script]]:
    """A real HTTP server that follows a script of faults, and obeys each activation key once."""
    script = Script(list(faults))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.seen.append((self.command, self.path))
            fault = script.faults.pop(0) if script.faults else well
            if not fault(self):
                self.server.obey(self)  # type: ignore[attr-defined]
                status(200, b'{"version": 1}')(self)

        do_GET = do_PUT = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            return

    def obey(handler: Any) -> None:
        key = handler.headers.get("Idempotency-Key")
        if key and key not in script.keys:
            script.keys.add(key)
            script.applied.append(len(script.seen))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.obey = obey  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def damaged(made: Artefact) -> Artefact:
    """A whole model file with the hash of its content, whose booster cannot be read."""
    return replace(made, booster=made.booster[: len(made.booster) // 2])
