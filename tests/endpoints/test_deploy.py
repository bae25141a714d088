from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import DAY, HOUR, SimClock
from core.desk import Desk
from core.endpoints import deploy, rows, verbs
from core.endpoints.rows import Deployment
from core.errors import BadInput, CheckFailed, NotFound
from core.ledger import timeline
from core.work import outbox
from tests.serving.tiny import register


@pytest.fixture(autouse=True)
def _catalogue(desk: Desk) -> None:
    verbs.add(desk, "prod", "http://127.0.0.1:1", "env:TOCSIN_TEST_TOKEN")
    for version in (1, 2, 3):
        register(desk, version)


def apply(desk: Desk, one: Deployment) -> None:
    """What delivery does to the rows, without an endpoint."""
    with desk.store.write() as tx:
        tx.execute(rows.SET_APPLIED, (desk.now_us(), one.id))
        tx.execute("UPDATE outbox SET state = 'done' WHERE deployment = ?", (one.id,))


def test_a_request_is_a_deployment_a_message_and_an_event_at_once(desk: Desk) -> None:
    one = deploy.request(desk, "prod", "m", 1, reason="first")
    assert (one.state, one.kind, one.previous, one.reason) == ("queued", "deploy", None, "first")
    assert [message.deployment for message in outbox.waiting(desk.store)] == [one.id]
    event = timeline(desk.store, kinds=["deploy."])[0]
    assert (event.kind, event.model, event.version, event.endpoint) == ("deploy.requested", "m", 1, "prod")
    assert deploy.active(desk.store, "prod", "m") is None


def test_a_failed_request_leaves_nothing_behind(desk: Desk) -> None:
    for wrong in (("edge", "m", 1), ("prod", "n", 1), ("prod", "m", 9)):
        with pytest.raises(NotFound):
            deploy.request(desk, *wrong)
    assert deploy.history(desk.store) == []
    assert outbox.waiting(desk.store) == []
    assert timeline(desk.store, kinds=["deploy."]) == []


def test_the_way_back_is_the_version_before_and_knows_how_long_it_was_healthy(desk: Desk, clock: SimClock) -> None:
    apply(desk, deploy.request(desk, "prod", "m", 1))
    assert deploy.target(desk.store, "prod", "m") is None
    clock.advance(3 * DAY)
    apply(desk, deploy.request(desk, "prod", "m", 2))
    assert deploy.target(desk.store, "prod", "m") == deploy.Target(1, 3 * DAY, 2)
    now = deploy.active(desk.store, "prod", "m")
    assert now is not None
    assert (now.version, now.since_us, now.kind) == (2, clock.now_us(), "deploy")


def test_a_clock_set_back_between_two_deploys_does_not_turn_their_order(desk: Desk, clock: SimClock) -> None:
    apply(desk, deploy.request(desk, "prod", "m", 1))
    clock.advance(-6 * HOUR)
    apply(desk, deploy.request(desk, "prod", "m", 2))
    now = deploy.active(desk.store, "prod", "m")
    assert now is not None
    assert now.version == 2
    back = deploy.target(desk.store, "prod", "m")
    assert back is not None
    assert (back.version, back.from_version) == (1, 2)


def test_a_version_that_was_left_by_a_rollback_is_never_the_way_back(desk: Desk, clock: SimClock) -> None:
    for version in (1, 2):
        apply(desk, deploy.request(desk, "prod", "m", version))
        clock.advance(HOUR)
    back = deploy.rollback(desk, "prod", "m", reason="bad")
    assert (back.version, back.previous, back.kind) == (1, 2, "rollback")
    apply(desk, back)
    assert deploy.target(desk.store, "prod", "m") is None
    with pytest.raises(CheckFailed, match="no earlier good version"):
        deploy.rollback(desk, "prod", "m", reason="again")
    apply(desk, deploy.request(desk, "prod", "m", 3))
    target = deploy.target(desk.store, "prod", "m")
    assert target is not None
    assert target.version == 1


