from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from core.clock import SimClock
from core.desk import Desk
from core.endpoints import deploy, rows
from core.work import outbox
from tests.serving.tiny import TOKEN, register, serving

DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _catalogue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("TOCSIN_HOME", str(desk.home.path))
    for version in (1, 2):
        register(desk, version)


def add(url: str, name: str = "prod") -> int:
    return run(["endpoint", "add", name, url, "--token-ref", "env:TOCSIN_TEST_TOKEN", "--yes"])


def told(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    capsys.readouterr()
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_deploy_and_a_rollback_from_the_command_line(
    clock: SimClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path / "s", clock) as running:
        assert add(running.url) == 0
        assert run(["deploy", "start", "m", "1", "--yes"]) == 0
        assert run(["deploy", "start", "m", "2", "--to", "prod", "--yes", "--reason", "new"]) == 0
        assert "m v2 is active on prod" in capsys.readouterr().out
        assert told(capsys, "deploy", "status")[0]["back_to"] == 1
        assert run(["deploy", "rollback", "m", "--expect-active", "1", "--yes"]) == 1
        assert "meanwhile" in capsys.readouterr().err
        assert run(["deploy", "rollback", "m", "--dry-run"]) == 0
        assert running.app.models.find("m").version == 2
        assert run(["deploy", "rollback", "m", "--yes"]) == 0
        assert running.app.models.find("m").version == 1
        health = told(capsys, "endpoint", "health", "prod")
        assert (health["ok"], health["models"]) == (True, {"m": {"active": 1, "expected": 1}})
    kinds = [(each["kind"], each["version"], each["state"]) for each in told(capsys, "deploy", "history")]
    assert kinds == [("rollback", 1, "applied"), ("deploy", 2, "applied"), ("deploy", 1, "applied")]
    assert run(["deploy", "rollback", "m", "--yes"]) == 1
    for command in (["deploy", "status"], ["deploy", "history"], ["endpoint", "list"], ["endpoint", "show", "prod"]):
        assert run(command) == 0
    assert "v1" in capsys.readouterr().out


def test_a_deploy_to_a_dead_endpoint_is_queued_and_said_to_be(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    add(DEAD)
    assert run(["deploy", "start", "m", "1", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert "queued, not applied" in out
    assert "cannot be reached" in err
    assert len(outbox.waiting(desk.store)) == 1
    assert told(capsys, "deploy", "status")[0]["queued"]["version"] == 1
    assert run(["endpoint", "sync", "prod"]) == 4


def test_health_of_a_dead_endpoint_exits_four_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    add(DEAD)
    assert run(["endpoint", "health", "prod"]) == 4
    err = capsys.readouterr().err
    assert "error: " in err
    assert "hint: " in err
    assert "Traceback" not in err


def test_a_refused_token_fails_the_deploy_with_exit_four(
    clock: SimClock, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "s", clock) as running:
        add(running.url)
        monkeypatch.setenv("TOCSIN_TEST_TOKEN", "wrong")
        assert run(["deploy", "start", "m", "1", "--yes"]) == 4
    assert "refused the token" in capsys.readouterr().err
    assert told(capsys, "deploy", "history")[0]["state"] == "failed"


def test_sync_delivers_and_collects(clock: SimClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(DEAD)
    run(["deploy", "start", "m", "1", "--yes"])
    with serving(tmp_path / "s", clock) as running:
        add(running.url)
        assert told(capsys, "endpoint", "sync")["sent"][0]["state"] == "applied"
        assert run(["endpoint", "sync", "prod"]) == 0


def test_an_endpoint_that_serves_something_else_is_a_failed_check(
    desk: Desk, clock: SimClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path / "s", clock) as running:
        add(running.url)
        run(["deploy", "start", "m", "1", "--yes"])
    with serving(tmp_path / "lost", clock) as running:
        add(running.url)
        assert run(["endpoint", "health", "prod"]) == 1
        assert "--again" in capsys.readouterr().err
        assert run(["deploy", "start", "m", "1", "--again", "--yes"]) == 0
        assert run(["endpoint", "health", "prod"]) == 0


def test_nothing_changes_without_a_yes_or_with_dry_run(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    add(DEAD)
    assert run(["deploy", "start", "m", "1"]) == 2
    assert run(["deploy", "start", "m", "1", "--dry-run"]) == 0
    assert run(["endpoint", "pause", "prod", "--dry-run"]) == 0
    assert run(["endpoint", "add", "prod", "http://other", "--token-ref", "env:X", "--dry-run"]) == 0
    assert run(["endpoint", "add", "prod", "http://other", "--token-ref", "env:X"]) == 2
    assert deploy.history(desk.store) == []
    endpoint = rows.endpoint(desk.store, "prod")
    assert (endpoint.state, endpoint.url) == ("active", DEAD)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["endpoint", "health", "none"], 3),
        (["endpoint", "show", "none"], 3),
        (["endpoint", "sync", "none"], 3),
        (["endpoint", "pause", "none", "--yes"], 3),
        (["endpoint", "add", "x", "nonsense", "--token-ref", "env:X"], 2),
        (["deploy", "start", "m", "1", "--yes"], 2),
        (["deploy", "start", "m", "1", "--to", "none", "--yes"], 3),
        (["deploy", "rollback", "m", "--yes"], 2),
        (["deploy", "start", "m", "zero", "--yes"], 2),
    ],
)
def test_what_does_not_exist_is_an_error_with_a_code(
    command: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == code
    assert "error: " in capsys.readouterr().err


def test_an_empty_home_lists_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "endpoint", "list") == []
    assert told(capsys, "deploy", "status") == []
    assert told(capsys, "deploy", "history") == []
