from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.cli.main import run
from console.pages.queues import message_line
from console.view import text_of
from core.briefing import outbox as briefing
from core.briefing.header import header
from core.clock import HOUR, MINUTE, SharedClock, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.doctor import CHECKS
from core.endpoints import deploy, rows, verbs, waiting
from core.endpoints.deliver import deliver
from core.errors import CheckFailed, NotFound
from core.ledger import timeline
from core.work import outbox
from tests.serving.tiny import TOKEN, artefact, faulty, register, serving, status

DOWN = "http://127.0.0.1:9"
REFUSED = status(409, b'{"error": "not this one"}')


@pytest.fixture(autouse=True)
def _catalogue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("TOCSIN_HOME", str(desk.home.path))
    for version in (1, 2):
        register(desk, version)


def at(desk: Desk, url: str, version: int = 1) -> int:
    verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
    return deploy.request(desk, "prod", "m", version, reason="try").id


def stale(desk: Desk, clock: SimClock, url: str) -> int:
    """A change asked for while the endpoint was down, sixteen minutes ago; the endpoint is back at the URL."""
    number = at(desk, DOWN)
    deliver(desk)
    clock.advance(16 * MINUTE)
    verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
    return number


def kinds(desk: Desk) -> list[str]:
    return [event.kind for event in timeline(desk.store) if not event.kind.startswith("endpoint.")]


@pytest.mark.parametrize("early", [False, True])
def test_a_change_that_waited_too_long_is_sent_only_when_a_person_says_so(
    desk: Desk, clock: SimClock, early: bool
) -> None:
    with faulty() as (url, script):
        number = stale(desk, clock, url)
        assert header(desk).asks_again
        assert [(one.state, one.deployment) for one in deliver(desk, early=early)] == [("asks", number)]
        assert script.seen == []
        assert [one.asks for one in briefing.window(desk, 0, 9)] == [True]
        waiting.confirm(desk, 1)
        assert not header(desk).asks_again
        assert [one.state for one in deliver(desk)] == ["applied"]
    assert kinds(desk) == ["deploy.requested", "outbox.confirmed", "deploy.applied", "model.promoted"]


def test_a_confirmed_change_asks_again_when_it_has_waited_as_long_once_more(desk: Desk, clock: SimClock) -> None:
    stale(desk, clock, DOWN)
    waiting.confirm(desk, 1)
    assert [one.state for one in deliver(desk)] == ["waiting"]
    clock.advance(16 * MINUTE)
    assert [one.state for one in deliver(desk)] == ["asks"]
    with pytest.raises(CheckFailed):
        waiting.confirm(desk, waiting.confirm(desk, 1).id)


def test_a_change_that_asks_again_holds_up_those_behind_it_until_it_is_dropped(desk: Desk, clock: SimClock) -> None:
    with faulty() as (url, script):
        first = stale(desk, clock, url)
        register(desk, 1, model="other")
        later = deploy.request(desk, "prod", "other", 1).id
        assert [one.state for one in deliver(desk, early=True)] == ["asks"]
        waiting.drop(desk, 1, "not any more")
        assert [(one.state, one.deployment) for one in deliver(desk)] == [("applied", later)]
        assert len(script.applied) == 1
    dropped = rows.deployment(desk.store, first)
    assert (dropped.state, dropped.error) == ("failed", "dropped: not any more")
    assert outbox.waiting(desk.store) == []


def test_a_dead_letter_is_sent_once_more_with_the_same_key(desk: Desk) -> None:
    with faulty(REFUSED) as (url, script):
        number = at(desk, url)
        assert [one.state for one in deliver(desk)] == ["failed"]
        key = outbox.dead_letters(desk.store)[0].key
        retried = waiting.retry(desk, 1)
        assert (retried.key, retried.state, retried.attempts) == (key, "waiting", 0)
        assert rows.deployment(desk.store, number).state == "queued"
        assert [one.state for one in deliver(desk)] == ["applied"]
        assert script.keys == {key}
    assert rows.deployment(desk.store, number).state == "applied"
    assert kinds(desk) == ["deploy.requested", "deploy.failed", "outbox.retried", "deploy.applied", "model.promoted"]


def test_an_old_dead_letter_never_undoes_a_newer_wish(desk: Desk) -> None:
    with faulty(REFUSED) as (url, _):
        at(desk, url)
        deliver(desk)
        deploy.request(desk, "prod", "m", 2)
        with pytest.raises(CheckFailed, match="overtaken"):
            waiting.retry(desk, 1)
        deliver(desk)
        with pytest.raises(CheckFailed, match="overtaken"):
            waiting.retry(desk, 1)
        waiting.drop(desk, 1)
    assert outbox.dead_letters(desk.store) == []
    assert deploy.active(desk.store, "prod", "m").version == 2  # type: ignore[union-attr]


