from __future__ import annotations

from core import ledger
from core.clock import HOUR
from core.desk import Desk
from core.endpoints import deploy
from core.incidents.attach import settle
from core.incidents.investigate import investigate
from core.incidents.rows import incident
from core.runbooks import engine, rows
from core.runbooks.library import runbook
from core.runbooks.link import link
from core.runbooks.rehearse import rehearse
from core.runbooks.rows import Walk, taken
from tests.incidents.story import BAD, ENDPOINT, MODEL, PAGED, Story


def begun(story: Story) -> Walk:
    """The walk of the bad deploy's incident, investigated and linked."""
    number = story.bad_deploy()
    investigate(story.desk, number)
    assert link(story.desk) == [number]
    assert incident(story.desk.store, number).runbook == "bad-deploy"
    return engine.start(story.desk, runbook(story.desk.home, "bad-deploy"), number, {})


def at(desk: Desk, standing: Walk) -> str:
    """The step it stands at."""
    view = engine.current(desk, standing)
    return view.id if view else "over"


def apply_queued(story: Story) -> None:
    """What the endpoint's answer leads to."""
    with story.desk.write() as tx:
        row = tx.one("SELECT * FROM deployment WHERE state = 'queued'")
        assert row is not None
        now = story.clock.now_us()
        tx.execute("UPDATE deployment SET state = 'applied', applied_us = ? WHERE id = ?", (now, row["id"]))
        data = {"deployment": row["id"], "previous": row["previous"]}
        version = row["version"]
        story.desk.record(tx, "rollback.applied", model=MODEL, version=version, endpoint=ENDPOINT, data=data)


def test_the_bad_deploy_walk_leads_from_the_page_to_the_proof_and_the_postmortem(story: Story) -> None:
    standing = begun(story)
    for step in ("what-fires", "first-suspect", "old-version"):
        assert at(story.desk, standing) == step
        assert engine.act(story.desk, standing, "run").result == "passed"
    view = engine.current(story.desk, standing)
    assert view is not None
    assert view.command.startswith("tocsin deploy rollback late --on edge --incident 1 ")
    assert view.confirm == "Roll late on edge back to the version before?"
    assert view.did == (("what-fires", "passed"), ("first-suspect", "passed"), ("old-version", "passed"))
    asked = engine.act(story.desk, standing, "run")
    assert asked.lines == ("asked edge to go back to v1", "queued: not yet applied on the endpoint")

    assert engine.act(story.desk, standing, "run").result == "failed"
    assert at(story.desk, standing) == "applied"
    story.clock.set(PAGED + HOUR)
    apply_queued(story)
    assert engine.act(story.desk, standing, "run").result == "passed"

    assert engine.act(story.desk, standing, "run").lines[0].startswith("v1: 0 of 200 labels")
    story.judged(1, 500, 0.8, PAGED + 2 * HOUR)
    story.clock.set(PAGED + 5 * HOUR)
    assert settle(story.desk) == [1]
    assert engine.act(story.desk, standing, "run").result == "passed"

    assert engine.act(story.desk, standing, "run").walk.state == "done"
    text = incident(story.desk.store, 1).postmortem or ""
    assert "bad-deploy: roll-back passed" in text
    assert incident(story.desk.store, 1).mitigated_us == PAGED + HOUR


def test_the_rollback_step_is_not_done_twice_for_one_incident(story: Story) -> None:
    standing = begun(story)
    for _ in range(4):
        engine.act(story.desk, standing, "run")
    engine.leave(story.desk, standing)
    again = engine.start(story.desk, runbook(story.desk.home, "bad-deploy"), 1, {})
    for _ in range(3):
        engine.act(story.desk, again, "run")
    told = engine.act(story.desk, again, "run")
    assert (told.result, told.lines) == ("skipped", ("already done for this incident: not done again",))
    assert len(deploy.history(story.desk.store, ENDPOINT, MODEL)) == 3


def lost(story: Story, standing: Walk, *, happened: bool) -> None:
    """The process died at the rollback step, after it had asked or before."""
    for _ in range(3):
        engine.act(story.desk, standing, "run")
    with story.desk.write() as tx:
        tx.execute(rows.INTENT, (standing.id, "roll-back", story.clock.now_us(), standing.id))
    if happened:
        deploy.rollback(story.desk, ENDPOINT, MODEL, reason="lost", incident=1)


def test_a_lost_rollback_that_had_been_asked_for_is_found_by_probing(story: Story) -> None:
    standing = begun(story)
    lost(story, standing, happened=True)
    view = engine.current(story.desk, standing)
    assert view is not None
    assert (view.state, view.answers) == ("unknown", ("probe", "skip", "rerun"))
    told = engine.act(story.desk, standing, "probe")
    assert (told.result, told.lines) == ("passed", ("the rollback to v1 was asked for and is queued",))
    assert at(story.desk, standing) == "applied"
    assert len(deploy.history(story.desk.store, ENDPOINT, MODEL)) == 3


def test_a_lost_rollback_that_never_happened_stays_unknown_until_a_person_decides(story: Story) -> None:
    standing = begun(story)
    lost(story, standing, happened=False)
    told = engine.act(story.desk, standing, "probe")
    assert (told.result, told.lines) == ("unknown", ("no rollback was asked for: it did not happen",))
    assert taken(story.desk.store, standing.id)[-1].state == "unknown"
    assert engine.act(story.desk, standing, "rerun").result == "passed"
    assert len(deploy.history(story.desk.store, ENDPOINT, MODEL)) == 3


def test_where_no_deploy_is_suspected_the_walk_leads_away_from_the_rollback(story: Story) -> None:
    standing = begun(story)
    with story.desk.write() as tx:
        tx.execute("DELETE FROM suspect")
    engine.act(story.desk, standing, "run")
    assert engine.act(story.desk, standing, "run").result == "failed"
    assert at(story.desk, standing) == "escalate-or-not"
    assert engine.act(story.desk, standing, "escalate").walk.state == "escalated"


def test_a_dry_run_shows_every_step_runs_the_checks_alone_and_writes_nothing(story: Story) -> None:
    number = story.bad_deploy()
    investigate(story.desk, number)
    before = ledger.timeline(story.desk.store, limit=1000)
    told = list(rehearse(story.desk, runbook(story.desk.home, "bad-deploy"), number, {}))
    assert [view.id for view, outcome in told if outcome is None] == ["roll-back", "postmortem", "escalate-or-not"]
    assert [outcome.ok for _, outcome in told if outcome] == [True, True, True, False, False]
    assert ledger.timeline(story.desk.store, limit=1000) == before
    assert story.desk.store.read("SELECT * FROM walk") == []
    assert len(deploy.history(story.desk.store, ENDPOINT, MODEL)) == 2


def test_an_incident_no_runbook_applies_to_is_looked_at_once(story: Story) -> None:
    story.clock.set(BAD)
    (number,) = story.attach(story.alert(None, "labels"))
    assert link(story.desk) == []
    assert incident(story.desk.store, number).runbook == ""
