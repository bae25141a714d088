from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ledger
from core.alerts import fold, rows
from core.alerts.fold import Changes
from core.clock import HOUR, MINUTE, SimClock
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.errors import NotFound
from core.home import Home
from core.ledger.chain import key_of
from core.slo import verbs
from core.slo.findings import Finding, Findings
from core.slo.rules import ESCALATION

QUARTER = 15 * MINUTE


@pytest.fixture
def finding(served: Desk) -> Finding:
    slo = verbs.save(served, verbs.draft(served, "up", "flights", "gate", "availability", "99.9%", "30d")).slo
    data = {"burn": 15.0, "budget": "budget gone in 2d"}
    return Finding(
        slo.id,
        "up",
        "flights",
        "gate",
        3,
        "burn",
        "availability",
        "firing",
        QUARTER,
        severity="page",
        rule="1 h / 5 min x14.4",
        summary="up: burn 15, budget gone in 2d",
        data=data,
    )


def apply(desk: Desk, *findings: Finding) -> Changes:
    with desk.write() as tx:
        return fold.apply(desk, tx, Findings(desk.now_us(), (), findings, 0))


def kinds(desk: Desk) -> list[str]:
    return [event.kind for event in ledger.timeline(desk.store, kinds=["alert."])]


def test_a_finding_fires_once_and_repeats_without_an_event(served: Desk, finding: Finding, clock: SimClock) -> None:
    assert apply(served, finding) == Changes(fired=[1])
    clock.advance(MINUTE)
    assert apply(served, finding) == Changes()
    found = rows.alerts(served.store)[0]
    assert (found.repeats, found.seen_us - found.started_us, found.slo_name) == (2, MINUTE, "up")
    event = ledger.timeline(served.store, kinds=["alert."])[0]
    assert (event.kind, event.model, event.version, event.endpoint) == ("alert.fired", "flights", 3, "gate")
    assert event.data["burn"] == 15.0
    assert "budget gone in 2d" in event.data["summary"]
    assert kinds(served) == ["alert.fired"]


def test_a_worse_severity_is_the_same_alert_escalated(served: Desk, finding: Finding) -> None:
    ticket = replace(finding, severity="ticket", rule="3 d / 6 h x1")
    assert apply(served, ticket).fired == [1]
    assert apply(served, finding) == Changes(escalated=[1])
    found = rows.alert(served.store, 1)
    assert (found.severity, found.rule, found.repeats) == ("page", "1 h / 5 min x14.4", 2)
    assert ledger.timeline(served.store, kinds=["alert.escalated"])[0].data["from"] == "ticket"


def test_a_page_stays_a_page_until_it_resolves(served: Desk, finding: Finding) -> None:
    apply(served, finding)
    assert apply(served, replace(finding, severity="ticket", rule="3 d / 6 h x1")) == Changes()
    assert rows.alert(served.store, 1).severity == "page"


def test_half_a_budget_in_a_quarter_escalates_the_ticket_once(served: Desk, finding: Finding) -> None:
    half = replace(finding, condition="budget", severity="ticket", rule="50 % of budget in 50 % of window")
    quarter = replace(half, rule=ESCALATION, escalates=True)
    assert apply(served, half).fired == [1]
    assert apply(served, quarter).escalated == [1]
    assert [apply(served, one) for one in (half, quarter, quarter)] == [Changes()] * 3
    assert rows.alert(served.store, 1).severity == "ticket"
    assert kinds(served) == ["alert.fired", "alert.escalated"]


def test_an_alert_that_fires_as_an_escalation_is_not_escalated_again(served: Desk, finding: Finding) -> None:
    quarter = replace(finding, condition="budget", severity="ticket", rule=ESCALATION, escalates=True)
    assert apply(served, quarter).fired == [1]
    assert apply(served, quarter) == Changes()


def test_an_alert_resolves_only_after_its_condition_was_gone_for_a_while(
    served: Desk, finding: Finding, clock: SimClock
) -> None:
    apply(served, finding)
    gone = replace(finding, said="clear")
    clock.advance(HOUR)
    assert apply(served, gone) == Changes()
    clock.advance(QUARTER - 1)
    assert apply(served, gone) == Changes()
    clock.advance(1)
    assert apply(served, gone) == Changes(resolved=[1])
    found = rows.alert(served.store, 1)
    assert (found.state, found.resolved_us, found.firing) == ("resolved", clock.now_us(), False)
    assert rows.alerts(served.store) == []
    assert rows.alerts(served.store, firing_only=False) == [found]
    assert [event.kind for event in rows.history(served.store, 1)] == ["alert.fired", "alert.resolved"]


def test_a_flapping_condition_is_one_alert(served: Desk, finding: Finding, clock: SimClock) -> None:
    apply(served, finding)
    for _ in range(10):
        clock.advance(QUARTER - MINUTE)
        apply(served, replace(finding, said="clear"))
        clock.advance(MINUTE)
        apply(served, finding)
    assert kinds(served) == ["alert.fired"]


