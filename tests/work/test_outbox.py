from __future__ import annotations

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import MINUTE, SECOND, SimClock
from core.desk import Desk
from core.store.driver import IntegrityError
from core.work import outbox


@pytest.fixture(autouse=True)
def _endpoints(desk: Desk) -> None:
    with desk.store.write() as tx:
        for name in ("prod", "edge"):
            tx.execute(
                "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES (?, 'x', '', '', 0)", (name,)
            )


def put(desk: Desk, key: str, endpoint: str = "prod") -> int:
    with desk.store.write() as tx:
        return outbox.put(tx, desk.now_us(), endpoint, key, "activate", {"model": "m"})


def claim(desk: Desk, endpoint: str = "prod", *, early: bool = False) -> outbox.Message | None:
    with desk.store.write() as tx:
        return outbox.claim(tx, desk.now_us(), endpoint, "one", early=early)


def taken(desk: Desk) -> outbox.Message:
    message = claim(desk)
    assert message is not None
    return message


def test_messages_of_an_endpoint_go_in_order_and_endpoints_do_not_wait_for_each_other(desk: Desk) -> None:
    put(desk, "k1")
    put(desk, "k2")
    put(desk, "k3", "edge")
    first = taken(desk)
    other = claim(desk, "edge")
    assert (first.key, other and other.key) == ("k1", "k3")
    with desk.store.write() as tx:
        assert outbox.done(tx, desk.now_us(), first)
    assert taken(desk).key == "k2"


def test_a_message_that_waits_holds_up_those_behind_it(desk: Desk, clock: SimClock) -> None:
    put(desk, "k1")
    put(desk, "k2")
    with desk.store.write() as tx:
        message = outbox.claim(tx, clock.now_us(), "prod", "one")
        assert message is not None
        outbox.retry(tx, clock.now_us() + MINUTE, message, "it was down")
    assert claim(desk) is None
    assert outbox.waiting(desk.store, "prod")[0].error == "it was down"
    clock.advance(MINUTE)
    again = taken(desk)
    assert (again.key, again.attempts) == ("k1", 2)


def test_a_person_need_not_wait_for_the_back_off(desk: Desk, clock: SimClock) -> None:
    put(desk, "k1")
    with desk.store.write() as tx:
        message = outbox.claim(tx, clock.now_us(), "prod", "one")
        assert message is not None
        outbox.retry(tx, clock.now_us() + MINUTE, message, "down")
    assert claim(desk) is None
    assert claim(desk, early=True) is not None


def test_a_sender_that_lost_its_message_can_no_longer_settle_it(desk: Desk) -> None:
    put(desk, "k1")
    stale, fresh = taken(desk), taken(desk)
    with desk.store.write() as tx:
        assert not outbox.done(tx, desk.now_us(), stale)
        assert not outbox.bury(tx, desk.now_us(), stale, "late")
        assert not outbox.retry(tx, 0, stale, "late")
        assert outbox.done(tx, desk.now_us(), fresh)
    assert outbox.waiting(desk.store) == []


def test_a_key_is_queued_once(desk: Desk) -> None:
    put(desk, "k1")
    with pytest.raises(IntegrityError):
        put(desk, "k1")
    assert len(outbox.waiting(desk.store)) == 1


def test_a_dead_letter_lets_the_next_message_pass_and_is_kept(desk: Desk) -> None:
    put(desk, "k1")
    put(desk, "k2")
    first = taken(desk)
    with desk.store.write() as tx:
        outbox.bury(tx, desk.now_us(), first, "the token was refused")
    assert [(dead.key, dead.error) for dead in outbox.dead_letters(desk.store)] == [("k1", "the token was refused")]
    assert taken(desk).key == "k2"
    assert outbox.addressed(desk.store) == ["prod"]


@given(st.text(min_size=1, max_size=20), st.integers(1, 500))
def test_back_off_stays_within_its_span_and_repeats(key: str, attempts: int) -> None:
    wait = outbox.backoff_us(key, attempts)
    assert SECOND <= wait <= outbox.CAP_US + SECOND
    assert wait == outbox.backoff_us(key, attempts)


def test_back_off_spreads_senders_over_the_whole_span() -> None:
    waits = [outbox.backoff_us(f"k{n}", 3) for n in range(500)]
    assert min(waits) < 0.1 * 8 * outbox.BASE_US + SECOND
    assert 0.4 < (mean(waits) - SECOND) / (8 * outbox.BASE_US) < 0.6
