from __future__ import annotations

import plistlib
import shlex
import sys
from pathlib import Path

import pytest

from console.cli.main import run


def printed(capsys: pytest.CaptureFixture[str], kind: str, home: Path) -> str:
    assert run(["--home", str(home), "daemon", "--grace", "7", "--slots", "3", "--print-unit", kind]) == 0
    return capsys.readouterr().out


def test_the_systemd_unit_starts_this_daemon_and_gives_it_its_grace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "a home with 100%"
    text = printed(capsys, "systemd", home)
    (command,) = [line.removeprefix("ExecStart=") for line in text.splitlines() if line.startswith("ExecStart=")]
    words = [word.replace("%%", "%") for word in shlex.split(command)]
    assert words[0] == sys.executable
    assert words[3:] == ["--home", str(home), "daemon", "--slots", "3", "--grace", "7"]
    assert "TimeoutStopSec=22\n" in text
    assert "KillMode=mixed\n" in text
    assert not home.exists()


def test_the_launchd_agent_is_a_property_list_with_the_same_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home <&>"
    agent = plistlib.loads(printed(capsys, "launchd", home).encode())
    assert agent["ProgramArguments"][-7:] == ["--home", str(home), "daemon", "--slots", "3", "--grace", "7"]
    assert agent["ExitTimeOut"] == 22
    assert agent["KeepAlive"] is True
