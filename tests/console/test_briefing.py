from __future__ import annotations

from collections.abc import Callable

import pytest

from console.pages.chrome import status_line
from console.pages.jobs import row_line
from console.view import text_of
from core.beacon.server import reply
from core.briefing import incidents, jobs, ledger, models
from core.briefing.header import header
from core.briefing.incident import incident
from core.briefing.now import now
from core.briefing.tell import tell
from core.briefing.trends import latency, quality
from core.clock import HOUR, MINUTE, SECOND, SharedClock, SimClock
from core.desk import Desk
from core.doctor import CHECKS
from core.errors import NotFound
from core.ledger import timeline


def test_an_open_incident_leads_with_suspects_rollback_and_runbook(night: Desk) -> None:
    lead = now(night).lead
    assert lead is not None
    assert (lead.incident.id, lead.incident.model, lead.incident.version) == (1, "flight-delay", 2)
    assert [suspect.kind for suspect in lead.suspects] == ["deploy", "drift"]
    assert lead.rollback is not None
    assert (lead.rollback.active, lead.rollback.to) == (2, 1)
    assert lead.runbook_steps > 0
    assert lead.budgets[0].slo == "useful predictions"


def test_what_is_most_urgent_leads(night: Desk, add_incident: Callable[..., None]) -> None:
    from core.incidents import states

    add_incident(night, 2, model="flight-delay", severity=2)
    assert now(night).lead.incident.id == 1  # type: ignore[union-attr]
    add_incident(night, 3, model="flight-delay", severity=1)
    states.ack(night, 1)
    found = now(night)
    assert found.lead.incident.id == 3  # type: ignore[union-attr]
    assert {one.id for one in found.others} == {1, 2}


def test_a_quiet_home_hands_over(quiet: Desk) -> None:
    found = now(quiet)
    assert found.lead is None
    assert found.handover is not None
    assert [one.kind for one in found.handover.changes] == ["deploy.applied"]
    assert found.handover.next_jobs[0][0] == "nightly drift"


def test_an_empty_home_has_a_first_screen(desk: Desk) -> None:
    found = now(desk)
    assert found.lead is None
    assert found.header.daemon == "none"
    assert found.header.data_age_us is None


@pytest.mark.parametrize("seconds", [89, 91])
def test_everybody_takes_a_daemon_for_silent_after_the_same_time(night: Desk, clock: SimClock, seconds: int) -> None:
    clock.advance((seconds - 3) * SECOND)
    silent = seconds > 90
    assert (header(night).daemon == "dead") is silent
    assert (CHECKS["daemon"](night)[0][0] == "wrong") is silent
    assert (reply(night, "/healthz")[0] == 503) is silent
    SharedClock.create(night.home.clock_path, clock.now_us())
    assert header(night).daemon == "ok"
    assert CHECKS["daemon"](night)[0][0] == "ok"
    assert reply(night, "/healthz")[0] == 200


@pytest.mark.parametrize("width", [80, 120])
def test_the_status_line_tells_of_a_standby(night: Desk, clock: SimClock, width: int) -> None:
    def said() -> str:
        return text_of(status_line(header(night), width))

    with night.write() as tx:
        tx.execute("INSERT INTO heartbeat(name, at_us, pid) VALUES ('standby', ?, 2)", (night.now_us() + 120 * SECOND,))
    clock.advance(5 * MINUTE)
    assert "daemon DEAD 5m" in said()
    assert "standby" not in said()
    with night.write() as tx:
        tx.execute("UPDATE heartbeat SET at_us = ? WHERE name = 'standby'", (night.now_us(),))
    assert ("daemon DEAD 5m, a standby waits" if width == 120 else "daemon DEAD 5m + standby") in said()
    with night.write() as tx:
        tx.execute("UPDATE heartbeat SET at_us = ?", (night.now_us(),))
    if width == 120:
        assert "daemon OK 0s + standby" in said()


def test_the_list_of_jobs_says_why_each_one_waits(night: Desk, clock: SimClock) -> None:
    def waits() -> list[str]:
        return [row.waits.short for row in jobs.window(night, 0, 9) if row.state == "planned"]

    assert waits() == ["job 2 runs"]
    with night.write() as tx:
        tx.execute("UPDATE run SET state = 'succeeded' WHERE id = 2")
    assert waits() == [""]
    clock.advance(5 * MINUTE)
    assert waits() == ["no daemon"]
    with night.write() as tx:
        tx.execute("INSERT INTO heartbeat(name, at_us, pid) VALUES ('standby', ?, 2)", (night.now_us(),))
    assert waits() == ["standby"]
    with night.write() as tx:
        tx.execute("UPDATE run SET next_us = ? WHERE id = 3", (night.now_us() + HOUR,))
    assert waits() == ["retry 04:09"]
    with night.write() as tx:
        tx.execute("INSERT INTO need(run, needs) VALUES (3, 1)")
    assert waits() == ["after job 1"]
    row = jobs.window(night, 0, 1)[0]
    assert "after job 1" in text_of(row_line(row, night.now_us(), 80))
    assert "needs job 1, which is failed" in text_of(row_line(row, night.now_us(), 120))


