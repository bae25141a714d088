from __future__ import annotations

from dataclasses import replace

import pytest

from console.cli.main import run
from core.actors import verbs as access
from core.desk import Desk
from core.endpoints import deploy, rows, verbs
from core.endpoints.deploy import Deployment
from core.errors import CheckFailed, NotAllowed, NotFound
from core.ledger import timeline
from core.registry import approval
from core.training.record import Draft
from core.training.record import register as register_trained
from core.work import plan
from tests.serving.tiny import artefact


def by(desk: Desk, name: str) -> Desk:
    return replace(desk, actor=name)


def draft(run_id: int | None = None) -> Draft:
    return Draft(artefact("m"), None, "d@1", run_id, "c", {}, {}, {})


def apply(desk: Desk, one: Deployment) -> None:
    with desk.store.write() as tx:
        tx.execute(rows.SET_APPLIED, (desk.now_us(), one.id))
        tx.execute("UPDATE outbox SET state = 'done' WHERE deployment = ?", (one.id,))


@pytest.fixture(autouse=True)
def _catalogue(desk: Desk) -> None:
    """Two versions of m that ana trained, and an endpoint."""
    verbs.add(desk, "prod", "http://127.0.0.1:1", "env:TOCSIN_TEST_TOKEN")
    for _ in range(2):
        register_trained(desk, draft())


def test_a_critical_model_is_deployed_only_after_another_person_approved(desk: Desk) -> None:
    assert approval.mark_critical(desk, "m", on=True)
    with pytest.raises(CheckFailed, match="critical and v1 is not approved") as refused:
        deploy.request(desk, "prod", "m", 1)
    assert "besides ana" in refused.value.hint
    with pytest.raises(NotAllowed, match="ana trained m v1"):
        approval.approve(desk, "m", 1)
    approval.approve(by(desk, "bo"), "m", 1, reason="looked")
    approval.approve(by(desk, "bo"), "m", 1)
    assert len(timeline(desk.store, kinds=["model.approved"])) == 1
    assert deploy.request(desk, "prod", "m", 1).state == "queued"
    with pytest.raises(CheckFailed):
        deploy.request(desk, "prod", "m", 2)


def test_the_trainer_is_who_asked_for_the_job_not_the_daemon_that_ran_it(desk: Desk) -> None:
    with by(desk, "olu").write() as tx:
        job = plan.request_run(tx, desk.now_us(), "train", {}, "r")
    made = register_trained(by(desk, "daemon").as_system(), draft(job))
    assert approval.trainer(desk.store, "m", made.version) == "olu"
    with pytest.raises(NotAllowed):
        approval.approve(by(desk, "olu"), "m", made.version)
    approval.approve(by(desk, "daemon"), "m", made.version)


def test_a_rollback_to_what_was_served_is_never_held_up(desk: Desk) -> None:
    for version in (1, 2):
        apply(desk, deploy.request(desk, "prod", "m", version))
    approval.mark_critical(desk, "m", on=True)
    assert deploy.rollback(desk, "prod", "m", reason="worse").version == 1


def test_a_rollback_to_what_never_was_there_is_a_deploy_and_needs_its_approval(desk: Desk) -> None:
    apply(desk, deploy.request(desk, "prod", "m", 1))
    approval.mark_critical(desk, "m", on=True)
    with pytest.raises(CheckFailed, match="v2 is not approved"):
        deploy.rollback(desk, "prod", "m", to=2, reason="by the back door")


def test_approving_asks_for_an_approver_and_a_person(desk: Desk) -> None:
    access.grant(desk, "ana", "admin")
    access.grant(desk, "olu", "operator")
    with pytest.raises(NotAllowed, match="asks for approver"):
        approval.approve(by(desk, "olu"), "m", 1)
    with pytest.raises(NotAllowed, match="asks for admin"):
        approval.mark_critical(by(desk, "olu"), "m", on=True)
    with pytest.raises(NotAllowed, match="only a person"):
        approval.approve(by(desk, "robot").as_system(), "m", 1)
    assert approval.approvals(desk.store, "m", 1) == []


def test_what_does_not_exist_is_neither_approved_nor_marked(desk: Desk) -> None:
    with pytest.raises(NotFound):
        approval.mark_critical(desk, "nothing", on=True)
    with pytest.raises(NotFound):
        approval.approve(by(desk, "bo"), "m", 9)


def test_four_eyes_from_the_command_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    base = ["--home", str(desk.home.path), "model"]
    monkeypatch.setenv("TOCSIN_ACTOR", "ana")
    assert run([*base, "critical", "m", "--on", "--dry-run"]) == 0
    assert not approval.is_critical(desk.store, "m")
    assert run([*base, "critical", "m", "--on", "--yes"]) == 0
    assert run([*base, "approve", "m", "1", "--yes"]) == 5
    assert run(["--home", str(desk.home.path), "deploy", "start", "m", "1", "--to", "prod", "--dry-run"]) == 1
    monkeypatch.setenv("TOCSIN_ACTOR", "bo")
    assert run([*base, "approve", "m", "1", "--reason", "looked", "--yes"]) == 0
    assert run([*base, "show", "m", "--version", "1"]) == 0
    assert run([*base, "critical", "m", "--off", "--yes"]) == 0
    assert not approval.is_critical(desk.store, "m")
