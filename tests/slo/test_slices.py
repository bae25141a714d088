from __future__ import annotations

from collections.abc import Callable

import pytest

from core.clock import DAY, HOUR, MINUTE, SimClock
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.slo import rows, verbs
from core.slo.findings import Finding
from core.slo.rows import Slo
from core.slo.slices import AT_ONCE
from core.slo.status import State

Labels = Callable[..., None]


@pytest.fixture
def slo(served: Desk) -> Slo:
    return verbs.save(served, verbs.draft(served, "auc", "flights", "gate", "quality", "80%", "30d", at_least=0.55)).slo


@pytest.fixture
def labels(served: Desk) -> Labels:
    """Adds `n` positives and `n` negatives to one minute; good ones are ranked perfectly, bad ones not at all."""

    def _labels(at_us: int, n: int, *, good: bool, version: int = 1) -> None:
        low, high = [0] * 256, [0] * 256
        low[50], high[200] = n, n
        with served.write() as tx:
            series.add(tx, SeriesKey("score.neg", "flights", version, "gate"), at_us, low)
            series.add(tx, SeriesKey("score.pos", "flights", version, "gate"), at_us, high if good else low)
            tx.execute("UPDATE endpoint SET seen_us = ?", (at_us,))

    return _labels


def deploy(desk: Desk, version: int, kind: str = "deploy") -> None:
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO deployment(endpoint, model, version, kind, state, requested_us, applied_us) "
            "VALUES ('gate', 'flights', ?, ?, 'applied', 0, ?)",
            (version, kind, desk.now_us()),
        )


def run(desk: Desk, clock: SimClock, labels: Labels, hours: int, *, good: bool, version: int = 1) -> list[Finding]:
    """Lets hours pass with 40 labels in each; returns what the burn condition said after each."""
    said = []
    for _ in range(hours):
        labels(clock.now_us(), 20, good=good, version=version)
        clock.advance(HOUR)
        said.append(next(one for one in verbs.evaluate(desk).findings if one.condition == "burn"))
    return said


def judged(desk: Desk, slo: Slo) -> list[bool | None]:
    return [one.good for one in rows.slices(desk.store, slo.id, 0, desk.now_us())]


