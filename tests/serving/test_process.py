from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.cli.main import run
from core.access import secrets
from core.clock import MINUTE, SharedClock
from core.errors import BadInput, NotAllowed, NotFound
from core.serving.tokens import Tokens
from tests.serving.tiny import artefact


@contextmanager
def process(state: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A real `tocsin serve` with a client that has its token."""
    command = [sys.executable, "-m", "console.cli.main", "serve", "--port", "0", "--state", str(state)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        assert started.stdout is not None
        line = json.loads(started.stdout.readline())
        assert line["pid"] == started.pid
        headers = {"Authorization": f"Bearer {secrets.resolve(line['token_ref'])}"}
        with httpx.Client(base_url=line["url"], headers=headers, trust_env=False) as client:
            yield started, client
    finally:
        started.kill()
        started.wait()


def place(client: httpx.Client, version: int = 1) -> None:
    made = artefact(version=version)
    headers = {"X-Artefact-Sha256": made.sha256}
    assert client.put(f"/v1/models/m/versions/{version}", content=made.to_bytes(), headers=headers).status_code == 200
    assert client.post("/v1/models/m/activate", json={"version": version}).status_code == 200


def collected(client: httpx.Client) -> list[Any]:
    return [row for batch in client.get("/v1/telemetry?after=0").json()["batches"] for row in batch["predictions"]]


def test_a_stopped_endpoint_drains_and_its_successor_goes_on(tmp_path: Path) -> None:
    shared = SharedClock.create(tmp_path / "clock", 40 * MINUTE)
    environment = {"TOCSIN_CLOCK": str(tmp_path / "clock")}
    with process(tmp_path / "state", **environment) as (first, client):
        place(client)
        client.post("/v1/models/m/score", json={"id": "p", "inputs": {"a": 1}})
        shared.set(50 * MINUTE)
        client.post("/v1/models/m/score", json={"id": "q", "inputs": {"a": 1}})
        first.send_signal(signal.SIGTERM)
        assert first.wait(timeout=30) == 0
    with process(tmp_path / "state", **environment) as (_, client):
        assert client.post("/v1/models/m/score", json={"id": "r", "inputs": {"a": 1}}).json()["version"] == 1
        assert [(row[0], row[1]) for row in collected(client)] == [
            ("p", 40 * MINUTE),
            ("q", 50 * MINUTE),
            ("r", 50 * MINUTE),
        ]


def test_a_killed_endpoint_comes_back_with_its_active_version(tmp_path: Path) -> None:
    with process(tmp_path / "state") as (first, client):
        place(client, 1)
        place(client, 2)
        first.kill()
        first.wait()
    with process(tmp_path / "state") as (_, client):
        assert client.get("/v1/models").json()["models"] == {"m": {"active": 2, "versions": [1, 2]}}


def test_the_token_file_is_its_owners_alone(tmp_path: Path) -> None:
    ref = secrets.make_token_file(tmp_path / "deep" / "token")
    assert (tmp_path / "deep" / "token").stat().st_mode & 0o777 == 0o600
    assert secrets.make_token_file(tmp_path / "deep" / "token") == ref
    assert len(secrets.resolve(ref)) >= 40
    (tmp_path / "deep" / "token").chmod(0o644)
    with pytest.raises(NotAllowed, match="read by others"):
        secrets.resolve(ref)


def test_a_reference_without_a_secret_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TEST_EMPTY", " ")
    for ref in ("plain", "file:", "keyring:x", "env:TOCSIN_TEST_EMPTY"):
        with pytest.raises(BadInput) as bad:
            secrets.resolve(ref)
        assert bad.value.hint
    for ref in (f"file:{tmp_path}/none", "env:TOCSIN_TEST_NONE"):
        with pytest.raises(NotFound):
            secrets.resolve(ref)


def test_tokens_without_content_or_with_unknown_scopes_are_refused() -> None:
    for text in ("", "\n \n", "t everything"):
        with pytest.raises(BadInput):
            Tokens(text)


def test_a_taken_port_is_one_error_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert run(["serve", "--port", port, "--state", str(tmp_path / "s")]) == 2
    assert f"port {port}" in capsys.readouterr().err
