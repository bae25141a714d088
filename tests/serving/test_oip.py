from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.clock import SimClock
from tests.serving.tiny import TOKEN, artefact, serving


@pytest.fixture
def client(tmp_path: Path, clock: SimClock) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(tmp_path / "state", clock, artefact(), artefact(version=2)) as running,
        httpx.Client(base_url=running.url, headers=headers, trust_env=False) as opened,
    ):
        yield opened


def tensor(name: str, data: Any, datatype: str = "FP64", shape: Any = None) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)] if shape is None else shape, "datatype": datatype, "data": data}


def infer(client: httpx.Client, *tensors: Any, path: str = "/v2/models/m/infer") -> httpx.Response:
    return client.post(path, json={"id": "r", "inputs": list(tensors)})


def test_health_metadata_and_readiness_follow_the_protocol(client: httpx.Client) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json()["name"] == "tocsin"
    told = client.get("/v2/models/m").json()
    assert (told["name"], told["versions"], told["platform"]) == ("m", ["1", "2"], "lightgbm")
    assert [(each["name"], each["datatype"]) for each in told["inputs"]] == [
        ("a", "FP64"),
        ("b", "FP64"),
        ("c", "BYTES"),
    ]
    assert client.get("/v2/models/m/versions/1/ready").json() == {"name": "m", "ready": True}
    assert client.get("/v2/models/n/ready").status_code == 404


def test_flat_and_nested_tensors_give_the_scores_of_the_short_form(client: httpx.Client) -> None:
    rows = [{"a": 0.5, "b": 3, "c": "y"}, {"a": -1, "b": 7, "c": "x"}]
    wanted = client.post("/v1/models/m/score", json={"ids": ["p", "q"], "rows": rows}).json()["scores"]
    c = tensor("c", ["y", "x"], "BYTES")
    for answer in (
        infer(client, tensor("a", [0.5, -1.0]), tensor("b", [3, 7], "INT64"), c),
        infer(client, tensor("a", [[0.5], [-1.0]], shape=[2, 1]), tensor("b", [3, 7], "INT32"), c),
    ):
        found = answer.json()
        assert (found["model_name"], found["model_version"], found["id"]) == ("m", "2", "r")
        assert found["outputs"] == [{"name": "score", "datatype": "FP64", "shape": [2, 1], "data": wanted}]


def test_a_version_can_be_asked_for(client: httpx.Client) -> None:
    a = tensor("a", [0.5])
    assert infer(client, a, path="/v2/models/m/versions/1/infer").json()["model_version"] == "1"


@pytest.mark.parametrize(
    ("tensors", "field"),
    [
        ([], "inputs"),
        ([3], "inputs[0].name"),
        ([tensor("nope", [1.0])], "inputs[0].name"),
        ([tensor("a", [1.0]), tensor("a", [1.0])], "inputs[1].name"),
        ([tensor("a", [1.0], "BYTES")], "inputs[0].datatype"),
        ([tensor("c", ["x"], "FP64")], "inputs[0].datatype"),
        ([tensor("a", [1.0], shape=[2])], "inputs[0].data"),
        ([tensor("a", [1.0], shape=[1, 2])], "inputs[0].shape"),
        ([tensor("a", [1.0], shape=[-1])], "inputs[0].shape"),
        ([tensor("a", [1.0], shape="x")], "inputs[0].shape"),
        ([tensor("a", [1.0] * 300)], "inputs[0].shape"),
        ([{"name": "a", "shape": [1], "datatype": "FP64"}], "inputs[0].data"),
        ([tensor("a", [1.0, 2.0]), tensor("b", [1.0])], "inputs"),
        ([tensor("a", ["x"])], "rows[0].inputs.a"),
        ([tensor("a", [[[1.0]]])], "rows[0].inputs.a"),
    ],
)
def test_a_refusal_names_the_tensor(client: httpx.Client, tensors: list[Any], field: str) -> None:
    answer = infer(client, *tensors)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text


def test_null_is_missing_and_no_rows_are_no_scores(client: httpx.Client) -> None:
    assert infer(client, tensor("a", [None])).status_code == 200
    assert infer(client, tensor("a", [])).json()["outputs"][0]["data"] == []
