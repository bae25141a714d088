"""Requests a second through `tocsin serve` over 8 connections, counting on, against a bare loop of Booster.predict.

Run: python tests/bench/bench_endpoint.py [--requests 40000] [--connections 8]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from core.access import secrets
from core.measures.bins import number_bins
from core.training.artefact import Artefact, Feature, FeatureReference, Reference, ViewColumn


def model(columns: int, trees: int) -> tuple[Artefact, Any, list[list[float]]]:
    """An artefact of numbers alone, its booster, and rows to score."""
    import lightgbm
    import numpy as np

    draw = np.random.default_rng(0)
    rows = draw.normal(size=(20_000, columns))
    label = (rows[:, 0] + rows[:, 1] * rows[:, 2] + draw.normal(size=len(rows)) > 0).astype(int)
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 1}, lightgbm.Dataset(rows, label), trees
    )
    names = [f"f{number}" for number in range(columns)]
    bins = [number_bins(rows[:, number]) for number in range(columns)]
    entries = {
        name: FeatureReference("number", tuple(each.edges), (), (0,) * each.size, 1.0)
        for name, each in zip(names, bins, strict=True)
    }
    artefact = Artefact(
        model="bench",
        version=1,
        task="binary",
        label="y",
        features=tuple(Feature(name, "number") for name in names),
        view=tuple(ViewColumn(name, "identity", name) for name in names),
        reference=Reference(len(rows), entries, (0,) * 256, (1, 1), 0),
        threshold=0.5,
        importance={},
        booster=booster.model_to_string(),
    )
    return artefact, booster, rows[:256].tolist()


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, and notes how long each answer took."""

    def __init__(self, requests: list[bytes], count: int, took: list[float], done: asyncio.Future[None]) -> None:
        self.requests, self.left, self.took, self.done = requests, count, took, done
        self.answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.ask()

    def ask(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.requests[self.left % len(self.requests)])

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if not self.answer.endswith(b"}"):
            return
        self.took.append(time.perf_counter() - self.began)
        assert self.answer.startswith(b"HTTP/1.1 200"), self.answer
        self.answer = b""
        self.left -= 1
        if self.left:
            self.ask()
        else:
            self.transport.close()
            self.done.set_result(None)


async def load(port: int, requests: list[bytes], connections: int, each: int) -> list[float]:
    """The latencies in seconds of `connections` times `each` answered requests."""
    loop = asyncio.get_running_loop()
    took: list[float] = []
    waiting = [loop.create_future() for _ in range(connections)]
    for done in waiting:
        await loop.create_connection(lambda done=done: Caller(requests, each, took, done), "127.0.0.1", port)
    await asyncio.gather(*waiting)
    return took


def measure(requests: int, connections: int, columns: int = 30, trees: int = 200) -> dict[str, float]:
    """Throughput and latency through the endpoint, and of the bare loop in this process."""
    import httpx
    import numpy as np
    import uvloop

    artefact, booster, rows = model(columns, trees)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "console.cli.main", "serve", "--port", "0", "--state", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            line = json.loads(server.stdout.readline())
            token = secrets.resolve(line["token_ref"])
            with httpx.Client(base_url=line["url"], headers={"Authorization": f"Bearer {token}"}) as client:
                headers = {"X-Artefact-Sha256": artefact.sha256}
                client.put("/v1/models/bench/versions/1", content=artefact.to_bytes(), headers=headers)
                client.post("/v1/models/bench/activate", json={"version": 1}).raise_for_status()
            asks = [_request(token, number, artefact, row) for number, row in enumerate(rows)]
            port = int(line["url"].rpartition(":")[2])
            uvloop.run(load(port, asks, connections, max(1, requests // connections // 10)))
            began = time.perf_counter()
            took = sorted(uvloop.run(load(port, asks, connections, requests // connections)))
            elapsed = time.perf_counter() - began
            memory_kb = _memory(server.pid)
        finally:
            server.terminate()
            server.wait()
    bare = np.array(rows)
    began = time.perf_counter()
    for number in range(2000):
        booster.predict(bare[number % 256 : number % 256 + 1], num_threads=1)
    bare_rate = 2000 / (time.perf_counter() - began)
    rate = len(took) / elapsed
    return {
        "requests": len(took),
        "connections": connections,
        "requests_per_s": round(rate),
        "p50_ms": round(1000 * took[len(took) // 2], 2),
        "p99_ms": round(1000 * took[int(len(took) * 0.99)], 2),
        "memory_mb": memory_kb // 1024,
        "bare_predict_per_s": round(bare_rate),
        "ratio_to_bare": round(rate / bare_rate, 2),
    }


def _request(token: str, number: int, artefact: Artefact, row: list[float]) -> bytes:
    names = [feature.name for feature in artefact.features]
    body = json.dumps({"id": f"r{number}", "inputs": dict(zip(names, row, strict=True))}).encode()
    head = f"POST /v1/models/bench/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _memory(pid: int) -> int:
    """Resident kilobytes of a process; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


@pytest.mark.bench
def test_the_endpoint_answers_every_request_and_the_figures_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(800, 8, columns=6, trees=20)
    with capsys.disabled():
        print(figures)
    assert figures["requests"] == 800


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=40_000)
    parser.add_argument("--connections", type=int, default=8)
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.requests, chosen.connections)))
