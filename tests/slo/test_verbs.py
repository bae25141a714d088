from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from core import ledger
from core.clock import DAY, HOUR, MINUTE, SimClock
from core.counts import histogram
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.slo import verbs
from core.slo.findings import Finding
from core.slo.rows import Slo
from core.slo.status import State

Count = Callable[..., None]


def save(desk: Desk, **given: Any) -> Slo:
    basic: dict[str, Any] = {"name": "up", "model": "flights", "endpoint": "gate", "measure": "availability"}
    return verbs.save(desk, verbs.draft(desk, **{**basic, "target": "99.9%", "window": "30d", **given})).slo


def finding(desk: Desk, condition: str) -> Finding:
    return next(one for one in verbs.evaluate(desk).findings if one.condition == condition)


def test_an_objective_is_saved_with_its_event_and_read_back_as_it_was(served: Desk) -> None:
    slo = save(served, window="month", calendar="Europe/Berlin", critical=True)
    assert verbs.slos(served.store) == [slo]
    assert verbs.slo(served.store, "up") == slo
    event = ledger.timeline(served.store, kinds=["slo.saved"])[0]
    assert (event.model, event.endpoint, event.data["target"]) == ("flights", "gate", "0.999")
    assert (slo.target, slo.window.text) == (Fraction(999, 1000), "month Europe/Berlin")


