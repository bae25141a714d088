from __future__ import annotations

import re

from core import ledger
from core.clock import HOUR
from core.incidents import evidence
from core.incidents.helps import helps
from core.incidents.investigate import investigate
from core.incidents.rows import incident, incidents, suspects
from core.ledger.chain import key_of
from tests.incidents.story import BAD, ENDPOINT, MODEL, PAGED, START, Story, flights


def test_the_impact_of_a_bad_version_starts_with_its_deploy_and_says_how_that_is_known(story: Story) -> None:
    found = incident(story.desk.store, story.bad_deploy())
    assert found.impact_us == BAD
    assert found.detected_us == PAGED
    assert "the deploy of v2" in found.impact_origin
    assert "first bad slice" in found.impact_origin


def test_without_a_deploy_in_the_trailing_window_the_impact_starts_with_the_first_bad_slice(story: Story) -> None:
    story.version(flights(4000, 1))
    story.applied(1, START)
    slo = story.slo("quality", at_least=0.55)
    first_bad = START + 200 * HOUR
    story.slices(slo, first_bad - 3 * HOUR, [1, 0, 1, 0, None, 0, 0])
    story.clock.set(first_bad + 5 * HOUR)
    (number,) = story.attach(story.alert(slo, "quality"))
    assert incident(story.desk.store, number).impact_us == first_bad


def test_the_first_suspect_of_a_bad_version_is_its_deploy_with_measured_evidence(story: Story) -> None:
    number = story.bad_deploy()
    investigate(story.desk, number)
    first = suspects(story.desk.store, number)[0]
    assert (first.kind, first.title) == ("deploy", "deploy v1→v2")
    told = "\n".join(first.evidence)
    assert "18h later" in told
    assert "live inputs the same before and after" in told
    assert re.search(r"largest KS 0\.\d\d in \w+, \d+ and 120 samples", told)
    assert "v2's training reference differs from live inputs in sched_dep_time: PSI" in told
    assert "distance: PSI" not in told
    assert "AUC before 0.7" in told
    assert "(n 3,000), after 0.5" in told
    assert "(n 600)" in told
    assert "v1 served 13 d" in told
    assert "too few labelled samples (0) to score both versions on" in told


def test_a_bad_version_is_of_class_model_with_the_skew_as_evidence(story: Story) -> None:
    number = story.bad_deploy()
    investigate(story.desk, number)
    found = incident(story.desk.store, number)
    assert found.klass == "model"
    assert found.class_evidence is not None
    assert "train/serve skew" in found.class_evidence
    assert "sched_dep_time" in found.class_evidence


def test_going_back_to_the_version_that_was_well_for_13_days_is_offered(story: Story) -> None:
    number = story.bad_deploy()
    told = investigate(story.desk, number).help
    assert told.offered
    assert told.target == 1
    assert told.line == "rollback to v1 (healthy 13 d)"
    assert "v1's 2 inputs are all in the last 100 sampled requests" in told.evidence


def test_a_version_whose_inputs_are_no_longer_sent_is_not_offered(story: Story) -> None:
    number = story.bad_deploy()
    with story.desk.write() as tx:
        tx.execute("UPDATE sample SET inputs = json_remove(inputs, '$.distance') WHERE version = 2")
    investigate(story.desk, number)
    told = helps(story.desk, incident(story.desk.store, number))
    assert not told.offered
    assert "v1 needs distance, which today's inputs lack" in told.line


def test_the_rollback_and_all_after_the_impact_start_never_rank_as_suspects(story: Story) -> None:
    number = story.bad_deploy()
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    with story.desk.write() as tx:
        for verdict in ("stable", "drifted, quality unaffected"):
            story.desk.record(tx, "drift.verdict", model=MODEL, data={"verdict": verdict}, at_us=BAD - HOUR)
        data = {"dataset": "flights", "snapshot": 9}
        story.desk.record(tx, "dataset.added", data=data, at_us=BAD + 1)
        story.desk.record(tx, "dataset.added", data={"dataset": "flights", "snapshot": 8}, at_us=BAD - HOUR)
    story.clock.set(PAGED + 2 * HOUR)
    listed = investigate(story.desk, number).suspects
    assert [one.title for one in listed] == ["deploy v1→v2", "data flights snapshot 8"]


def test_a_rollback_is_no_longer_offered_once_it_was_made(story: Story) -> None:
    number = story.bad_deploy()
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    told = investigate(story.desk, number).help
    assert not told.offered
    assert told.line == "v2 is no longer active: v1 is active"


def test_a_deploy_that_was_taken_back_before_the_impact_ranks_below_what_is_active(story: Story) -> None:
    story.version(flights(4000, 1))
    story.version(flights(4000, 2))
    story.applied(1, START)
    story.applied(2, START + 100 * HOUR, previous=1)
    story.applied(1, START + 101 * HOUR, previous=2, kind="rollback")
    slo = story.slo("availability", target="0.99")
    story.clock.set(START + 102 * HOUR)
    (number,) = story.attach(story.alert(slo, "availability"))
    found = investigate(story.desk, number)
    assert "v2 was no longer active at the impact start" in found.suspects[0].evidence
    assert found.suspects[0].score < 0.3
    assert found.finding.name == "infrastructure"


def test_the_look_is_one_event_with_suspects_class_and_help_and_the_chain_holds(story: Story) -> None:
    number = story.bad_deploy()
    investigate(story.desk, number)
    (event,) = ledger.timeline(story.desk.store, kinds=("incident.suspects",), incident=number)
    assert event.data["class"] == "model"
    assert event.data["helps"] == "rollback to v1 (healthy 13 d)"
    assert event.data["suspects"][0]["title"] == "deploy v1→v2"
    assert (event.model, event.endpoint) == (MODEL, ENDPOINT)
    assert ledger.verify(story.desk.store, key_of(story.desk.home)).ok


def test_looking_again_replaces_the_suspects_and_keeps_one_incident(story: Story) -> None:
    number = story.bad_deploy()
    first = investigate(story.desk, number).suspects
    assert investigate(story.desk, number).suspects == first
    assert suspects(story.desk.store, number) == first
    assert len(incidents(story.desk.store)) == 1


def test_a_line_says_how_long_before_the_impact_a_deploy_was(story: Story) -> None:
    found = incident(story.desk.store, story.bad_deploy())
    switch = evidence.Switch(1, found.impact_us - 42 * 60 * 1_000_000, 1, 2, True)
    assert evidence.when_line(found, switch) == "42m before the impact start, 18h42 before it was detected"


def test_a_first_version_and_changes_elsewhere_are_told_as_what_they_are(story: Story) -> None:
    story.version(flights(4000, 1, minutes=True))
    story.applied(1, START)
    story.asked(1, flights(200, 2), START, 25 * HOUR)
    with story.desk.write() as tx:
        story.desk.record(tx, "endpoint.paused", endpoint="other", at_us=START)
    slo = story.slo("quality", at_least=0.55)
    story.slices(slo, START + 23 * HOUR, [0, 0])
    story.clock.set(START + 25 * HOUR)
    (number,) = story.attach(story.alert(slo, "quality"))
    first, second = investigate(story.desk, number).suspects
    assert first.title == "deploy v1"
    assert any("differs from live inputs in sched_dep_time: PSI" in line for line in first.evidence)
    assert "None" not in "".join(first.evidence)
    assert second.evidence == ("0s before the impact start", "elsewhere: other")
