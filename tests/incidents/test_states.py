from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ledger
from core.clock import HOUR, MINUTE
from core.errors import BadInput, CheckFailed, NotFound
from core.incidents import states
from core.incidents.attach import settle
from core.incidents.rows import alerts_of, incident, incidents
from core.incidents.states import TRANSITIONS
from core.incidents.times import Spread, spread, spreads, times
from tests.incidents.story import BAD, PAGED, Story


def test_two_pages_of_one_family_are_one_incident_and_a_ticket_joins_it(story: Story) -> None:
    number = story.bad_deploy()
    slo = story.slo("latency")
    assert story.attach(story.alert(slo, "quality", rule="6 h")) == []
    assert story.attach(story.alert(slo, "quality", rule="1 d", severity="ticket")) == []
    assert len(incidents(story.desk.store)) == 1
    assert len(alerts_of(story.desk.store, number)) == 3


def test_a_page_of_another_family_is_an_incident_of_its_own(story: Story) -> None:
    story.bad_deploy()
    assert len(story.attach(story.alert(None, "availability"))) == 1
    assert len(incidents(story.desk.store, open_only=True)) == 2


def test_a_ticket_alone_opens_nothing_until_it_escalates_to_a_page(story: Story) -> None:
    ticket = story.alert(None, "availability", severity="ticket")
    assert story.attach(ticket) == []
    with story.desk.write() as tx:
        tx.execute("UPDATE alert SET severity = 'page' WHERE id = ?", (ticket,))
    (number,) = story.attach(escalated=[ticket])
    assert [row["id"] for row in alerts_of(story.desk.store, number)] == [ticket]


def test_a_rollback_does_not_split_the_incident(story: Story) -> None:
    number = story.bad_deploy()
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    assert story.attach(story.alert(None, "quality", rule="6 h")) == []
    assert incident(story.desk.store, number).open


def test_an_applied_rollback_mitigates_at_its_own_time_then_quiet_monitors_and_resolves(story: Story) -> None:
    number = story.bad_deploy()
    assert settle(story.desk) == []
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    story.clock.set(PAGED + 2 * HOUR)
    assert settle(story.desk) == [number]
    found = incident(story.desk.store, number)
    assert (found.state, found.mitigated_us) == ("mitigated", PAGED + HOUR)
    story.clock.set(PAGED + 9 * HOUR)
    story.resolve(alerts_of(story.desk.store, number)[0]["id"])
    settle(story.desk)
    assert incident(story.desk.store, number).state == "monitoring"
    story.clock.set(PAGED + 9 * HOUR + 59 * MINUTE)
    assert settle(story.desk) == []
    story.clock.set(PAGED + 10 * HOUR)
    assert settle(story.desk) == [number]
    found = incident(story.desk.store, number)
    assert (found.state, found.resolved_us, found.mitigated_us) == ("resolved", PAGED + 10 * HOUR, PAGED + HOUR)


def test_a_budget_that_stays_spent_does_not_keep_a_mended_incident_open(story: Story) -> None:
    number = story.bad_deploy()
    story.attach(story.alert(None, "quality", rule="budget", condition="budget"))
    story.resolve(alerts_of(story.desk.store, number)[0]["id"])
    assert settle(story.desk) == [number]
    assert incident(story.desk.store, number).state == "monitoring"


def test_what_fires_again_while_monitored_is_active_again_and_an_old_rollback_does_not_mend_it(story: Story) -> None:
    number = story.bad_deploy()
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    story.clock.set(PAGED + 2 * HOUR)
    story.resolve(alerts_of(story.desk.store, number)[0]["id"])
    settle(story.desk)
    settle(story.desk)
    assert incident(story.desk.store, number).state == "monitoring"
    story.clock.set(PAGED + 2 * HOUR + 5 * MINUTE)
    assert story.attach(story.alert(None, "quality")) == []
    assert incident(story.desk.store, number).state == "active"
    assert settle(story.desk) == []
    assert incident(story.desk.store, number).mitigated_us is None


