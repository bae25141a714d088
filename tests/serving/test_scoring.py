from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.clock import MINUTE, SimClock
from core.measures.bins import MISSING, UNSEEN
from core.serving.tally import ERRORS, INCOMPLETE, REJECTED, TOTAL
from core.serving.tokens import Limiter
from tests.serving.tiny import LEVELS, TOKEN, Served, artefact, serving

GOOD = {"a": 0.5, "b": 3, "c": "y"}


@pytest.fixture
def served(tmp_path: Path, clock: SimClock) -> Iterator[Served]:
    with serving(tmp_path / "state", clock, artefact()) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as opened:
        yield opened


def score(client: httpx.Client, inputs: Any, **more: Any) -> httpx.Response:
    return client.post("/v1/models/m/score", content=json.dumps({"id": "r1", "inputs": inputs, **more}))


def booster() -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=artefact().booster)


def vectors(client: httpx.Client) -> dict[tuple[str, str], list[int]]:
    """The counts of everything collected so far, by kind and name."""
    found: dict[tuple[str, str], list[int]] = {}
    for batch in client.get("/v1/telemetry?after=0").json()["batches"]:
        for entry in batch["counts"]:
            vec = [0] * entry["vec"]["len"]
            for index, count in zip(entry["vec"]["i"], entry["vec"]["n"], strict=True):
                vec[index] = count
            found[entry["kind"], entry["name"]] = vec
    return found


def test_a_score_is_the_boosters_own_to_the_last_bit(client: httpx.Client) -> None:
    for inputs in (GOOD, {"a": -1.25, "b": 8.0, "c": "z"}, {"a": 2, "b": 0, "c": "x"}):
        row = [[float(inputs["a"]), float(inputs["b"]), float(LEVELS.index(inputs["c"]))]]
        assert score(client, inputs).json() == {
            "id": "r1",
            "model": "m",
            "version": 1,
            "score": float(booster().predict(row)[0]),
        }


@pytest.mark.parametrize("missing", ["{}", '{"a": null}', '{"a": NaN}', '{"c": null, "b": 1}'])
def test_a_missing_feature_is_scored_as_missing_and_counted(client: httpx.Client, missing: str) -> None:
    answer = client.post("/v1/models/m/score", content=f'{{"inputs": {missing}}}')
    assert answer.status_code == 200, answer.text
    counts = vectors(client)
    assert counts["requests", ""][INCOMPLETE] == 1
    given = json.loads(missing)
    for name in "abc":
        left_out = given.get(name) is None or given[name] != given[name]
        assert counts["feature", name][MISSING] == left_out


def test_an_unknown_level_is_counted_and_not_refused(client: httpx.Client) -> None:
    assert score(client, {**GOOD, "c": "Zürich"}).status_code == 200
    counts = vectors(client)
    assert counts["feature", "c"][UNSEEN] == 1
    assert counts["requests", ""][TOTAL] == 1


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({**GOOD, "a": "0.5"}, "inputs.a"),
        ({**GOOD, "a": True}, "inputs.a"),
        ({**GOOD, "b": [1]}, "inputs.b"),
        ({**GOOD, "c": 3}, "inputs.c"),
        ({**GOOD, "a": 10**400}, "inputs.a"),
        ({**GOOD, "a": float("inf")}, "inputs.a"),
        ({**GOOD, "b": float("-inf")}, "inputs.b"),
        ({**GOOD, "tail": 1}, "inputs.tail"),
        ([1, 2], "inputs"),
        (None, "inputs"),
    ],
)
def test_a_refusal_names_the_field_and_counts_as_the_callers(client: httpx.Client, inputs: Any, field: str) -> None:
    answer = score(client, inputs)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert field.removeprefix("inputs.") in answer.json()["error"]
    assert vectors(client)["requests", ""] == [0, 0, 1, 0]


def test_what_is_no_json_object_is_refused(client: httpx.Client) -> None:
    for body in (b"", b"{", b"[]", b"null", b'{"id": 3, "inputs": {}}', b"\xff\xfe", b"[" * 100_000):
        answer = client.post("/v1/models/m/score", content=body)
        assert answer.status_code == 400, body[:20]
        assert answer.json()["error"]


def test_a_body_beyond_the_limit_is_refused_declared_or_not(client: httpx.Client) -> None:
    large = b" " * (1 << 20) + b"{}"
    assert client.post("/v1/models/m/score", content=large).status_code == 413
    pieces = (large[at : at + 65_536] for at in range(0, len(large), 65_536))
    assert client.post("/v1/models/m/score", content=pieces).status_code == 413
    assert score(client, GOOD).status_code == 200


