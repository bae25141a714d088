from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import HOUR, MINUTE, SECOND, SimClock
from core.desk import Desk
from core.endpoints import adapter, deploy, rows, verbs
from core.endpoints.deliver import Delivered, deliver
from core.errors import RemoteRefused, RemoteUnreachable
from core.home import Home
from core.ledger import timeline
from core.work import outbox
from plugins.serving_embedded.adapter import EmbeddedAdapter
from plugins.transport import Timeouts, Transport
from tests.serving.tiny import TOKEN, faulty, lost_reply, register, serving, stalled, status, well

GARBAGE = status(200, b"<html>welcome to the hotel</html>")


@pytest.fixture
def desk(home: Home, clock: SimClock) -> Iterator[Desk]:
    """Here time is let pass without anybody being asked again; tests/endpoints/test_waiting.py is about that."""
    home.settings_path.write_text("queued_asks_again_minutes = 100000")
    opened = Desk.open(home, actor="ana", clock=clock)
    yield opened
    opened.store.close()


@pytest.fixture(autouse=True)
def _catalogue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    for version in (1, 2):
        register(desk, version)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An adapter that gives up at once, so that a stall is tried without waiting."""

    class Impatient(EmbeddedAdapter):
        def __init__(self, url: str, token: str) -> None:
            super().__init__(url, token, Transport(url, token, Timeouts(read=0.05)))

    monkeypatch.setattr(adapter, "adapter_class", lambda name: Impatient)
    adapter._connected.cache_clear()
    yield
    adapter._connected.cache_clear()


def at(desk: Desk, url: str, version: int = 1) -> int:
    """A deployment waiting for an endpoint at a URL."""
    verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
    return deploy.request(desk, "prod", "m", version, reason="try").id


def kinds(desk: Desk) -> list[str]:
    return [event.kind for event in timeline(desk.store) if event.kind != "endpoint.added"]


def test_a_deployment_is_placed_activated_recorded_and_promoted(desk: Desk, clock: SimClock, tmp_path: Path) -> None:
    with serving(tmp_path / "s", clock) as running:
        number = at(desk, running.url)
        assert deliver(desk) == [Delivered("prod", number, "m", 1, "applied")]
        assert running.app.models.find("m").version == 1
        clock.advance(HOUR)
        deploy.request(desk, "prod", "m", 2)
        assert [each.state for each in deliver(desk)] == ["applied"]
        assert running.app.models.find("m").version == 2
    now = deploy.active(desk.store, "prod", "m")
    assert now is not None
    assert (now.version, now.since_us) == (2, clock.now_us())
    stages = {row["version"]: row["stage"] for row in desk.store.read("SELECT * FROM model_version")}
    assert stages == {1: "archived", 2: "production"}
    assert [kind for kind in kinds(desk) if kind.startswith("deploy")] == ["deploy.requested", "deploy.applied"] * 2
    assert timeline(desk.store, kinds=["deploy.applied"])[-1].data["previous"] == 1
    assert deliver(desk) == []


def test_an_endpoint_that_is_down_leaves_it_queued_and_gets_it_later(
    desk: Desk, clock: SimClock, tmp_path: Path
) -> None:
    number = at(desk, "http://127.0.0.1:9")
    sent = deliver(desk)
    assert (sent[0].state, "cannot be reached" in sent[0].error) == ("waiting", True)
    assert rows.deployment(desk.store, number).state == "queued"
    assert "cannot be reached" in (rows.endpoint(desk.store, "prod").error or "")
    assert deliver(desk) == []
    with serving(tmp_path / "s", clock) as running:
        verbs.add(desk, "prod", running.url, "env:TOCSIN_TEST_TOKEN")
        clock.advance(HOUR)
        assert [each.state for each in deliver(desk)] == ["applied"]
    assert rows.endpoint(desk.store, "prod").error is None


def test_a_wrong_token_is_a_dead_letter_with_a_clear_error(
    desk: Desk, clock: SimClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", "wrong")
    with serving(tmp_path / "s", clock) as running:
        number = at(desk, running.url)
        sent = deliver(desk)
    assert (sent[0].state, "refused the token" in sent[0].error) == ("failed", True)
    failed = rows.deployment(desk.store, number)
    assert (failed.state, failed.error) == ("failed", sent[0].error)
    assert outbox.waiting(desk.store) == []
    assert outbox.dead_letters(desk.store)[0].deployment == number
    assert kinds(desk) == ["deploy.requested", "deploy.failed"]
    assert deploy.active(desk.store, "prod", "m") is None


def test_retry_after_is_honoured(desk: Desk, clock: SimClock) -> None:
    with faulty(status(429, Retry_After="3600")) as (url, script):
        at(desk, url)
        deliver(desk)
        clock.advance(30 * MINUTE)
        assert deliver(desk) == []
        assert len(script.seen) == 1
        clock.advance(30 * MINUTE)
        assert [each.state for each in deliver(desk)] == ["applied"]


@pytest.mark.parametrize("fault", [status(500), status(503), GARBAGE, status(200, b""), status(408)])
def test_a_passing_fault_is_tried_again_until_it_is_fine(desk: Desk, clock: SimClock, fault: Any) -> None:
    with faulty(fault, fault) as (url, script):
        at(desk, url)
        states = []
        while "applied" not in states:
            states += [each.state for each in deliver(desk)]
            clock.advance(20 * MINUTE)
        assert states == ["waiting", "waiting", "applied"]
        assert len(script.applied) == 1


def test_a_lost_reply_is_asked_again_with_the_same_key_and_applied_once(desk: Desk, clock: SimClock) -> None:
    with faulty(well, lost_reply) as (url, script):
        at(desk, url)
        assert [each.state for each in deliver(desk)] == ["waiting"]
        assert len(script.applied) == 1
        clock.advance(20 * MINUTE)
        assert [each.state for each in deliver(desk)] == ["applied"]
        assert len(script.applied) == 1
        assert [path for verb, path in script.seen if verb == "POST"] == ["/v1/models/m/activate"] * 2
    assert kinds(desk).count("deploy.applied") == 1


@pytest.mark.usefixtures("_impatient")
def test_a_stalled_answer_ends_in_time_and_is_tried_again(desk: Desk, clock: SimClock) -> None:
    with faulty(stalled) as (url, _):
        at(desk, url)
        sent = deliver(desk)
        assert (sent[0].state, "in time" in sent[0].error) == ("waiting", True)
        clock.advance(20 * MINUTE)
        assert [each.state for each in deliver(desk)] == ["applied"]


def test_a_refusal_ends_the_deployment_and_the_next_one_passes(desk: Desk) -> None:
    with faulty(status(409, b'{"error": "v1 is here with another content"}')) as (url, _):
        at(desk, url)
        assert "another content" in deliver(desk)[0].error
        deploy.request(desk, "prod", "m", 2)
        assert [each.state for each in deliver(desk)] == ["applied"]


def test_a_damaged_model_file_is_never_sent(desk: Desk) -> None:
    path = desk.blobs.path(register_sha(desk))
    path.write_bytes(path.read_bytes()[:-1])
    with faulty() as (url, script):
        at(desk, url)
        assert (deliver(desk)[0].state, script.seen) == ("failed", [])
    assert "damaged" in (deploy.history(desk.store)[0].error or "")


def register_sha(desk: Desk) -> str:
    return str(desk.store.read("SELECT artefact FROM model_version WHERE version = 1")[0]["artefact"])


def test_an_endpoint_that_never_answers_is_left_alone_for_longer_and_longer(desk: Desk, clock: SimClock) -> None:
    with faulty(*[status(500)] * 500) as (url, script):
        at(desk, url)
        for _ in range(HOUR // (10 * SECOND)):
            deliver(desk)
            clock.advance(10 * SECOND)
        assert 6 <= len(script.seen) <= 40
        endpoint = rows.endpoint(desk.store, "prod")
        assert endpoint.breaker_failures == len(script.seen)
        assert len(deliver(desk, early=True)) == 1


def test_a_paused_endpoint_gets_nothing_until_it_is_resumed(desk: Desk) -> None:
    with faulty() as (url, script):
        at(desk, url)
        verbs.pause(desk, "prod")
        assert deliver(desk, early=True) == []
        assert script.seen == []
        verbs.resume(desk, "prod")
        assert [each.state for each in deliver(desk)] == ["applied"]
    assert [k for k in kinds(desk) if k.startswith("endpoint")] == ["endpoint.paused", "endpoint.resumed"]


def test_two_senders_at_once_tell_an_endpoint_once(desk: Desk) -> None:
    meet = threading.Barrier(2)

    def slow(handler: Any) -> bool:
        meet.wait(10)
        meet.wait(10)
        return False

    with faulty(slow) as (url, script):
        at(desk, url)
        results: list[Delivered] = []
        sender = threading.Thread(target=lambda: results.extend(deliver(desk)))
        sender.start()
        meet.wait(10)
        assert deliver(desk) == []
        meet.wait(10)
        sender.join()
        assert [each.state for each in results] == ["applied"]
        assert len(script.applied) == 1


def test_a_senders_death_between_telling_and_noting_applies_once(desk: Desk, clock: SimClock) -> None:
    with faulty() as (url, script):
        number = at(desk, url)
        with desk.store.write() as tx:
            message = outbox.claim(tx, clock.now_us(), "prod", "dies")
        assert message is not None
        adapter.connect(rows.endpoint(desk.store, "prod")).activate("m", 1, message.key)
        assert deliver(desk) == [Delivered("prod", number, "m", 1, "applied")]
        assert len(script.applied) == 1


def test_health_tells_what_is_served_and_what_should_be(desk: Desk, clock: SimClock, tmp_path: Path) -> None:
    with serving(tmp_path / "s", clock) as running:
        at(desk, running.url)
        deliver(desk)
        found = verbs.health(desk, "prod")
        assert found.served == [verbs.Served("m", 1, 1)]
        assert (found.fits, found.skew_us) == (True, 0)
    with serving(tmp_path / "empty", clock) as running:
        verbs.add(desk, "prod", running.url, "env:TOCSIN_TEST_TOKEN")
        assert verbs.health(desk, "prod").served == [verbs.Served("m", None, 1)]
        assert not verbs.health(desk, "prod").fits
        deploy.request(desk, "prod", "m", 1, again=True)
        deliver(desk)
        assert verbs.health(desk, "prod").fits


def test_health_of_a_dead_or_strange_endpoint_is_an_error_that_stays_on_its_row(desk: Desk) -> None:
    at(desk, "http://127.0.0.1:9")
    with pytest.raises(RemoteUnreachable) as dead:
        verbs.health(desk, "prod")
    assert dead.value.hint
    assert rows.endpoint(desk.store, "prod").error == dead.value.message
    for fault in (GARBAGE, status(200, b"[]"), status(200, b'{"models": {"m": 3}}'), status(401), status(404)):
        with faulty(fault) as (url, _):
            verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
            with pytest.raises(RemoteRefused):
                verbs.health(desk, "prod")
