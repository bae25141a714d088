from __future__ import annotations

from core.clock import DAY, HOUR, MINUTE
from core.incidents.investigate import investigate
from core.incidents.rows import incident
from tests.incidents.story import BAD, START, Story, flights


def _served_by_one_version(story: Story, *, until_day: int = 13) -> None:
    story.version(flights(4000, 1))
    story.applied(1, START)
    for day in range(6, until_day):
        story.asked(1, flights(120, 10 + day), START + day * DAY, DAY)


def test_inputs_that_changed_without_a_deploy_are_of_class_data(story: Story) -> None:
    _served_by_one_version(story)
    slo = story.slo("quality", at_least=0.55)
    story.asked(1, flights(200, 90, shift=1500), BAD, 12 * HOUR)
    story.slices(slo, BAD - 2 * HOUR, [1, 1, 0, 0, 0, 0])
    story.clock.set(BAD + 12 * HOUR)
    (number,) = story.attach(story.alert(slo, "quality"))
    told = investigate(story.desk, number)
    assert told.finding.name == "data"
    assert told.suspects[0].title == "inputs changed: distance"
    assert "live inputs DIFFER before and after" in told.suspects[0].evidence[0]
    assert not told.help.offered


def test_one_bad_hour_is_enough_to_look_at_a_days_inputs(story: Story) -> None:
    _served_by_one_version(story)
    slo = story.slo("quality", at_least=0.55)
    story.asked(1, flights(200, 90, shift=1500), BAD, 24 * HOUR)
    story.slices(slo, BAD + 22 * HOUR, [1, 0])
    story.clock.set(BAD + 24 * HOUR)
    (number,) = story.attach(story.alert(slo, "quality"))
    assert incident(story.desk.store, number).impact_us == BAD + 23 * HOUR
    assert investigate(story.desk, number).finding.name == "data"


def test_quality_that_fell_with_the_same_inputs_and_no_deploy_is_of_class_model(story: Story) -> None:
    _served_by_one_version(story)
    slo = story.slo("quality", at_least=0.55)
    story.asked(1, flights(200, 90), BAD, 12 * HOUR)
    story.slices(slo, BAD - 2 * HOUR, [1, 1, 0, 0, 0, 0])
    story.clock.set(BAD + 12 * HOUR)
    (number,) = story.attach(story.alert(slo, "quality"))
    told = investigate(story.desk, number)
    assert told.finding.name == "model"
    assert "without a deploy" in told.finding.lines[0]
    assert told.suspects == []


def test_availability_that_fell_without_a_deploy_is_of_class_infrastructure(story: Story) -> None:
    _served_by_one_version(story)
    slo = story.slo("availability", target="0.99")
    for minute in range(60):
        story.requests(1, BAD + minute * MINUTE, 100, 40 if minute >= 50 else 0)
    story.clock.set(BAD + 60 * MINUTE)
    (number,) = story.attach(story.alert(slo, "availability"))
    told = investigate(story.desk, number)
    found = incident(story.desk.store, number)
    assert found.impact_us == BAD + 50 * MINUTE
    assert "first minute of the breach" in found.impact_origin
    assert told.finding.name == "infrastructure"
    assert told.help.line == "a rollback would not help: the first suspect is no deploy"


def test_availability_that_fell_minutes_after_a_deploy_is_of_class_model(story: Story) -> None:
    _served_by_one_version(story)
    story.version(flights(4000, 3))
    story.applied(2, BAD, previous=1)
    slo = story.slo("availability", target="0.99")
    for minute in range(20):
        story.requests(2, BAD + minute * MINUTE, 100, 40 if minute >= 5 else 0)
    story.clock.set(BAD + 20 * MINUTE)
    (number,) = story.attach(story.alert(slo, "availability"))
    told = investigate(story.desk, number)
    assert told.finding.name == "model"
    assert told.finding.lines == ("availability fell 5m after v2 was deployed",)


def test_availability_that_fell_hours_after_a_deploy_is_of_class_infrastructure(story: Story) -> None:
    _served_by_one_version(story)
    story.version(flights(4000, 3))
    story.applied(2, BAD - 9 * HOUR, previous=1)
    slo = story.slo("availability", target="0.99")
    story.requests(2, BAD, 100, 40)
    story.clock.set(BAD + MINUTE)
    (number,) = story.attach(story.alert(slo, "availability"))
    assert investigate(story.desk, number).finding.lines == ("availability fell after v2 had served for 9h",)


def test_an_endpoint_that_is_silent_is_felt_since_it_was_last_heard(story: Story) -> None:
    _served_by_one_version(story)
    slo = story.slo("quality", at_least=0.55)
    with story.desk.write() as tx:
        tx.execute("UPDATE endpoint SET seen_us = ?", (BAD - 7 * MINUTE,))
    story.clock.set(BAD)
    (number,) = story.attach(story.alert(slo, "availability", rule="no data"))
    found = incident(story.desk.store, number)
    assert found.impact_us == BAD - 7 * MINUTE
    assert found.impact_origin == "when the endpoint was last heard"
    assert investigate(story.desk, number).finding.name == "infrastructure"


def test_a_model_nobody_registered_or_deployed_can_still_have_an_incident(story: Story) -> None:
    slo = story.slo("availability", target="0.99")
    story.clock.set(BAD)
    (number,) = story.attach(story.alert(slo, "availability"))
    told = investigate(story.desk, number)
    assert told.suspects == []
    assert told.finding.name == "infrastructure"