def test_a_daemon_without_heartbeats_is_dead(night: Desk, clock: SimClock) -> None:
    assert header(night).daemon == "ok"
    clock.advance(2 * MINUTE)
    assert header(night).daemon == "dead"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("error = 'connection refused'", "failing"),
        ("state = 'paused'", "paused"),
        ("seen_us = NULL", "unseen"),
        ("seen_us = seen_us", "ok"),
    ],
)
def test_the_endpoint_that_needs_attention_is_named(night: Desk, change: str, state: str) -> None:
    with night.write() as tx:
        tx.execute(f"UPDATE endpoint SET {change}")
        tx.execute(
            "INSERT INTO endpoint SELECT 'z', adapter, url, token_ref, 'active', added_us, added_us + 1, NULL, "
            "skew_us, boot, cursor, breaker_failures, breaker_until_us FROM endpoint"
        )
    worst = header(night).worst
    assert worst is not None
    assert (worst.name, worst.state) == (("local", state) if state in ("failing", "unseen") else ("z", "ok"))


def test_a_queued_change_is_told_apart_from_an_applied_one(night: Desk, clock: SimClock) -> None:
    from core.endpoints import deploy

    deploy.rollback(night, "local", "flight-delay", reason="INC-1", incident=1)
    assert header(night).waiting == 1
    assert not header(night).asks_again
    assert incident(night, 1).incident.queued == "rollback to v1"
    clock.advance(16 * MINUTE)
    assert header(night).asks_again


def test_trends_come_from_counts_of_all_versions(night: Desk) -> None:
    measured = latency(night, "flight-delay", "local")
    assert len(measured.steps) == 24
    assert measured.steps == tuple(sorted(measured.steps))
    assert 17 < measured.last < 20  # type: ignore[operator]
    assert quality(night, "flight-delay", "local").last == pytest.approx(0.488)


def test_a_timeline_is_in_the_order_things_happened(night: Desk) -> None:
    moments = incident(night, 1).moments
    assert [one.at_us for one in moments] == sorted(one.at_us for one in moments)
    assert moments[0].text == "deploy flight-delay v1→v2 on local: retrained"


def test_what_does_not_exist_is_not_found(desk: Desk) -> None:
    for ask in (lambda: incident(desk, 7), lambda: jobs.job(desk, 7), lambda: models.model(desk, "nope")):
        with pytest.raises(NotFound):
            ask()


def test_windows_and_positions_agree(night: Desk, add_incident: Callable[..., None]) -> None:
    for number in (2, 3, 4):
        add_incident(night, number, model=f"m{number}", severity=2)
    with night.write() as tx:
        tx.execute("UPDATE incident SET state = 'closed' WHERE id = 3")
    listed = incidents.window(night, 0, 10)
    assert [row.id for row in listed] == [4, 2, 1, 3]
    assert [incidents.position(night, row.id) for row in listed] == [0, 1, 2, 3]
    runs = jobs.window(night, 0, 10, "fail")
    assert [jobs.position(night, row.id, "fail") for row in runs] == list(range(len(runs))) == [0]
    events = ledger.window(night, 1, 2)
    assert [ledger.position(night, row.seq) for row in events] == [1, 2]


def test_every_event_has_words_even_one_nobody_knows(night: Desk) -> None:
    with night.write() as tx:
        night.record(tx, "future.thing", model="m", version=3)
        night.record(tx, "job.failed", data={"job": 4, "kind": "train", "error": "one class"})
        night.record(tx, "drift.verdict", model="m", version=3, data={"verdict": "drifted_unaffected"})
    told = [tell(event) for event in timeline(night.store, limit=3)]
    assert told == ["future.thing m v3", "job 4 train failed: one class", "m v3 drifted unaffected"]


def test_after_the_mitigation_the_counts_say_whether_it_worked(night: Desk) -> None:
    from core.incidents import states

    assert incident(night, 1).proof is None
    with night.write() as tx:
        tx.execute("UPDATE alert SET slo = 1")
    states.move(night, 1, "mitigated", reason="rolled back")
    proof = incident(night, 1).proof
    assert proof is not None
    assert not proof.recovered
    assert proof.lines
    assert now(night).lead.proof == proof  # type: ignore[union-attr]
