"""A real proxy before a real endpoint, which does to each call what a bad network does."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Reply = tuple[int, bytes]
Fault = Callable[["Call"], None]


@dataclass
class Call:
    """One request on its way: what was asked, and how to pass it on or answer it."""

    handler: BaseHTTPRequestHandler
    upstream: str
    body: bytes

    def forward(self, body: bytes | None = None) -> Reply:
        """Let the endpoint do it; gives its answer, which the caller may or may not be told."""
        where = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        headers = {name: value for name, value in self.handler.headers.items() if name.lower() != "content-length"}
        connection.request(self.handler.command, self.handler.path, self.body if body is None else body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        """Answer; with a `length` beyond the body the rest never comes."""
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        self.handler.end_headers()
        self.handler.wfile.write(body)
        self.handler.wfile.flush()

    def hang_up(self) -> None:
        """Reset the connection."""
        self.handler.close_connection = True
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.connection.shutdown(socket.SHUT_RDWR)


def well(call: Call) -> None:
    """No fault."""
    call.answer(*call.forward())


def lost_request(call: Call) -> None:
    """The endpoint never hears of it."""
    call.hang_up()


def lost_reply(call: Call) -> None:
    """Done, and the caller never hears of it."""
    call.forward()
    call.hang_up()


def half_reply(call: Call) -> None:
    """Done, and the answer breaks off in its middle."""
    _, body = call.forward()
    call.answer(200, body[: len(body) // 2], len(body))
    call.hang_up()


def stall(call: Call) -> None:
    """Done, and the answer stops in its middle without an end."""
    _, body = call.forward()
    call.answer(200, body[: len(body) // 2], len(body))
    call.handler.rfile.read(1)
    call.handler.close_connection = True


def changed_on_the_way(call: Call) -> None:
    """A model file arrives with another content than was sent."""
    call.answer(*call.forward(call.body[:-1] + bytes([call.body[-1] ^ 1]) if call.handler.command == "PUT" else None))


def wrong_hash(call: Call) -> None:
    """The endpoint says that it keeps another file than was sent."""
    status, body = call.forward()
    call.answer(status, body.replace(b'"sha256":"', b'"sha256":"0') if call.handler.command == "PUT" else body)


def busy(call: Call) -> None:
    """It asks to be left alone for a while."""
    call.answer(429, b'{"error": "slow down"}', Retry_After="90")


def proxy_page(call: Call) -> None:
    """Something else answers, well meant."""
    call.answer(200, b"<html>please sign in</html>")


def broken(status: int) -> Fault:
    """A server's own error, before or after it did what was asked makes no difference to the caller."""

    def fault(call: Call) -> None:
        if status != 503:
            call.forward()
        call.answer(status, b"")

    return fault


FAULTS: tuple[Fault, ...] = (
    lost_request,
    lost_reply,
    half_reply,
    stall,
    changed_on_the_way,
    wrong_hash,
    busy,
    proxy_page,
    broken(500),
    broken(502),
    broken(503),
)


@dataclass
class Network:
    """The way to an endpoint; `draw` picks what happens to each call."""

    url: str = ""
    draw: Callable[[], Fault] = field(default=lambda: well)


@contextmanager
def network(upstream: str) -> Iterator[Network]:
    """A proxy on a real socket before an endpoint."""
    way = Network()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            way.draw()(Call(self, upstream, body))

        do_GET = do_PUT = do_POST = pass_on  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    server.daemon_threads = True
    way.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield way
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
