"""`/metrics` and `/healthz` on this machine's loopback, from a thread of the daemon."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from core.beacon.metrics import metrics, text
from core.clock import SECOND
from core.desk import Desk
from core.errors import BadInput, TocsinError
from core.work.beat import heartbeat

HOST = "127.0.0.1"
# A caller that has not sent its whole request by then, in seconds, is let go: callers are served one by one.
PATIENCE = 5.0

Reply = tuple[int, str, str]


class Beacon:
    """The server; answers from the moment it is made until it is closed. `port` is the one it got.

    Raises BadInput where the port is taken; port 0 takes a free one.
    """

    def __init__(self, desk: Desk, port: int) -> None:
        try:
            self._server = HTTPServer((HOST, port), _handler(desk))
        except OSError as error:
            raise BadInput(f"port {port} cannot be used: {error.strerror}", "choose another --metrics-port") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="beacon", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def reply(desk: Desk, path: str) -> Reply:
    """The status, media type and body for a path."""
    try:
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", text(metrics(desk))
        if path == "/healthz":
            return _health(desk)
    except TocsinError as error:
        return 503, "text/plain; charset=utf-8", f"{error.message}\n"
    return 404, "text/plain; charset=utf-8", "there are /metrics and /healthz\n"


def _health(desk: Desk) -> Reply:
    beat = heartbeat(desk)
    healthy = beat.state == "ok"
    age = None if beat.age_us is None else beat.age_us / SECOND
    body = {"ok": healthy, "heartbeat_age_seconds": age, "errors": beat.trouble}
    return 200 if healthy else 503, "application/json", json.dumps(body) + "\n"


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def do_GET(self) -> None:
            status, kind, body = reply(desk, self.path.partition("?")[0])
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:
            return

    return Handler
