"""The endpoint's process: socket, token, clock, drain at SIGTERM, and what a restart goes on from."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.access import secrets
from core.clock import Clock, RealClock, SharedClock
from core.errors import BadInput
from core.serving.app import App
from core.serving.models import Models
from core.serving.shelf import Shelf, write_whole
from core.serving.tally import Telemetry
from core.serving.tokens import Tokens

SPOOL = "telemetry.json"
DRAIN_SECONDS = 10


def serve(
    state: Path,
    *,
    host: str | None = None,
    port: int = 8900,
    token_ref: str = "",
    rate: int = 0,
    ready: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way and keep what nobody has collected.

    Without a `host` it listens on the loopback alone. Port 0 takes a free one. Without a `token_ref` a token file is
    made in the state folder. `rate` limits each token's scoring calls a second, 0 does not. `ready` is given one line
    of JSON, {"url", "token_ref", "pid"}, once calls are answered.
    Raises BadInput, NotAllowed, NotFound or StoreUnusable where it cannot begin.
    """
    shelf = Shelf(state)
    try:
        token_ref = secrets.checked(token_ref) if token_ref else secrets.make_token_file(state / "token")
        tokens = Tokens(secrets.read(token_ref))
        telemetry = Telemetry(clock_from(os.environ.get("TOCSIN_CLOCK", "")))
        _take_spool(state / SPOOL, telemetry)
        app = App(Models(shelf), telemetry, tokens, rate)
        listening = _listen(host or "127.0.0.1", port)
        url = _url(listening)
        line = json.dumps({"url": url, "token_ref": token_ref, "pid": os.getpid()})
        # A module that scores is never garbage: the collector need not look at it again.
        gc.freeze()
        _run(app, listening, lambda: ready(line))
        write_whole(state / SPOOL, json.dumps(telemetry.dump()).encode())
    finally:
        shelf.close()


def clock_from(path: str) -> Clock:
    """The clock events are counted by: the one whose file TOCSIN_CLOCK names, else the machine's."""
    return SharedClock(Path(path)) if path else RealClock()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise BadInput(f"cannot listen on {host} port {port}: {error}", "choose another --port, or 0") from error
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(app: App, listening: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            ready()

    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=2048,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    # uvicorn raises the signal again once it has drained: by then it means nothing more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Server(config).run(sockets=[listening])


def _take_spool(path: Path, telemetry: Telemetry) -> None:
    """Go on from the last process's uncollected counts; the file is gone before they can be handed over twice."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    path.unlink()
    try:
        telemetry.restore(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"uncollected counts in {path} are damaged and were dropped: {error}\n")