def test_what_is_settled_or_on_its_way_is_left_alone(desk: Desk, clock: SimClock) -> None:
    at(desk, DOWN)
    with desk.write() as tx:
        outbox.claim(tx, clock.now_us(), "prod", "another")
    for verb in (waiting.retry, waiting.drop, waiting.confirm):
        with pytest.raises(CheckFailed, match="on its way"):
            verb(desk, 1)
        with pytest.raises(NotFound):
            verb(desk, 9)
    with faulty() as (url, _):
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        deliver(desk)
    for verb in (waiting.retry, waiting.drop):
        with pytest.raises(CheckFailed, match="settled"):
            verb(desk, 1)


def test_a_replays_leaping_clock_does_not_make_a_fresh_change_old(desk: Desk, clock: SimClock) -> None:
    SharedClock.create(desk.home.clock_path, clock.now_us())
    at(desk, DOWN)
    clock.advance(HOUR)
    assert [one.state for one in deliver(desk)] == ["waiting"]
    clock.advance(3 * HOUR)
    assert [one.state for one in deliver(desk)] == ["asks"]


def test_dropping_what_had_no_answer_says_that_it_may_be_applied(desk: Desk) -> None:
    at(desk, DOWN)
    assert waiting.intend(desk, "drop", 1).effect == "it is never sent"
    deliver(desk)
    assert "may be applied" in waiting.intend(desk, "drop", 1).effect


def test_the_doctor_names_what_asks_again(desk: Desk, clock: SimClock) -> None:
    stale(desk, clock, DOWN)
    assert "outbox confirm 1" in CHECKS["outbox"](desk)[0][2]  # type: ignore[misc]