def test_unknown_neither_fires_nor_resolves(served: Desk, finding: Finding, clock: SimClock) -> None:
    unknown = replace(finding, said="unknown")
    assert apply(served, unknown) == Changes()
    apply(served, finding)
    clock.advance(24 * HOUR)
    assert apply(served, unknown) == Changes()
    assert rows.alert(served.store, 1).firing


def test_an_alert_fires_anew_after_it_has_resolved(served: Desk, finding: Finding, clock: SimClock) -> None:
    gone = replace(finding, said="clear", hold_us=0)
    apply(served, finding)
    apply(served, gone)
    assert apply(served, gone).resolved == [1]
    assert apply(served, finding).fired == [2]
    assert rows.alert(served.store, 1).fingerprint == rows.alert(served.store, 2).fingerprint


def test_the_alerts_of_a_retired_objective_resolve(served: Desk, finding: Finding) -> None:
    apply(served, finding)
    assert apply(served) == Changes()
    verbs.retire(served, "up")
    assert apply(served) == Changes(resolved=[1])
    assert ledger.timeline(served.store, kinds=["alert.resolved"])[0].data["reason"] == "objective retired"


def test_identity_is_where_and_what_and_never_how_badly(finding: Finding) -> None:
    same = [
        replace(finding, **change) for change in ({"severity": "ticket"}, {"version": 9}, {"summary": "x", "rule": "y"})
    ]
    other = [replace(finding, **{name: "x"}) for name in ("model", "endpoint", "slo", "condition")]
    assert len({fold.fingerprint("PROD", one) for one in [finding, *same]}) == 1
    assert len({fold.fingerprint("PROD", one) for one in [finding, *other]}) == 5
    assert fold.fingerprint("TEST", finding) != fold.fingerprint("PROD", finding)


def test_an_alert_that_does_not_exist_is_not_found(served: Desk) -> None:
    with pytest.raises(NotFound, match="no alert 7"):
        rows.alert(served.store, 7)


def test_alerts_of_an_incident_are_found_by_it(served: Desk, finding: Finding) -> None:
    apply(served, finding)
    with served.write() as tx:
        tx.execute("UPDATE alert SET incident = 5")
    assert [one.id for one in rows.of_incident(served.store, 5)] == [1]
    assert rows.of_incident(served.store, 6) == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_traffic_there_is_at_most_one_firing_alert_for_each_fingerprint(
    tmp_path_factory: Any, seed: int
) -> None:
    """Random traffic, outages, silence and contradictions: one alert a fingerprint, and a ledger that fits them."""
    random = Random(seed)
    clock = SimClock(1_364_774_400_000_000)
    desk = Desk.open(Home(tmp_path_factory.mktemp("home")).prepare(), actor="ana", clock=clock)
    _world(desk)
    for _ in range(60):
        _live(desk, random, clock)
        findings = verbs.evaluate(desk)
        with desk.write() as tx:
            fold.apply(desk, tx, findings)
        firing = [alert.fingerprint for alert in rows.alerts(desk.store)]
        assert len(firing) == len(set(firing))
        named = {fold.fingerprint("PROD", one) for one in findings.findings if one.said == "firing"}
        assert named <= set(firing)
    _ledger_fits(desk)
    desk.store.close()


def _world(desk: Desk) -> None:
    with desk.write() as tx:
        tx.execute("INSERT INTO model(name, task, label, created_us) VALUES ('m', 'binary', 'y', 0)")
        tx.execute("INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES ('e', 'embedded', '', '', 0)")
    verbs.save(desk, verbs.draft(desk, "a", "m", "e", "availability", "99%", "1d"))
    verbs.save(
        desk, verbs.draft(desk, "b", "m", "e", "missing", "95%", "week", calendar="Europe/Berlin", critical=True)
    )


def _live(desk: Desk, random: Random, clock: SimClock) -> None:
    """Some minutes of traffic at some rate of errors; or silence; or nobody; or counts that cannot be."""
    start, mood = clock.now_us(), random.choice(["good", "good", "bad", "silent", "idle", "absurd"])
    clock.advance(random.choice([5, 30, 60, 300]) * MINUTE)
    if mood == "silent":
        return
    with desk.write() as tx:
        tx.execute("UPDATE endpoint SET seen_us = ?", (clock.now_us(),))
        if mood != "idle":
            total = random.randrange(1, 200)
            errors = {"good": 0, "bad": random.randrange(total + 1), "absurd": total + 1}[mood]
            series.add(tx, SeriesKey("requests", "m", 1, "e"), start, [total, errors, 0, errors])


def _ledger_fits(desk: Desk) -> None:
    for alert in rows.alerts(desk.store, firing_only=False, limit=10_000):
        told = [event.kind for event in rows.history(desk.store, alert.id)]
        assert told[0] == "alert.fired"
        assert (told[-1] == "alert.resolved") == (not alert.firing)
        assert told.count("alert.fired") == 1
    assert ledger.verify(desk.store, key_of(desk.home)).ok
