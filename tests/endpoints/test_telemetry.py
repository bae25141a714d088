from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.clock import DAY, HOUR, MINUTE, SimClock
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.endpoints import rows, verbs
from core.endpoints.telemetry import pull
from core.ledger import timeline
from tests.serving.tiny import TOKEN, Served, artefact, faulty, lost_reply, serving, status

REQUESTS = SeriesKey("requests", "m", 1, "prod")


@pytest.fixture
def served(desk: Desk, clock: SimClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    with serving(tmp_path / "state", clock, artefact()) as running:
        verbs.add(desk, "prod", running.url, "env:TOCSIN_TEST_TOKEN")
        yield running


def ask(served: Served, *ids: str, token: str = TOKEN) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False) as client:
        for request_id in ids:
            client.post("/v1/models/m/score", json={"id": request_id, "inputs": {"a": 0.25, "c": "x"}})


def total(desk: Desk, clock: SimClock) -> list[int]:
    return series.read_sum(desk.store, REQUESTS, clock.now_us() - DAY, clock.now_us() + DAY)


def page(**changes: Any) -> bytes:
    """A page with one batch, as an endpoint hands it over."""
    count = {"kind": "requests", "model": "m", "version": 1, "name": "", "vec": {"i": [0], "n": [5], "len": 4}}
    batch = {"seq": 1, "start_us": 60_000_000, "counts": [count], "predictions": [], "samples": []}
    whole = {"boot": "b", "now_us": 0, "batches": [batch], "more": False, "lost": {}}
    for name, value in changes.items():
        ({"vec": count, "kind": count, "model": count}.get(name) or (batch if name in batch else whole))[name] = value
    return json.dumps(whole).encode()


def test_what_an_endpoint_counted_is_in_the_store_once(desk: Desk, clock: SimClock, served: Served) -> None:
    ask(served, "p", "q")
    clock.advance(MINUTE)
    ask(served, "r")
    found = pull(desk)
    assert (found.batches, found.predictions, found.errors) == (2, 3, {})
    assert total(desk, clock) == [3, 0, 0, 3]
    again = pull(desk)
    assert (again.batches, again.predictions) == (0, 0)
    assert total(desk, clock) == [3, 0, 0, 3]
    minutes = series.read_steps(desk.store, REQUESTS, clock.now_us() - HOUR, clock.now_us() + HOUR, MINUTE)
    assert [vec[0] for _, vec in minutes] == [2, 1]
    kinds = {key.kind for key in series.keys(desk.store)}
    assert kinds == {"requests", "latency", "feature", "score"}
    ids = [row["request_id"] for row in desk.store.read("SELECT * FROM prediction ORDER BY request_id")]
    assert ids == ["p", "q", "r"]


def test_scores_and_features_are_counted_in_the_references_bins(desk: Desk, clock: SimClock, served: Served) -> None:
    ask(served, "p", "q")
    pull(desk)
    score = desk.store.read("SELECT score FROM prediction")[0]["score"]
    span = clock.now_us() - HOUR, clock.now_us() + HOUR
    vec = series.read_sum(desk.store, SeriesKey("score", "m", 1, "prod"), *span)
    assert (len(vec), vec[int(score * 256)]) == (256, 2)
    bins = artefact().reference.features
    for name, value in (("a", 0.25), ("b", None), ("c", "x")):
        vec = series.read_sum(desk.store, SeriesKey("feature", "m", 1, "prod", name), *span)
        assert vec[bins[name].bins.index(value)] == 2
        assert len(vec) == bins[name].bins.size


def test_a_restarted_endpoint_counts_on_from_nothing(desk: Desk, clock: SimClock, served: Served) -> None:
    ask(served, "p")
    pull(desk)
    served.app.telemetry = served.app.scoring.telemetry = type(served.telemetry)(clock)
    ask(served, "q")
    assert pull(desk).predictions == 1
    assert total(desk, clock)[0] == 2
    assert rows.endpoint(desk.store, "prod").boot == served.telemetry.boot


def test_a_lost_answer_is_asked_again_and_counted_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    good = status(200, page())
    with faulty(lost_reply, good, good) as (url, script):
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        assert list(pull(desk).errors) == ["prod"]
        assert pull(desk).batches == 1
        assert pull(desk).batches == 0
        assert [path for _, path in script.seen] == ["/v1/telemetry?after=0&boot="] * 2 + [
            "/v1/telemetry?after=1&boot=b"
        ]
    assert series.read_sum(desk.store, REQUESTS, 0, HOUR)[0] == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"boot": "b"}',
        page(seq="x"),
        page(start_us=61),
        page(start_us=-60_000_000),
        page(kind="nonsense"),
        page(model=7),
        page(vec={"i": [9], "n": [1], "len": 4}),
        page(vec={"i": [0], "n": [-1], "len": 4}),
        page(vec={"i": [0], "n": [1 << 70], "len": 4}),
        page(vec={"i": [0], "n": [1], "len": 1 << 40}),
        page(predictions=[["p", 1, "m", 1, 1.5]]),
        page(predictions=[["p", 1, "m"]]),
        page(samples=[["p", 1, "m", 1, 0.5, "x"]]),
        page(now_us=None),
    ],
)
def test_an_answer_nobody_can_read_is_noted_and_nothing_of_it_is_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    with faulty(status(200, content)) as (url, _):
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        assert "cannot be read" in pull(desk).errors["prod"]
    assert series.keys(desk.store) == []
    assert rows.endpoint(desk.store, "prod").error


def test_one_dead_endpoint_does_not_keep_the_others_waiting(desk: Desk, served: Served) -> None:
    verbs.add(desk, "dead", "http://127.0.0.1:9", "env:TOCSIN_TEST_TOKEN")
    verbs.add(desk, "nameless", "http://127.0.0.1:9", "env:TOCSIN_TEST_NONE")
    ask(served, "p")
    found = pull(desk)
    assert (found.predictions, sorted(found.errors)) == (1, ["dead", "nameless"])
    for _ in range(5):
        pull(desk)
    assert pull(desk).errors == {}
    assert "dead" in pull(desk, "dead").errors


def test_a_paused_endpoint_is_not_read(desk: Desk, served: Served) -> None:
    ask(served, "p")
    verbs.pause(desk, "prod")
    assert pull(desk).batches == 0
    verbs.resume(desk, "prod")
    assert pull(desk).batches == 1


def test_denied_calls_are_in_the_ledger_and_losses_on_the_row(desk: Desk, served: Served) -> None:
    ask(served, "p", "q", token="wrong")
    served.telemetry.lost["predictions"] = 7
    pull(desk)
    event = timeline(desk.store, kinds=["access.denied"])[0]
    assert (event.endpoint, event.data) == ("prod", {"count": 2})
    assert "drop 7" in (rows.endpoint(desk.store, "prod").error or "")


def test_the_clocks_difference_is_kept(desk: Desk, clock: SimClock, served: Served) -> None:
    served.telemetry.clock = SimClock(clock.now_us() + HOUR)
    pull(desk)
    assert rows.endpoint(desk.store, "prod").skew_us == HOUR


def test_an_idle_turn_writes_nothing(desk: Desk, served: Served) -> None:
    pull(desk)
    before = desk.store.data_version()
    pull(desk)
    assert desk.store.data_version() == before
