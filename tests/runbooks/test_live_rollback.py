from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import DAY, HOUR
from core.endpoints import deploy, verbs
from core.endpoints.deliver import deliver
from core.incidents.attach import settle
from core.incidents.investigate import investigate
from core.incidents.rows import incident
from core.runbooks import engine
from core.runbooks.library import runbook
from tests.incidents.story import ENDPOINT, MODEL, START, Story
from tests.serving.tiny import TOKEN, Served, register, serving


@pytest.fixture
def served(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A real endpoint that serves v2 since an hour, after 13 days of v1."""
    monkeypatch.setenv("EDGE_TOKEN", TOKEN)
    with serving(tmp_path / "state", story.clock) as running:
        verbs.add(story.desk, ENDPOINT, running.url, "env:EDGE_TOKEN")
        for version, at_us in ((1, START), (2, START + 13 * DAY)):
            register(story.desk, version, MODEL)
            story.clock.set(at_us)
            deploy.request(story.desk, ENDPOINT, MODEL, version)
            deliver(story.desk)
        story.clock.advance(HOUR)
        yield running


def paged(story: Story) -> int:
    """A page on quality after the real deploy."""
    slo = story.slo("quality", at_least=0.55)
    story.slices(slo, START + 13 * DAY - HOUR, [1, 0])
    (number,) = story.attach(story.alert(slo, "quality"))
    investigate(story.desk, number)
    return number


def test_the_walk_rolls_a_real_endpoint_back_and_the_incident_is_mitigated(story: Story, served: Served) -> None:
    number = paged(story)
    found = incident(story.desk.store, number)
    assert found.impact_us == START + 13 * DAY
    standing = engine.start(story.desk, runbook(story.desk.home, "bad-deploy"), number, {})
    for _ in range(3):
        assert engine.act(story.desk, standing, "run").result == "passed"
    asked = engine.act(story.desk, standing, "run")
    assert asked.lines == ("asked edge to go back to v1", "applied on the endpoint")
    assert engine.act(story.desk, standing, "run").result == "passed"
    active = deploy.active(story.desk.store, ENDPOINT, MODEL)
    assert active is not None
    assert active.version == 1
    assert verbs.health(story.desk, ENDPOINT).served[0].active == 1
    assert settle(story.desk) == [number]


def test_a_lost_rollback_that_is_run_again_by_hand_changes_the_endpoint_once(story: Story, served: Served) -> None:
    number = paged(story)
    standing = engine.start(story.desk, runbook(story.desk.home, "bad-deploy"), number, {})
    for _ in range(3):
        engine.act(story.desk, standing, "run")
    with story.desk.write() as tx:
        tx.execute("INSERT INTO walk_step VALUES (?, 4, 'roll-back', 'intent', ?, NULL, NULL)", (standing.id, 0))
    deploy.rollback(story.desk, ENDPOINT, MODEL, reason="before the crash", incident=number)
    deliver(story.desk)
    assert engine.act(story.desk, standing, "rerun").result == "failed"
    assert [one.kind for one in deploy.history(story.desk.store, ENDPOINT, MODEL)] == ["rollback", "deploy", "deploy"]