def test_the_command_lists_shows_confirms_retries_and_drops(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock_file = tmp_path / "clock"
    shared = SharedClock.create(clock_file, desk.now_us())
    monkeypatch.setenv("TOCSIN_CLOCK", str(clock_file))
    with faulty(REFUSED) as (url, script):
        at(desk, url)
        shared.set(desk.now_us() + 16 * MINUTE)
        assert run(["outbox", "list"]) == 0
        assert "asks again" in capsys.readouterr().out
        assert run(["endpoint", "sync", "prod", "--json"]) in (0, 4)
        assert json.loads(capsys.readouterr().out)["sent"][0]["state"] == "asks"
        script.faults = [REFUSED]
        script.seen.clear()
        assert run(["outbox", "confirm", "1", "--dry-run"]) == 0
        assert run(["outbox", "confirm", "1"]) == 2
        assert script.seen == []
        assert run(["outbox", "confirm", "1", "--yes"]) == 4
        capsys.readouterr()
        assert run(["outbox", "show", "1", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["state"], found["attempts"]) == ("dead", 1)
        assert "not this one" in found["error"]
        assert run(["outbox", "retry", "1", "--yes"]) == 0
        assert "applied" in capsys.readouterr().out
        assert run(["outbox", "drop", "1", "--yes"]) == 1
        assert run(["outbox", "list"]) == 0
        assert "nothing waits" in capsys.readouterr().out
        assert run(["outbox", "list", "--all", "--json"]) == 0
        assert [one["state"] for one in json.loads(capsys.readouterr().out)] == ["applied"]


def test_nothing_is_half_done_where_the_home_is_read_only(desk: Desk, clock: SimClock) -> None:
    stale(desk, clock, DOWN)
    desk.home.settings_path.write_text("read_only = true")
    before = kinds(desk)
    for verb in ("confirm", "retry", "drop"):
        assert run(["outbox", verb, "1", "--yes"]) == 5
    assert kinds(desk) == before
    assert outbox.message(desk.store, 1).confirmed_us is None


def behind_a_stale_one(desk: Desk, clock: SimClock, url: str) -> int:
    """A change of another model that is queued behind one which asks again; gives its deployment."""
    stale(desk, clock, url)
    register(desk, 1, model="other")
    return deploy.request(desk, "prod", "other", 1).id


def test_what_waits_behind_a_change_that_asks_again_says_so_everywhere(
    desk: Desk, clock: SimClock, capsys: pytest.CaptureFixture[str]
) -> None:
    behind_a_stale_one(desk, clock, DOWN)
    SharedClock.create(desk.home.clock_path, clock.now_us() + 3 * HOUR)
    clock.advance(3 * HOUR)
    register(desk, 1, model="third")
    deploy.request(desk, "prod", "third", 1)
    assert waiting.held(desk) == {2: 1, 3: 1}
    assert [one.behind for one in briefing.window(desk, 0, 9)] == [1, 1, None]
    assert "waits behind #1, which asks again" in text_of(message_line(briefing.window(desk, 0, 1)[0], desk.now_us()))
    for words in (("outbox", "list"), ("outbox", "show", "3"), ("deploy", "status", "third")):
        assert run([*words]) == 0
        assert "waits behind #1, which asks again" in capsys.readouterr().out
    assert run(["deploy", "status", "m"]) == 0
    assert "asks again: `tocsin outbox confirm 1` sends it" in capsys.readouterr().out
    assert run(["outbox", "show", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["behind"] == 1


def test_telemetry_is_collected_and_health_asked_while_a_change_asks_again(
    desk: Desk, clock: SimClock, tmp_path: Path
) -> None:
    with serving(tmp_path / "served", clock, artefact()) as served:
        stale(desk, clock, served.url)
        daemon = Daemon(desk)
        assert daemon.tick().errors == []
        daemon.close()
        assert rows.endpoint(desk.store, "prod").seen_us == desk.now_us()
        assert verbs.health(desk, "prod").served[0].active == 1
    assert [one.asks(waiting.asks_before_us(desk)) for one in outbox.waiting(desk.store)] == [True]


def test_an_emergency_rollback_is_sent_at_once_whatever_of_its_model_asks_again(desk: Desk, clock: SimClock) -> None:
    with faulty() as (url, script):
        for version in (1, 2):
            at(desk, url, version)
            deliver(desk)
        register(desk, 3)
        verbs.add(desk, "prod", DOWN, "env:TOCSIN_TEST_TOKEN")
        third = deploy.request(desk, "prod", "m", 3)
        deliver(desk)
        clock.advance(16 * MINUTE)
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        assert waiting.overtaken(desk, "prod", "m") == ["takes back #3, v3 asked for 16m ago and never applied"]
        back = deploy.rollback(desk, "prod", "m", reason="3 am", expect_active=2)
        assert [(one.state, one.deployment) for one in deliver(desk, early=True)] == [("applied", back.id)]
        assert len(script.applied) == 3
    assert rows.deployment(desk.store, third.id).state == "superseded"
    assert timeline(desk.store, kinds=["rollback.requested"])[0].data["superseded"] == [third.id]


def test_a_rollback_asked_for_anew_takes_the_place_of_its_stale_self(desk: Desk, clock: SimClock) -> None:
    with faulty() as (url, script):
        for version in (1, 2):
            at(desk, url, version)
            deliver(desk)
        verbs.add(desk, "prod", DOWN, "env:TOCSIN_TEST_TOKEN")
        first = deploy.rollback(desk, "prod", "m", reason="3 am")
        with pytest.raises(CheckFailed, match="already queued"):
            deploy.rollback(desk, "prod", "m", reason="3 am")
        clock.advance(16 * MINUTE)
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        with pytest.raises(CheckFailed, match="already queued"):
            deploy.rollback(desk, "prod", "m", reason="by itself", automatic=True)
        deploy.rollback(desk, "prod", "m", reason="again")
        assert [one.state for one in deliver(desk)] == ["applied"]
        assert len(script.applied) == 3
    assert rows.deployment(desk.store, first.id).state == "superseded"


def test_a_rollback_behind_another_models_stale_change_says_which_before_it_is_asked_for(
    desk: Desk, clock: SimClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty() as (url, script):
        register(desk, 1, model="other")
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        for model, version in (("other", 1), ("m", 1), ("m", 2)):
            deploy.request(desk, "prod", model, version)
            deliver(desk)
        verbs.add(desk, "prod", DOWN, "env:TOCSIN_TEST_TOKEN")
        deploy.request(desk, "prod", "other", 1, again=True)
        clock.advance(4 * HOUR)
        SharedClock.create(desk.home.clock_path, clock.now_us())
        verbs.add(desk, "prod", url, "env:TOCSIN_TEST_TOKEN")
        applied = len(script.applied)
        assert run(["deploy", "rollback", "m", "--yes"]) == 0
        said = capsys.readouterr()
        assert "waits behind #4, activate other v1 on prod, which asks again: confirm or drop it" in said.err
        assert "queued, not applied" in said.out
        assert len(script.applied) == applied
        waiting.drop(desk, 4)
        assert [one.state for one in deliver(desk)] == ["applied"]