def test_an_acknowledgement_is_remembered_once_and_can_be_undone(story: Story) -> None:
    number = story.bad_deploy()
    found = states.ack(story.desk, number)
    assert (found.state, found.acked_by, found.acked_us) == ("active", "ana", PAGED)
    story.clock.advance(MINUTE)
    assert states.ack(story.desk, number) == found
    undone = states.unack(story.desk, number)
    assert (undone.state, undone.acked_by, undone.acked_us) == ("triage", None, None)
    kinds = [event.kind for event in ledger.timeline(story.desk.store, incident=number)]
    assert kinds.count("incident.acked") == kinds.count("incident.unacked") == 1
    with pytest.raises(CheckFailed):
        states.unack(story.desk, number)


def test_an_invalid_move_is_refused_with_the_valid_ones_and_changes_nothing(story: Story) -> None:
    number = story.bad_deploy()
    with pytest.raises(CheckFailed) as refused:
        states.move(story.desk, number, "closed")
    assert "mitigated" in refused.value.hint
    assert incident(story.desk.store, number).state == "triage"
    with pytest.raises(BadInput):
        states.move(story.desk, number, "asleep")
    with pytest.raises(NotFound):
        states.move(story.desk, 99, "active")


def test_a_merge_takes_the_alerts_along(story: Story) -> None:
    number = story.bad_deploy()
    (other,) = story.attach(story.alert(None, "availability"))
    states.move(story.desk, other, "merged", into=number)
    assert incident(story.desk.store, other).merged_into == number
    assert len(alerts_of(story.desk.store, number)) == 2
    with pytest.raises(BadInput):
        states.move(story.desk, number, "merged", into=number)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(set(TRANSITIONS) - {"merged"})), max_size=8))
def test_whatever_is_asked_only_valid_moves_happen_and_each_is_on_the_timeline(story: Story, wanted: list[str]) -> None:
    (number,) = story.attach(story.alert(None, f"family-{story.clock.now_us()}"))
    story.clock.advance(1)
    for to in wanted:
        before = incident(story.desk.store, number).state
        try:
            after = states.move(story.desk, number, to).state
        except CheckFailed:
            assert to not in TRANSITIONS[before]
        else:
            assert to in TRANSITIONS[before]
            assert after == to
    moves = [event.data for event in ledger.timeline(story.desk.store, kinds=("incident.moved",), incident=number)]
    assert all(left["to"] == right["from"] for left, right in pairwise(moves))


def test_the_impact_can_be_corrected_with_its_origin_but_not_to_after_the_detection(story: Story) -> None:
    number = story.bad_deploy()
    found = states.set_impact(story.desk, number, BAD + HOUR, "the first complaint")
    assert (found.impact_us, found.impact_origin) == (BAD + HOUR, "the first complaint")
    with pytest.raises(BadInput):
        states.set_impact(story.desk, number, PAGED + 1, "no")


def test_times_count_from_the_impact_and_are_absent_until_they_happen(story: Story) -> None:
    number = story.bad_deploy()
    found = incident(story.desk.store, number)
    assert times(found) == {"ttd": 18 * HOUR, "tta": None, "ttm": None, "ttr": None}
    story.clock.advance(6 * MINUTE)
    assert times(states.ack(story.desk, number))["tta"] == 6 * MINUTE
    assert spreads(incidents(story.desk.store))["ttd"] == Spread(18 * HOUR, 18 * HOUR, 1)


def test_a_spread_gives_median_nearest_rank_p90_and_n_of_what_is_known() -> None:
    assert spread([10, None, 30, 20]) == Spread(20, 30, 3)
    assert spread(list(range(1, 11))) == Spread(5, 9, 10)
    assert spread([None]) == Spread(None, None, 0)


def test_an_incident_is_not_reopened_beside_an_open_one_of_the_same_kind(story: Story) -> None:
    (first,) = story.attach(story.alert(None, "availability"))
    states.move(story.desk, first, "resolved")
    (second,) = story.attach(story.alert(None, "availability", rule="6 h"))
    with pytest.raises(CheckFailed) as refused:
        states.move(story.desk, first, "active")
    assert refused.value.hint == f"go on with INC-{second}"
    states.move(story.desk, second, "cancelled")
    assert states.move(story.desk, first, "active").resolved_us is None
