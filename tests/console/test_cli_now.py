from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from console.cli.main import run
from core.clock import HOUR, SharedClock
from core.desk import Desk


@pytest.fixture
def frozen(night: Desk) -> Desk:
    SharedClock.create(night.home.clock_path, night.clock.now_us())
    return night


def test_now_as_json_says_what_is_broken_since_when_what_changed_and_what_to_do(
    frozen: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--home", str(frozen.home.path), "now", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    incident = told["incident"]
    assert (incident["incident"], incident["model"], incident["version"]) == (1, "flight-delay", 2)
    assert incident["impact_start"] == "2013-04-15T21:58:00Z"
    assert incident["suspects"][0]["kind"] == "deploy"
    assert incident["rollback"] == {"from": 2, "to": 1}
    assert told["daemon"]["state"] == "ok"
    assert told["unacknowledged"] == 1


def test_now_as_json_on_an_empty_home_is_still_one_document(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(desk.home.path), "now", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["incident"] is None
    assert told["changes_24h"] == []


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
def test_a_snapshot_is_the_very_frame_that_the_console_shows(
    frozen: Desk,
    size: tuple[int, int],
    capsys: pytest.CaptureFixture[str],
    matches_snapshot: Callable[[str, str], None],
) -> None:
    width, height = size
    assert run(["--home", str(frozen.home.path), "now", "--snapshot", "--size", f"{width}x{height}"]) == 0
    frame = capsys.readouterr().out.rstrip("\n")
    assert len(frame.splitlines()) == height
    assert all(len(line) <= width for line in frame.splitlines())
    matches_snapshot(f"now-{width}x{height}", frame)


@pytest.mark.parametrize("size", ["80", "0x0", "axb", "-5x9", "19x24", "80x24x2"])
def test_a_size_that_is_none_is_a_usage_error(desk: Desk, size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(desk.home.path), "now", "--snapshot", f"--size={size}"]) == 2
    assert "hint: " in capsys.readouterr().err


def test_the_first_screen_of_a_small_frame_still_names_the_incident(
    frozen: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--home", str(frozen.home.path), "now", "--snapshot", "--size", "40x10"]) == 0
    assert "INC-1" in capsys.readouterr().out


def test_quiet_is_not_called_quiet_while_an_endpoint_does_not_answer_or_nobody_watches(
    quiet: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    from console.pages.now import body
    from console.view import text_of
    from core.briefing.now import now

    def said() -> str:
        return "\n".join(text_of(one) for one in body(now(quiet), 100, 40))

    assert "All quiet" in said()
    with quiet.write() as tx:
        tx.execute("UPDATE endpoint SET error = 'refuses connections'")
    assert "All quiet" not in said()
    assert "local does not answer" in said()
    with quiet.write() as tx:
        tx.execute("UPDATE endpoint SET error = NULL")
        tx.execute("UPDATE heartbeat SET at_us = at_us - ?", (HOUR,))
    assert "All quiet" not in said()
    assert "the daemon is dead, last heard 1h" in said()
