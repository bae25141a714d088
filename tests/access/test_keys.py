from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.main import run
from core.access.keys import FORM, code_of
from core.actors import keys, verbs
from core.clock import DAY, SimClock
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound
from core.home import Home
from core.ledger import timeline
from core.work import plan

Tocsin = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_KEY", raising=False)
    monkeypatch.delenv("TOCSIN_KEY_REF", raising=False)


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    for name, role in (("ana", "admin"), ("olu", "operator"), ("app", "approver"), ("vic", "viewer")):
        verbs.grant(desk, name, role)
    return desk


def opened(desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str) -> Desk:
    """The same home as a process sees it that was given this key."""
    monkeypatch.setenv("TOCSIN_KEY", text)
    return Desk.open(desk.home, clock=desk.clock)


def change(desk: Desk, name: str = "r") -> None:
    with desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "train", {}, name)


def refusals(desk: Desk) -> list[dict[str, object]]:
    return [dict(one.data) for one in timeline(desk.store, kinds=["access.refused"])]


def everywhere(home: Home) -> bytes:
    return b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())


def test_a_key_makes_a_process_its_actor_whatever_name_it_gives(staffed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = keys.add(staffed, "pipeline", actor="olu")
    monkeypatch.setenv("TOCSIN_ACTOR", "vic")
    by_key = opened(staffed, monkeypatch, text)
    assert by_key.actor == "olu"
    change(by_key)
    with pytest.raises(NotAllowed, match="olu is only operator"):
        keys.add(by_key, "mine", actor="ana")
    assert [one.actor for one in timeline(staffed.store, kinds=["access.refused"])] == ["olu"]


def test_a_reference_gives_the_key_as_well(staffed: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, text = keys.add(staffed, "pipeline", actor="olu")
    kept = tmp_path / "key"
    kept.write_text(text + "\n")
    kept.chmod(0o600)
    monkeypatch.setenv("TOCSIN_KEY_REF", f"file:{kept}")
    assert Desk.open(staffed.home, clock=staffed.clock).actor == "olu"
    monkeypatch.setenv("TOCSIN_KEY_REF", "file:/nowhere")
    with pytest.raises(NotFound):
        Desk.open(staffed.home, clock=staffed.clock)


def test_a_wrong_an_expired_and_a_revoked_key_end_with_5_in_two_lines_and_an_event(
    staffed: Desk, clock: SimClock, tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, brief = keys.add(staffed, "brief", actor="olu", expires_us=DAY)
    _, gone = keys.add(staffed, "gone", actor="olu")
    keys.revoke(staffed, "gone")
    clock.advance(DAY)
    wrong = brief[:-1] + ("0" if brief[-1] != "0" else "1")
    for text in (wrong, brief, gone, "nonsense", "tsn_" + "0" * 12 + "_" + "0" * 48, "\udcff"):
        monkeypatch.setenv("TOCSIN_KEY", text)
        code, said, told = tocsin("now", "--json")
        assert (code, said) == (5, "")
        assert [line.split(":")[0] for line in told.splitlines()] == ["error", "hint"]
        assert text not in told
    assert [(one["key"], one["reason"]) for one in refusals(staffed)] == [
        (None, "wrong"),
        ("brief", "expired"),
        ("gone", "revoked"),
        *[(None, "wrong")] * 3,
    ]


def test_a_key_that_is_revoked_or_expires_ends_a_process_that_runs(
    staffed: Desk, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one = keys.add(staffed, "one", actor="olu")
    _, two = keys.add(staffed, "two", actor="olu", expires_us=DAY)
    first, second = opened(staffed, monkeypatch, one), opened(staffed, monkeypatch, two)
    change(first, "a")
    change(second, "b")
    keys.revoke(staffed, "one")
    clock.advance(DAY)
    for desk, reason in ((first, "revoked"), (second, "expired")):
        with pytest.raises(NotAllowed, match=reason):
            change(desk, "c")
    assert len(staffed.store.read("SELECT 1 FROM run")) == 2


def test_the_list_tells_use_and_end_and_never_the_secret(
    staffed: Desk, clock: SimClock, tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_ACTOR", "ana")
    code, said, told = tocsin("access", "key", "add", "ci", "--actor", "olu", "--expires", "30d", "--yes")
    text = said.strip()
    assert code == 0
    assert FORM.fullmatch(text)
    assert "not shown again" in told
    clock.advance(DAY)
    change(opened(staffed, monkeypatch, text))
    monkeypatch.delenv("TOCSIN_KEY")
    code, said, _ = tocsin("access", "key", "list", "--json")
    assert json.loads(said) == [
        {
            "key": "ci",
            "actor": "olu",
            "state": "in force",
            "made_by": "ana",
            "made": "2013-04-01T00:00:00Z",
            "expires": "2013-05-01T00:00:00Z",
            "used": "2013-04-02T00:00:00Z",
            "revoked": None,
        }
    ]
    assert text[17:] not in tocsin("access", "key", "list")[1]
    assert tocsin("access", "key", "add", "ci", "--yes")[0] == 1
    assert tocsin("access", "key", "revoke", "ci", "--yes")[0] == 0
    assert tocsin("access", "key", "revoke", "ci", "--yes")[0] == 3
    assert tocsin("access", "key", "add", "ci", "--expires", "soon", "--yes")[0] == 2
    assert tocsin("access", "key", "add", "ci", "--dry-run")[0] == 0
    assert [one.state(clock.now_us()) for one in keys.every(staffed)] == ["revoked"]


@pytest.mark.parametrize(("name", "actor", "span"), [("", "", None), ("a\nb", "", None), ("k", " ", 0), ("k", "", -1)])
def test_a_key_that_cannot_be_is_refused(desk: Desk, name: str, actor: str, span: int | None) -> None:
    with pytest.raises(BadInput):
        keys.add(desk, name, actor=actor, expires_us=span)
    assert keys.every(desk) == []


def test_two_keys_of_one_actor_are_one_pair_of_eyes(staffed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.registry import approval

    now = staffed.now_us()
    with staffed.write() as tx:
        tx.execute(
            "INSERT INTO model(name, task, label, created_us, critical) VALUES ('m', 'binary', 'y', ?, 1)", (now,)
        )
        tx.execute(
            "INSERT INTO model_version(model, version, stage, artefact, code, environment, parameters, metrics,"
            " created_us) VALUES ('m', 1, 'candidate', 'a', 'c', '{}', '{}', '{}', ?)",
            (now,),
        )
    _, trains = keys.add(staffed, "trains", actor="app")
    _, approves = keys.add(staffed, "approves", actor="app")
    _, other = keys.add(staffed, "other", actor="ana")
    trainer = opened(staffed, monkeypatch, trains)
    with trainer.write() as tx:
        trainer.record(tx, "model.registered", model="m", version=1)
    with pytest.raises(NotAllowed, match="app trained m v1"):
        approval.approve(opened(staffed, monkeypatch, approves), "m", 1)
    assert approval.approve(opened(staffed, monkeypatch, other), "m", 1).actor == "ana"


def test_where_a_key_is_required_a_name_alone_changes_nothing(staffed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckFailed, match="without an admin who has a lasting key"):
        keys.require_key(staffed, on=True)
    _, admin = keys.add(staffed, "root", actor="ana")
    _, pipeline = keys.add(staffed, "pipeline", actor="olu", expires_us=DAY)
    assert keys.require_key(staffed, on=True)
    with pytest.raises(NotAllowed, match="ana shows no key"):
        change(staffed)
    with pytest.raises(NotAllowed):
        keys.require_key(staffed, on=False)
    assert staffed.store.read("SELECT 1 FROM run") == []
    assert refusals(staffed)[-1] == {"kind": "write", "role": "admin", "needs": "operator", "reason": "no key"}
    change(opened(staffed, monkeypatch, pipeline))
    ana = opened(staffed, monkeypatch, admin)
    for last in (lambda: keys.revoke(ana, "root"), lambda: verbs.grant(ana, "ana", "operator")):
        verbs.grant(ana, "bo", "admin")
        with pytest.raises(CheckFailed, match="lasting key"):
            last()
    assert keys.require_key(ana, on=False)
    change(staffed, "again")


def test_the_daemon_and_its_jobs_go_on_where_a_key_is_required(staffed: Desk) -> None:
    keys.add(staffed, "root", actor="ana")
    keys.require_key(staffed, on=True)
    change(replace(staffed, actor="daemon", system=True))


def test_a_key_is_nowhere_in_the_home_the_output_or_a_traceback(staffed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = keys.add(staffed, "ci", actor="olu")
    secret = text[17:]
    here = {**os.environ, "TOCSIN_KEY": text, "TOCSIN_DEBUG": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    base = [sys.executable, "-m", "console.cli.main", "--home", str(staffed.home.path)]
    said = b""
    for words in (["job", "run", "nothing", "--yes"], ["access", "key", "add", "more", "--yes"], ["now", "--json"]):
        said += (done := subprocess.run([*base, *words], env=here, capture_output=True, check=False)).stdout
        said += done.stderr
    keys.revoke(staffed, "ci")
    last = subprocess.run([*base, "now"], env=here, capture_output=True, check=False)
    assert b"Traceback" in last.stderr
    assert secret.encode() not in said + last.stdout + last.stderr
    assert secret.encode() not in everywhere(staffed.home)


def test_a_job_that_prints_its_surroundings_does_not_keep_the_key(
    staffed: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.work.here import run_here

    _, text = keys.add(staffed, "ci", actor="olu")
    (tmp_path / "telling_job.py").write_text(
        "import os\ndef tell(desk, args, progress):\n"
        "    print(dict(os.environ))\n    return {'all': dict(os.environ)}\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    desk = opened(staffed, monkeypatch, text)
    with desk.write() as tx:
        job = plan.request_run(tx, desk.now_us(), "tell", {}, "t", attempts=1)
    done = run_here(desk, {"tell": "telling_job:tell"}, job, lambda share, told: None)
    assert done.state == "succeeded"
    assert text.encode() not in everywhere(desk.home)


@given(st.binary(min_size=32, max_size=32), st.text(), st.text())
def test_codes_of_two_keys_or_under_two_home_keys_differ(home_key: bytes, one: str, two: str) -> None:
    assert (code_of(home_key, one) == code_of(home_key, two)) == (one == two)
    assert code_of(home_key[::-1] + b"x", one) != code_of(home_key, one)


def test_a_demonstration_puts_the_key_of_another_home_away(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    monkeypatch.setenv("TOCSIN_KEY", "tsn_of_another_home")
    assert run(["--home", str(home.path), "demo", "--headless", "--days", "3"]) == 6
    assert "TOCSIN_KEY" not in os.environ