def test_an_hour_is_judged_once_it_has_finished_and_labels_enough_are_in(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    run(served, clock, labels, 7, good=True)
    assert judged(served, slo) == [None] * 4 + [True] * 3
    last = rows.slices(served.store, slo.id, 0, clock.now_us())[-1]
    assert (last.value, last.n) == (1.0, 280)
    status = verbs.status(served, slo)
    assert (status.good, status.total, status.state) == (3, 3, State.OK)


def test_an_hour_is_judged_once_and_late_labels_belong_to_later_hours(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    run(served, clock, labels, 7, good=True)
    before = rows.slices(served.store, slo.id, 0, clock.now_us())
    labels(clock.now_us() - 3 * HOUR, 5000, good=False)
    assert verbs.evaluate(served).slices == 0
    assert rows.slices(served.store, slo.id, 0, clock.now_us()) == before
    run(served, clock, labels, 1, good=True)
    assert judged(served, slo)[-1] is False


def test_a_new_version_is_judged_by_its_own_labels_alone(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    run(served, clock, labels, 48, good=True)
    deploy(served, 2)
    run(served, clock, labels, 6, good=False, version=2)
    assert judged(served, slo)[-6:] == [None] * 4 + [False] * 2
    assert rows.slices(served.store, slo.id, 0, clock.now_us())[-1].n == 240


def test_a_bad_deploy_pages_within_a_day_and_a_rollback_clears_it_only_by_proof(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    assert {one.said for one in run(served, clock, labels, 72, good=True)} <= {"clear", "unknown"}
    deploy(served, 2)
    said = run(served, clock, labels, 24, good=False, version=2)
    pages = [hour for hour, one in enumerate(said, start=1) if one.severity == "page"]
    assert said[3].said == "unknown"
    assert 5 <= pages[0] <= 20
    assert "hours with AUC under 0.55" in said[-1].summary
    assert "budget gone in" in said[-1].summary
    deploy(served, 1, "rollback")
    after = run(served, clock, labels, 12, good=True)
    said_after = [one.said for one in after]
    assert 4 <= said_after.index("clear") <= 8
    assert set(said_after[said_after.index("clear") :]) == {"clear"}


def test_one_bad_hour_is_a_ticket_and_never_a_page(served: Desk, slo: Slo, clock: SimClock, labels: Labels) -> None:
    run(served, clock, labels, 48, good=True)
    labels(clock.now_us() - MINUTE, 50_000, good=False)
    found = run(served, clock, labels, 1, good=True)[0]
    assert (found.said, found.severity) == ("firing", "ticket")
    assert "few events" in found.summary


def test_hours_missed_while_nothing_ran_are_made_up_for_by_what_was_served_then(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    start = clock.now_us()
    labels(start, 200, good=True)
    clock.advance(24 * HOUR)
    deploy(served, 2)
    labels(clock.now_us(), 200, good=False, version=2)
    clock.advance(24 * HOUR)
    assert verbs.evaluate(served).slices == 48
    assert judged(served, slo) == [True] * 24 + [False] * 24
    clock.advance(10 * DAY)
    assert verbs.evaluate(served).slices == AT_ONCE
    assert verbs.evaluate(served).slices == AT_ONCE


def test_an_endpoint_that_serves_nothing_is_not_judged(desk: Desk, served: Desk, slo: Slo, clock: SimClock) -> None:
    with served.write() as tx:
        tx.execute("DELETE FROM deployment")
    clock.advance(HOUR)
    assert verbs.evaluate(served).slices == 1
    assert judged(served, slo) == [None]
    assert verbs.status(served, slo).state is State.NO_DATA


def test_labels_that_stop_coming_are_a_ticket_once_the_trailing_window_has_passed(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    run(served, clock, labels, 10, good=True)
    for _ in range(9 * 24):
        clock.advance(HOUR)
        with served.write() as tx:
            tx.execute("UPDATE endpoint SET seen_us = ?", (clock.now_us(),))
        found = next(one for one in verbs.evaluate(served).findings if one.condition == "no data")
        if found.said == "firing":
            break
    assert (found.rule, found.severity, found.family) == ("no labels", "ticket", "labels")
    assert "too few labels" in found.summary


def test_a_version_applied_again_keeps_its_evidence_and_a_rollback_begins_anew(served: Desk, clock: SimClock) -> None:
    first = rows.serving(served.store, "gate", "flights", clock.now_us())
    clock.advance(HOUR)
    deploy(served, 1)
    assert rows.serving(served.store, "gate", "flights", clock.now_us()) == first
    deploy(served, 2)
    clock.advance(HOUR)
    deploy(served, 1, "rollback")
    again = rows.serving(served.store, "gate", "flights", clock.now_us())
    assert again == rows.Serving(1, clock.now_us())
    assert rows.serving(served.store, "door", "flights", clock.now_us()) is None


def test_after_a_rollback_new_labels_are_awaited_and_then_the_versions_earlier_ones_count_as_well(
    served: Desk, slo: Slo, clock: SimClock, labels: Labels
) -> None:
    run(served, clock, labels, 12, good=True)
    deploy(served, 2)
    run(served, clock, labels, 6, good=False, version=2)
    deploy(served, 1, "rollback")
    before = len(judged(served, slo))
    run(served, clock, labels, 6, good=False)
    after = judged(served, slo)[before:]
    assert after == [None] * 4 + [True] * 2
    last = rows.slices(served.store, slo.id, 0, clock.now_us())[-1]
    assert last.n == 240
    assert last.value is not None
    assert 0.55 < last.value < 1