def test_a_clamped_factor_is_told_when_the_objective_is_saved_and_stands_in_the_ledger(served: Desk) -> None:
    saved = verbs.save(served, verbs.draft(served, "ok", "flights", "gate", "availability", "90%", "30d"))
    assert "lowered from 14.4 to 8" in saved.told[0]
    assert ledger.timeline(served.store, kinds=["slo.saved"])[0].data["clamped"] == list(saved.told)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"target": "1"}, "no error budget"),
        ({"target": "0"}, "not between 0 and 1"),
        ({"target": "often"}, "not a target"),
        ({"window": "5m"}, "cannot hold a budget"),
        ({"window": "later"}, "not a span"),
        ({"calendar": "UTC"}, "no calendar period"),
        ({"window": "month", "calendar": "Nowhere"}, "IANA"),
        ({"measure": "mood"}, "no measure"),
        ({"measure": "latency"}, "threshold"),
        ({"measure": "latency", "threshold_ms": -3.0}, "threshold"),
        ({"measure": "quality"}, "least AUC"),
        ({"measure": "quality", "at_least": 1.5}, "least AUC"),
        ({"measure": "quality", "at_least": 0.6, "trailing": "1m"}, "judged over"),
        ({"measure": "quality", "at_least": 0.6, "min_labels": 1}, "two labels"),
        ({"threshold_ms": 300.0}, "means nothing"),
        ({"at_least": 0.5}, "means nothing"),
        ({"name": ""}, "no name"),
        ({"name": "a\nb"}, "no name"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_saved(served: Desk, given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        save(served, **given)
    assert error.value.hint
    assert verbs.slos(served.store) == []
    assert ledger.timeline(served.store) == []


@pytest.mark.parametrize("given", [{"model": "trains"}, {"endpoint": "door"}])
def test_an_unknown_model_or_endpoint_is_not_found(served: Desk, given: dict[str, str]) -> None:
    with pytest.raises(NotFound, match=r"trains|door") as error:
        save(served, **given)
    assert "list" in error.value.hint


def test_a_name_is_given_once(served: Desk) -> None:
    save(served)
    with pytest.raises(BadInput, match="already"):
        save(served)


def test_a_retired_objective_is_watched_no_more(served: Desk) -> None:
    save(served)
    verbs.retire(served, "up")
    assert verbs.slos(served.store) == []
    assert verbs.evaluate(served).findings == ()
    with pytest.raises(BadInput, match="retired already"):
        verbs.retire(served, "up")
    with pytest.raises(NotFound):
        verbs.slo(served.store, "down")


def test_failed_requests_burn_the_budget_of_all_versions_together(served: Desk, count: Count, clock: SimClock) -> None:
    slo, start = save(served), clock.now_us()
    count(start, 60, [100, 1, 7, 0], version=1)
    count(start, 60, [100, 3, 0, 0], version=2)
    clock.advance(HOUR)
    status = verbs.status(served, slo)
    assert (status.good, status.total, status.burn) == (11_760, 12_000, 20)
    assert (status.state, status.provisional) == (State.BURNING, True)
    assert status.text == "burn 20, budget gone in 1d 11h (provisional)"
    found = finding(served, "burn")
    assert (found.said, found.severity, found.rule) == ("firing", "page", "1 h / 5 min x14.4")
    assert found.summary == "up: 240 of 12000 requests failed in 1h; burn 20, budget gone in 1d 11h"
    assert (found.family, found.version) == ("availability", 1)


def test_slow_requests_burn_a_latency_budget(served: Desk, count: Count, clock: SimClock) -> None:
    slo, vec = save(served, measure="latency", target="95%", threshold_ms=300.0), [0] * histogram.BINS
    vec[histogram.latency_bin(20_000)], vec[histogram.latency_bin(400_000)] = 80, 20
    count(clock.now_us(), 10, vec, kind="latency")
    clock.advance(10 * MINUTE)
    status = verbs.status(served, slo)
    assert (status.good, status.total, status.burn) == (800, 1000, 4)
    assert slo.bad_events == "requests over 300 ms"


def test_missing_features_are_a_measure_of_their_own(served: Desk, count: Count, clock: SimClock) -> None:
    slo = save(served, measure="missing", target="99%")
    count(clock.now_us(), 10, [100, 50, 0, 2])
    clock.advance(10 * MINUTE)
    assert verbs.status(served, slo).burn == 2


def test_every_rule_window_reads_exactly_its_own_counts(served: Desk, count: Count, clock: SimClock) -> None:
    slo, start = save(served), clock.now_us()
    clock.advance(31 * DAY + 7 * HOUR + 13 * MINUTE)
    now = clock.now_us()
    minutes = [now - MINUTE, now - 6 * MINUTE, now - 61 * MINUTE, now - 25 * HOUR, now - 10 * DAY, start]
    for number, minute in enumerate(minutes):
        count(minute, 1, [10 ** (number + 1), 0, 0, 0])
    by_rule = {v.rule.long_us: v.long.total for v in verbs.status(served, slo).rules}
    assert by_rule[HOUR] == 110
    assert by_rule[6 * HOUR] == 1110
    assert by_rule[DAY] == 1110
    assert by_rule[3 * DAY] == 11_110
    assert by_rule[15 * DAY] == 111_110
    short = {v.rule.short_us: v.short.total for v in verbs.status(served, slo).rules}
    assert (short[5 * MINUTE], short[30 * MINUTE]) == (10, 110)
    assert verbs.status(served, slo).total == 111_110


def test_counts_that_came_late_are_seen_although_they_are_remembered(
    served: Desk, count: Count, clock: SimClock
) -> None:
    slo, start = save(served), clock.now_us()
    count(start, 1, [10, 0, 0, 0])
    clock.advance(2 * DAY)
    assert verbs.status(served, slo).total == 10
    count(start, 1, [10, 5, 0, 0])
    assert (verbs.status(served, slo).total, verbs.status(served, slo).good) == (20, 15)


def test_an_endpoint_that_answers_but_serves_nobody_has_no_traffic(served: Desk) -> None:
    slo = save(served)
    status = verbs.status(served, slo)
    assert (status.state, status.burn, status.left) == (State.NO_TRAFFIC, None, 1)
    assert status.text == "no traffic, budget unchanged"
    assert {one.said for one in verbs.evaluate(served).findings} == {"clear"}


def test_an_endpoint_that_is_not_heard_has_no_data_and_an_alert_of_its_own(
    served: Desk, count: Count, clock: SimClock
) -> None:
    slo = save(served)
    count(clock.now_us(), 30, [100, 50, 0, 0])
    clock.advance(30 * MINUTE + 14 * MINUTE)
    assert finding(served, "no data").said == "clear"
    clock.advance(2 * HOUR)
    status = verbs.status(served, slo)
    assert (status.state, status.total) == (State.NO_DATA, 3000)
    assert status.text.startswith("not heard for 2h14; ")
    found = finding(served, "no data")
    assert (found.said, found.severity, found.family) == ("firing", "page", "availability")
    assert "gate has not been heard for 2h14" in found.summary


def test_silence_does_not_clear_a_burning_budget(served: Desk, count: Count, clock: SimClock) -> None:
    save(served)
    count(clock.now_us(), 60, [100, 50, 0, 0])
    clock.advance(HOUR)
    assert finding(served, "burn").said == "firing"
    clock.advance(9 * HOUR)
    assert finding(served, "burn").said == "unknown"


def test_no_traffic_at_an_endpoint_that_answers_clears_it(served: Desk, count: Count, clock: SimClock) -> None:
    save(served)
    count(clock.now_us(), 60, [100, 50, 0, 0])
    clock.advance(10 * HOUR)
    with served.write() as tx:
        tx.execute("UPDATE endpoint SET seen_us = ?", (clock.now_us(),))
    assert finding(served, "burn").said == "clear"


def test_a_paused_endpoint_is_not_expected_to_be_heard(served: Desk, clock: SimClock) -> None:
    save(served)
    with served.write() as tx:
        tx.execute("UPDATE endpoint SET state = 'paused'")
    clock.advance(DAY)
    assert finding(served, "no data").said == "clear"


def test_contradicting_counts_are_told_left_out_and_hide_nothing(served: Desk, count: Count, clock: SimClock) -> None:
    slo, start = save(served), clock.now_us()
    count(start, 60, [100, 50, 0, 0])
    count(start + 30 * MINUTE, 1, [0, 200, 0, 0])
    clock.advance(HOUR + MINUTE)
    status = verbs.status(served, slo)
    assert status.state is State.BAD_DATA
    assert "contradict" in status.text
    found = finding(served, "integrity")
    assert (found.said, found.severity, found.family) == ("firing", "ticket", "data")
    assert finding(served, "burn").said == "firing"


def test_a_calendar_budget_begins_anew_at_local_midnight(served: Desk, count: Count, clock: SimClock) -> None:
    slo = save(served, window="month", calendar="America/New_York")
    count(clock.now_us(), 60, [100, 50, 0, 0])
    clock.advance(3 * HOUR + 59 * MINUTE)
    assert verbs.status(served, slo).total == 6000
    clock.advance(2 * MINUTE)
    assert verbs.status(served, slo).total == 0


def test_a_breached_critical_objective_pages(served: Desk, count: Count, clock: SimClock) -> None:
    slo = save(served, critical=True)
    count(clock.now_us(), 60, [100, 0, 0, 0])
    clock.advance(30 * DAY)
    count(clock.now_us() - HOUR, 60, [100, 20, 0, 0])
    status = verbs.status(served, slo)
    assert status.state is State.BREACHED
    found = finding(served, "breach")
    assert (found.said, found.severity, found.rule) == ("firing", "page", "critical objective breached")


def test_evaluating_writes_nothing_for_objectives_on_requests(served: Desk, count: Count, clock: SimClock) -> None:
    save(served)
    count(clock.now_us(), 60, [100, 50, 0, 0])
    clock.advance(HOUR)
    before = served.store.data_version(), len(ledger.timeline(served.store))
    assert verbs.evaluate(served).slices == 0
    assert (served.store.data_version(), len(ledger.timeline(served.store))) == before
