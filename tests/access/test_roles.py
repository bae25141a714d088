from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ledger
from core.access import roles
from core.actors import verbs
from core.daemon import Daemon
from core.desk import Desk
from core.endpoints import verbs as endpoints
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound
from core.ledger import timeline
from core.ledger.chain import key_of
from core.work import plan

ROOM = Path(__file__).parents[2]


def by(desk: Desk, name: str) -> Desk:
    return replace(desk, actor=name)


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    """A home in which ana is admin, and one of each other role."""
    verbs.grant(desk, "ana", "admin")
    for name, role in (("vic", "viewer"), ("olu", "operator"), ("app", "approver")):
        verbs.grant(desk, name, role)
    return desk


def test_a_home_without_actors_lets_everyone_do_everything(desk: Desk) -> None:
    assert verbs.everyone(desk) == []
    assert verbs.held(desk, "anybody") == "admin"
    endpoints.add(by(desk, "anybody"), "prod", "http://127.0.0.1:1", "env:TOKEN")


def test_the_first_grant_must_leave_an_admin(desk: Desk) -> None:
    with pytest.raises(CheckFailed, match="without an admin"):
        verbs.grant(desk, "ana", "operator")
    assert verbs.everyone(desk) == []
    assert timeline(desk.store, kinds=["access."]) == []


def test_the_last_admin_can_neither_be_revoked_nor_made_less(staffed: Desk) -> None:
    with pytest.raises(CheckFailed):
        verbs.revoke(staffed, "ana")
    with pytest.raises(CheckFailed):
        verbs.grant(staffed, "ana", "approver")
    verbs.grant(staffed, "bo", "admin")
    verbs.revoke(staffed, "ana")
    assert verbs.held(staffed, "ana") is None


@pytest.mark.parametrize("name", ["vic", "nobody"])
def test_who_is_no_operator_changes_nothing_and_the_attempt_is_in_the_ledger(staffed: Desk, name: str) -> None:
    desk = by(staffed, name)
    with pytest.raises(NotAllowed, match="asks for operator"), desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "train", {}, "r")
    assert desk.store.read("SELECT 1 FROM run") == []
    event = timeline(desk.store, kinds=["access.refused"])[-1]
    role = "viewer" if name == "vic" else None
    assert (event.actor, event.data) == (name, {"kind": "write", "role": role, "needs": "operator"})


def test_a_kind_above_the_role_takes_the_whole_transaction_back(staffed: Desk) -> None:
    desk = by(staffed, "olu")
    with pytest.raises(NotAllowed, match=r"endpoint\.added asks for admin"):
        endpoints.add(desk, "prod", "http://127.0.0.1:1", "env:TOKEN")
    assert desk.store.read("SELECT * FROM endpoint") == []
    assert timeline(desk.store, kinds=["access.refused"])[-1].data["kind"] == "endpoint.added"
    with pytest.raises(NotAllowed):
        verbs.grant(desk, "olu", "admin")
    assert verbs.held(desk, "olu") == "operator"
    assert ledger.verify(desk.store, key_of(desk.home)).ok


def test_a_revoked_role_ends_with_the_revocation_for_a_desk_that_is_open(staffed: Desk) -> None:
    desk = by(staffed, "olu")
    with desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "train", {}, "r")
    verbs.revoke(staffed, "olu")
    with pytest.raises(NotAllowed), desk.write():
        pass


def test_the_daemon_of_somebody_without_a_role_goes_on_but_grants_nothing(staffed: Desk) -> None:
    daemon = Daemon(by(staffed, "nobody"))
    try:
        assert daemon.tick().errors == []
        with pytest.raises(NotAllowed):
            verbs.grant(daemon.desk, "nobody", "admin")
    finally:
        daemon.close()


def test_what_a_person_queues_or_schedules_is_known_as_theirs(staffed: Desk) -> None:
    with by(staffed, "olu").write() as tx:
        plan.request_run(tx, staffed.now_us(), "train", {}, "r")
        plan.add_schedule(tx, staffed.now_us(), "s", "train", {}, "every 1h", "latest")
    with by(staffed, "nobody").as_system().write() as tx:
        plan.plan_due(tx, staffed.now_us() + 3_600_000_000)
    assert [row["asked_by"] for row in staffed.store.read("SELECT asked_by FROM run")] == ["olu", "olu"]


def test_bad_names_and_roles_are_refused(desk: Desk) -> None:
    for name, role in (("", "admin"), ("a\nb", "admin"), ("ana", "king")):
        with pytest.raises(BadInput):
            verbs.grant(desk, name, role)
    with pytest.raises(NotFound):
        verbs.revoke(desk, "nobody")


@given(st.sampled_from(["access.granted", "model.approved", "deploy.requested", "endpoint.added", "x.y", "write"]))
def test_a_higher_role_may_all_that_a_lower_one_may(kind: str) -> None:
    may = [roles.reaches(role, roles.least(kind)) for role in roles.ROLES]
    assert may == sorted(may)
    assert may[0] is False
    assert may[-1] is True
    assert not roles.reaches(None, roles.least(kind))


def test_nothing_but_the_desk_opens_a_write_transaction() -> None:
    """So no verb can forget to ask."""
    found = []
    for path in [*(ROOM / "core").rglob("*.py"), *(ROOM / "console").rglob("*.py"), *(ROOM / "plugins").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "write" and ast.unparse(node.value).endswith("store"):
                found.append(str(path.relative_to(ROOM)))
    assert set(found) == {"core/desk.py"}
