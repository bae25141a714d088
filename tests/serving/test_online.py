from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.access import secrets
from core.clock import HOUR, MINUTE, SharedClock, SimClock, iso, parse_time
from core.datasets import ingest
from core.desk import Desk
from core.endpoints import deploy
from core.endpoints.deliver import deliver
from core.endpoints.online import Feeder
from core.endpoints.telemetry import pull
from core.features import declared, saved
from core.features.materialise import materialise
from core.monitor.parity import parity
from core.training.job import train
from tests.serving.test_process import process

START = parse_time("2013-03-01")
VIEW = """name = "flight"
stale_after = "3h"
[[column]]
name = "x"
expression = "x"
[[aggregate]]
name = "late"
from = "d"
key = ["carrier"]
value = "delay >= 8"
how = "mean"
over = "6h"
known = "landed"
[[aggregate]]
name = "all"
from = "d"
key = []
value = "delay"
how = "mean"
over = "2h"
delay = "90m"
"""


@pytest.fixture
def trained(desk: Desk, clock: SimClock, tmp_path: Path) -> Desk:
    """A model of a view with aggregates, materialised to its newest row."""
    draw = np.random.default_rng(5)
    at = START + np.arange(600) * HOUR
    x = draw.normal(size=600)
    table = {
        "at": pa.array(at, pa.timestamp("us", "UTC")),
        "landed": pa.array(at + draw.integers(30, 300, 600) * MINUTE, pa.timestamp("us", "UTC")),
        "x": x,
        "carrier": draw.choice(["UA", "AA"], 600).tolist(),
        "delay": 10 * x + draw.normal(0, 5, 600),
    }
    pq.write_table(pa.table(table), tmp_path / "d.parquet")
    clock.set(int(at[-1]) + HOUR)
    ingest.add(desk, tmp_path / "d.parquet", dataset="d", time_column="at")
    (tmp_path / "v.toml").write_text(VIEW)
    saved.add(desk, declared.read(tmp_path / "v.toml"))
    train(desk, {"model": "m", "dataset": "d", "label": "delay>=8", "rounds": 5, "view": "flight"}, lambda *_: None)
    materialise(desk, "flight")
    return desk


def add_endpoint(desk: Desk, state: Path, client: httpx.Client) -> None:
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES ('gate', 'embedded', ?, ?, 0)"
            " ON CONFLICT DO UPDATE SET url = excluded.url",
            (str(client.base_url), secrets.checked(f"file:{state / 'token'}")),
        )


def ask(client: httpx.Client, number: int, **fields: Any) -> httpx.Response:
    inputs = {"x": number / 10, "carrier": "UA" if number % 2 else "AA"}
    return client.post("/v1/models/m/score", json={"id": f"r{number}", "inputs": inputs, **fields})


def test_served_aggregates_are_those_of_the_offline_store_and_outlive_a_restart(
    trained: Desk, clock: SimClock, tmp_path: Path
) -> None:
    desk, state = trained, tmp_path / "state"
    shared = SharedClock.create(tmp_path / "clock", clock.now_us())
    environment = {"TOCSIN_CLOCK": str(tmp_path / "clock")}
    with process(state, **environment) as (first, client):
        add_endpoint(desk, state, client)
        deploy.request(desk, "gate", "m", 1)
        Feeder(desk).turn()
        assert [one.state for one in deliver(desk)] == ["applied"]
        assert [ask(client, number).status_code for number in range(200)] == [200] * 200
        past = iso(clock.now_us() - 20 * MINUTE)
        assert {ask(client, number, at=past).status_code for number in range(200, 260)} == {200}
        refused = client.post("/v1/models/m/score", json={"id": "x", "inputs": {"x": 1, "late": 0.5}})
        assert (refused.status_code, refused.json()["field"]) == (400, "inputs.late")
        assert ask(client, 1, at="soon").json()["field"] == "at"
        names = [one["name"] for one in client.get("/v2/models/m").json()["inputs"]]
        assert names == ["x", "carrier"]
        first.send_signal(signal.SIGTERM)
        first.wait()
    with process(state, **environment) as (_, client):
        add_endpoint(desk, state, client)
        assert {ask(client, number).status_code for number in range(300, 500)} == {200}
        clock.advance(5 * HOUR)
        shared.set(clock.now_us())
        assert {ask(client, number).status_code for number in range(500, 700)} == {200}
        clock.advance(2 * MINUTE)
        shared.set(clock.now_us())
        pull(desk, "gate")
    found = parity(desk, "m", None, 0, clock.now_us())
    assert found.requests == found.scores > 20
    assert found.differences == ()
    kept = [json.loads(row["inputs"]) for row in desk.store.read("SELECT inputs FROM sample ORDER BY request_id")]
    assert any(row["late"] is not None for row in kept)
    # Five hours later what it holds is older than three: missing, and counted as such.
    stale = [row for row in kept if row["flight@1"][0] - row["flight@1"][1]["late"] > 3 * HOUR]
    assert stale
    assert all(row["late"] is None and row["all"] is None for row in stale)
    with desk.write() as tx:
        row = next(iter(tx.read("SELECT id, inputs FROM sample WHERE json_extract(inputs, '$.late') IS NOT NULL")))
        changed = {**json.loads(row["inputs"]), "late": 0.123}
        tx.execute("UPDATE sample SET inputs = ? WHERE id = ?", (json.dumps(changed), row["id"]))
    assert {one.column for one in parity(desk, "m", None, 0, clock.now_us()).differences} >= {"late"}


def test_a_state_is_whole_newer_and_authorised_or_it_is_not_taken(tmp_path: Path) -> None:
    def put(client: httpx.Client, content: bytes, sha256: str = "", **headers: str) -> httpx.Response:
        known = {"X-Artefact-Sha256": sha256 or hashlib.sha256(content).hexdigest(), **headers}
        return client.put("/v1/views/flight/versions/1/online", content=content, headers=known)

    def state(to_us: int, times: list[int]) -> bytes:
        return json.dumps({"late": {"to_us": to_us, "keys": {'["UA"]': [times, [1.0] * len(times)]}}}).encode()

    with process(tmp_path / "state") as (_, client):
        assert put(client, state(10, [1, 2])).json()["placed"] is True
        assert put(client, state(9, [1])).json()["placed"] is False
        assert put(client, state(11, [2, 1])).status_code == 400
        assert put(client, b'{"late": 3}').status_code == 400
        assert put(client, state(12, [1]), "0" * 64).status_code == 400
        assert put(client, state(12, [1]), Authorization="Bearer no").status_code == 401
    kept = (tmp_path / "state" / "online" / "flight@1.json").read_bytes()
    assert kept == state(10, [1, 2])
