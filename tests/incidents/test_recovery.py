from __future__ import annotations

import pytest

from core.clock import HOUR, MINUTE
from core.errors import NotFound
from core.incidents.recovery import check
from core.incidents.rows import incident
from tests.incidents.story import BAD, PAGED, START, Story, flights


def test_a_bad_version_has_not_recovered_and_says_its_quality(story: Story) -> None:
    number = story.bad_deploy()
    told = check(story.desk, incident(story.desk.store, number))
    assert not told.recovered
    assert "v2 since the last switch: AUC 0.5" in told.lines[0]
    assert told.facts["n"] == 600


def test_after_the_rollback_only_predictions_since_then_count_and_too_few_labels_are_not_yet(story: Story) -> None:
    number = story.bad_deploy()
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    story.clock.set(PAGED + 3 * HOUR)
    told = check(story.desk, incident(story.desk.store, number))
    assert (told.recovered, told.lines[0]) == (False, "v1: 0 of 200 labels that are needed, of 0 predictions")
    story.judged(1, 400, 0.9, PAGED + 2 * HOUR)
    told = check(story.desk, incident(story.desk.store, number))
    assert told.recovered
    assert float(told.facts["auc"]) > 0.7
    assert not check(story.desk, incident(story.desk.store, number), hold_us=6 * HOUR).recovered


def test_availability_has_recovered_once_the_target_held_long_enough_with_traffic(story: Story) -> None:
    story.version(flights(1000, 1))
    story.applied(1, START)
    slo = story.slo("availability", target="0.99")
    story.requests(1, BAD, 100, 50)
    story.clock.set(BAD + MINUTE)
    (number,) = story.attach(story.alert(slo, "availability"))
    found = incident(story.desk.store, number)
    assert not check(story.desk, found).recovered
    story.clock.set(BAD + 40 * MINUTE)
    told = check(story.desk, found)
    assert (told.recovered, told.lines) == (False, ("nothing was counted in the last 30m",))
    for minute in range(10, 40):
        story.requests(1, BAD + minute * MINUTE, 100, 1)
    told = check(story.desk, found)
    assert told.recovered
    assert told.lines == ("availability goal: 2,970 of 3,000 good in the last 30m, target 0.99",)


def test_an_incident_whose_alerts_speak_of_no_objective_asks_for_one(story: Story) -> None:
    (number,) = story.attach(story.alert(None, "availability"))
    with pytest.raises(NotFound) as missing:
        check(story.desk, incident(story.desk.store, number))
    assert "--slo" in missing.value.hint
