from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from core.clock import MINUTE, SECOND, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.errors import BadInput
from core.home import Home
from core.settings import load


class Switch:
    """A local HTTP server that counts who asks, and answers with `status`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.asked.append(self.path)
                self.send_response(switch.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *values: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/secret-of-ours"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def switch() -> Iterator[Switch]:
    running = Switch()
    yield running
    running.close()


@pytest.fixture
def daemon(desk: Desk, switch: Switch) -> Iterator[Daemon]:
    settings = msgspec.structs.replace(desk.settings, dead_man_url=switch.url)
    running = Daemon(dataclasses.replace(desk, settings=settings))
    yield running
    running.close()


def test_the_switch_is_told_once_a_minute(daemon: Daemon, switch: Switch, clock: SimClock) -> None:
    for _ in range(60):
        assert daemon.tick().errors == []
        clock.advance(10 * SECOND)
    assert switch.asked == ["/secret-of-ours"] * 10


def test_a_clock_set_back_does_not_silence_it(daemon: Daemon, switch: Switch, clock: SimClock) -> None:
    daemon.tick()
    clock.advance(-60 * MINUTE)
    daemon.tick()
    assert len(switch.asked) == 2


def test_an_error_is_noted_until_the_next_time_it_goes_well_and_never_shows_the_address(
    daemon: Daemon, switch: Switch, clock: SimClock
) -> None:
    switch.status = 500
    assert daemon.tick().errors == ["dead man: 127.0.0.1 answered 500"]
    switch.status = 200
    assert daemon.tick().errors == ["dead man: 127.0.0.1 answered 500"]
    clock.advance(MINUTE)
    assert daemon.tick().errors == []
    switch.close()
    clock.advance(MINUTE)
    assert daemon.tick().errors == ["dead man: 127.0.0.1 was not told: ConnectError"]


def test_a_setting_that_is_no_address_is_refused(home: Home) -> None:
    home.settings_path.write_text('dead_man_url = "example"\n')
    with pytest.raises(BadInput, match="dead_man_url"):
        load(home)
