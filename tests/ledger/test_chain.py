from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ledger
from core.desk import Desk
from core.ledger.chain import key_of
from core.store import driver


def write(desk: Desk, count: int) -> None:
    with desk.write() as tx:
        for number in range(count):
            desk.record(tx, "deploy.applied", model="m", version=number, data={"to": number, "naïve": "é"})


def tamper(desk: Desk, sql: str) -> None:
    connection = driver.dbapi.connect(str(desk.home.store_path))
    connection.execute("DROP TRIGGER event_never_updated")
    connection.execute("DROP TRIGGER event_never_deleted")
    connection.execute(sql)
    connection.commit()
    connection.close()


def test_an_untouched_ledger_verifies_and_its_head_is_the_last_hash(desk: Desk) -> None:
    write(desk, 7)
    found = ledger.verify(desk.store, key_of(desk.home))
    assert (found.ok, found.events) == (True, 7)
    assert found.head == ledger.timeline(desk.store)[-1].hash


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE event SET actor = 'eve' WHERE seq = 3", 3),
        ("UPDATE event SET data = '{}' WHERE seq = 5", 5),
        ("UPDATE event SET at_us = at_us + 1 WHERE seq = 1", 1),
        ("DELETE FROM event WHERE seq = 4", 5),
        ("UPDATE event SET mac = hash WHERE seq = 6", 6),
    ],
)
def test_verify_names_the_first_event_that_was_tampered_with(desk: Desk, sql: str, broken: int) -> None:
    write(desk, 7)
    tamper(desk, sql)
    assert ledger.verify(desk.store, key_of(desk.home)).broken == broken


def test_a_chain_rewritten_without_the_key_does_not_verify(desk: Desk) -> None:
    write(desk, 3)
    assert ledger.verify(desk.store, b"another key").broken == 1


def test_the_store_itself_refuses_to_change_or_delete_an_event(desk: Desk) -> None:
    write(desk, 1)
    for sql in ("UPDATE event SET actor = 'eve'", "DELETE FROM event", "REPLACE INTO event SELECT * FROM event"):
        with pytest.raises(driver.IntegrityError), desk.write() as tx:
            tx.execute(sql)
    assert ledger.verify(desk.store, key_of(desk.home)).ok


def test_the_same_story_gives_the_same_hashes(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    from core.home import Home

    other = Desk.open(Home(tmp_path_factory.mktemp("other")), actor="ana", clock=desk.clock)
    write(desk, 4)
    write(other, 4)
    assert ledger.timeline(desk.store)[-1].hash == ledger.timeline(other.store)[-1].hash


def test_a_state_and_its_event_are_written_together_or_not_at_all(desk: Desk) -> None:
    with pytest.raises(RuntimeError), desk.write() as tx:
        tx.execute("INSERT INTO heartbeat(name, at_us, pid) VALUES ('x', 1, 1)")
        desk.record(tx, "slo.saved")
        raise RuntimeError("power cut")
    assert desk.store.read("SELECT * FROM heartbeat") == []
    assert ledger.timeline(desk.store) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=30), number=st.integers(-(2**53), 2**53))
def test_any_text_and_number_survive_the_round_trip(desk: Desk, text: str, number: int) -> None:
    text = text.encode("utf-8", "ignore").decode()
    with desk.write() as tx:
        seq = desk.record(tx, "incident.noted", data={"text": text, "number": number})
    event = next(event for event in ledger.timeline(desk.store) if event.seq == seq)
    assert event.data == {"text": text, "number": number}
    assert ledger.verify(desk.store, key_of(desk.home)).ok


def test_a_timeline_filters_by_kind_prefix_time_and_model(desk: Desk) -> None:
    with desk.write() as tx:
        for kind, model, at in (("deploy.applied", "a", 10), ("deploy.failed", "b", 20), ("slo.saved", "a", 30)):
            desk.record(tx, kind, model=model, at_us=at)
    assert [e.at_us for e in ledger.timeline(desk.store, kinds=["deploy."])] == [10, 20]
    assert [e.at_us for e in ledger.timeline(desk.store, model="a", since_us=10, until_us=30)] == [10]
