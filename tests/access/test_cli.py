from __future__ import annotations

import json

import pytest

from console.cli.main import run
from core.home import Home


def test_roles_are_granted_shown_and_refused_from_the_command_line(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ["--home", str(home.path)]
    monkeypatch.setenv("TOCSIN_ACTOR", "ana")
    assert run([*base, "access", "grant", "vic", "viewer", "--yes"]) == 1
    assert run([*base, "access", "grant", "ana", "admin", "--dry-run"]) == 0
    assert run([*base, "access", "grant", "ana", "admin", "--yes"]) == 0
    assert run([*base, "access", "grant", "vic", "viewer", "--yes"]) == 0
    capsys.readouterr()
    assert run([*base, "access", "list", "--json"]) == 0
    assert [(one["actor"], one["role"]) for one in json.loads(capsys.readouterr().out)] == [
        ("ana", "admin"),
        ("vic", "viewer"),
    ]
    monkeypatch.setenv("TOCSIN_ACTOR", "vic")
    assert run([*base, "job", "run", "train", "--yes"]) == 5
    assert "vic is only viewer" in capsys.readouterr().err
    assert run([*base, "access", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["role"] == "viewer"
    assert run([*base, "access", "revoke", "ana", "--yes"]) == 5
    monkeypatch.setenv("TOCSIN_ACTOR", "ana")
    assert run([*base, "access", "revoke", "vic", "--yes"]) == 0
    assert run([*base, "access", "revoke", "vic", "--yes"]) == 3