def test_unknown_models_versions_and_paths_are_404(client: httpx.Client) -> None:
    for path in ("/v1/models/other/score", "/v2/models/m/versions/9/infer", "/v2/models/m/versions/x/infer", "/v1/no"):
        answer = client.post(path, content=b'{"inputs": {}}')
        assert answer.status_code == 404
        assert answer.json()["error"]


def test_no_token_is_401_and_a_lesser_token_is_403_and_both_are_counted(tmp_path: Path, clock: SimClock) -> None:
    scopes = "all-of-it\nonly-scores predict\nonly-reads telemetry\n"
    with serving(tmp_path / "scoped", clock, artefact(), tokens=scopes) as running:

        def status(method: str, path: str, token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            body = json.dumps({"inputs": GOOD, "version": 1})
            with httpx.Client(base_url=running.url, headers=headers, trust_env=False) as client:
                return client.request(method, path, content=body).status_code

        assert status("GET", "/v2/health/live", "") == 200
        assert status("POST", "/v1/models/m/score", "") == 401
        assert status("POST", "/v1/models/m/score", "wrong") == 401
        assert status("POST", "/v1/models/m/score", "only-scores") == 200
        assert status("POST", "/v1/models/m/score", "only-reads") == 403
        assert status("POST", "/v1/models/m/activate", "only-scores") == 403
        assert status("POST", "/v1/models/m/activate", "all-of-it") == 200
        assert status("GET", "/v1/telemetry", "only-scores") == 403
        counted = [e for b in running.telemetry.page(0, "")["batches"] for e in b["counts"] if e["kind"] == "auth"]
        assert [entry["vec"]["n"] for entry in counted] == [[5]]


def test_a_batch_is_scored_whole_or_not_at_all(client: httpx.Client) -> None:
    rows = [GOOD, {**GOOD, "a": "x"}]
    refused = client.post("/v1/models/m/score", json={"ids": ["p", "q"], "rows": rows})
    assert (refused.status_code, refused.json()["field"]) == (400, "rows[1].inputs.a")
    assert vectors(client)["requests", ""][TOTAL] == 0
    good = client.post("/v1/models/m/score", json={"ids": ["p", "q"], "rows": [GOOD, GOOD]}).json()
    assert good["scores"] == [score(client, GOOD).json()["score"]] * 2


def test_counts_fall_into_the_minute_of_the_clock(client: httpx.Client, clock: SimClock) -> None:
    start = clock.now_us()
    score(client, GOOD)
    clock.advance(MINUTE)
    score(client, GOOD)
    score(client, GOOD)
    batches = client.get("/v1/telemetry?after=0").json()["batches"]
    totals = [(b["start_us"], b["counts"][0]["vec"]["n"]) for b in batches]
    assert totals == [(start, [1]), (start + MINUTE, [2])]


def test_a_fault_inside_is_a_500_that_tells_nothing_and_counts_as_an_error(
    served: Served, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(inputs: object) -> None:
        raise RuntimeError("the secret of the inside")

    monkeypatch.setattr(served.app.models.find("m"), "answer", broken)
    answer = score(client, GOOD)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    requests = vectors(client)["requests", ""]
    assert (requests[TOTAL], requests[ERRORS], requests[REJECTED]) == (1, 1, 0)


def test_a_caller_beyond_its_rate_is_told_when_to_come_back(served: Served, client: httpx.Client) -> None:
    served.app.limiter = Limiter(2, now=lambda: 0.0)
    answers = [score(client, GOOD) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    assert vectors(client)["requests", ""][REJECTED] == 1


def test_a_rate_comes_back_with_time_and_is_each_callers_own() -> None:
    now = [0.0]
    limiter = Limiter(2, now=lambda: now[0])
    assert [limiter.take("a") for _ in range(3)] == [True, True, False]
    assert limiter.take("b")
    now[0] = 0.5
    assert [limiter.take("a") for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert [limiter.take("a") for _ in range(3)] == [True, True, False]


def test_half_a_surrogate_pair_as_id_is_refused_and_telemetry_goes_on(client: httpx.Client) -> None:
    answer = client.post("/v1/models/m/score", content='{"id": "\\ud800", "inputs": {}}')
    assert answer.status_code == 400
    assert client.post("/v1/models/m/score", content=b'{"\xff": 1}').status_code == 400
    assert client.get("/v1/telemetry?after=0").status_code == 200