def test_a_rollback_refuses_where_someone_was_faster(desk: Desk) -> None:
    for version in (1, 2):
        apply(desk, deploy.request(desk, "prod", "m", version))
    with pytest.raises(CheckFailed, match="v2 is active for m on prod, not v3"):
        deploy.rollback(desk, "prod", "m", reason="bad", expect_active=3)
    assert deploy.rollback(desk, "prod", "m", reason="bad", expect_active=2).version == 1


def test_a_retired_version_is_neither_deployed_nor_a_way_back(desk: Desk) -> None:
    for version in (1, 2):
        apply(desk, deploy.request(desk, "prod", "m", version))
    with desk.store.write() as tx:
        tx.execute("UPDATE model_version SET stage = 'retired' WHERE version = 1")
    assert deploy.target(desk.store, "prod", "m") is None
    with pytest.raises(CheckFailed, match="retired"):
        deploy.rollback(desk, "prod", "m", to=1, reason="bad")


def test_a_newer_wish_takes_the_place_of_one_that_still_waits(desk: Desk) -> None:
    first = deploy.request(desk, "prod", "m", 1)
    second = deploy.request(desk, "prod", "m", 2)
    assert rows.deployment(desk.store, first.id).state == "superseded"
    assert [message.deployment for message in outbox.waiting(desk.store)] == [second.id]
    assert timeline(desk.store, kinds=["deploy."])[-1].data["superseded"] == [first.id]


def test_what_is_on_its_way_is_not_taken_back(desk: Desk) -> None:
    first = deploy.request(desk, "prod", "m", 1)
    with desk.store.write() as tx:
        outbox.claim(tx, desk.now_us(), "prod", "sender")
    second = deploy.request(desk, "prod", "m", 2)
    assert rows.deployment(desk.store, first.id).state == "queued"
    assert [message.deployment for message in outbox.waiting(desk.store)] == [first.id, second.id]


def test_asking_twice_queues_once(desk: Desk) -> None:
    deploy.request(desk, "prod", "m", 1)
    with pytest.raises(CheckFailed, match="already queued"):
        deploy.request(desk, "prod", "m", 1)
    apply(desk, deploy.history(desk.store)[0])
    with pytest.raises(CheckFailed, match="already active"):
        deploy.request(desk, "prod", "m", 1)
    assert deploy.request(desk, "prod", "m", 1, again=True).state == "queued"


def test_two_homes_never_share_a_key(desk: Desk) -> None:
    deploy.request(desk, "prod", "m", 1)
    key = outbox.waiting(desk.store)[0].key
    assert key == f"{deploy.origin(desk)}/deployment/1"
    desk.home.key_path.write_bytes(b"another home's key")
    assert deploy.origin(desk) not in key


@given(st.lists(st.tuples(st.sampled_from(["deploy", "rollback"]), st.integers(1, 4)), max_size=12))
def test_the_active_version_is_the_last_applied_and_no_version_stands_on_itself(steps: list[tuple[str, int]]) -> None:
    blank = Deployment(0, "e", "m", 0, None, "deploy", "applied", "", False, None, 0, 0, None)
    applied = [
        replace(blank, id=n, kind=kind, version=version, applied_us=n) for n, (kind, version) in enumerate(steps)
    ]
    stack = [each.version for each in deploy.standing(applied)]
    assert stack[-1:] == [version for _, version in steps[-1:]]
    assert all(left != right for left, right in itertools.pairwise(stack))


def test_an_endpoint_is_added_once_and_changed_after(desk: Desk) -> None:
    moved = verbs.add(desk, "prod", "http://127.0.0.1:2/", "file:token")
    assert (moved.url, moved.token_ref.startswith("file:/")) == ("http://127.0.0.1:2", True)
    assert len(rows.endpoints(desk.store)) == 1
    for name, url in (("a/b", "http://x"), ("e", "ftp://x"), ("e", "http://"), ("e", "http://[x"), ("", "http://x")):
        with pytest.raises(BadInput):
            verbs.add(desk, name, url, "env:X")
    with pytest.raises(BadInput):
        verbs.add(desk, "e", "http://x", "my-token")
    with pytest.raises(NotFound, match="adapter"):
        verbs.add(desk, "e", "http://x", "env:X", adapter="nope")
    assert len(rows.endpoints(desk.store)) == 1
