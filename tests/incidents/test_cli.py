from __future__ import annotations

import io
import json

import pytest

from console.cli.main import run
from core.desk import Desk
from core.incidents.investigate import investigate
from core.incidents.rows import incident
from tests.incidents.story import Story


@pytest.fixture
def paged(story: Story) -> Desk:
    """A home with the bad deploy's incident."""
    investigate(story.desk, story.bad_deploy())
    story.desk.home.clock_path.write_bytes(story.clock.now_us().to_bytes(8, "little"))
    return story.desk


def tocsin(desk: Desk, *words: str) -> int:
    """Run `tocsin inc` on the home."""
    return run(["--home", str(desk.home.path), "inc", *words])


def test_list_and_show_are_one_json_document_each(paged: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert tocsin(paged, "list", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["id"], one["class"], one["impact"]) == (1, "model", "2013-04-14T00:00:00Z")
    assert tocsin(paged, "show", "1", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["helps"] == "rollback to v1 (healthy 13 d)"
    assert shown["suspects"][0]["title"] == "deploy v1→v2"
    assert shown["suspects"][0]["proven"] is False
    assert tocsin(paged, "show", "1") == 0
    text = capsys.readouterr().out
    assert "suspect 1: deploy v1→v2 (unproven)" in text
    assert "helps: rollback to v1 (healthy 13 d)" in text


def test_an_empty_home_has_no_incident_and_an_unknown_one_is_not_found(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tocsin(desk, "list") == 0
    assert capsys.readouterr().out == "nothing is wrong: no incident is open\n"
    for verb in ("show", "ack", "suspects", "helps", "recovery", "postmortem"):
        assert tocsin(desk, verb, "7") == 3
        assert capsys.readouterr().err.startswith("error: there is no incident 7\nhint: ")


def test_suspects_helps_and_recovery_answer_by_exit_code(paged: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert tocsin(paged, "suspects", "1", "--again", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "deploy"
    assert tocsin(paged, "helps", "1") == 0
    assert tocsin(paged, "recovery", "1", "--json") == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["recovered"] is False


def test_ack_note_and_move_change_the_incident_and_a_dry_run_does_not(paged: Desk) -> None:
    for words in (("ack", "1"), ("note", "1", "x"), ("move", "1", "mitigated")):
        assert tocsin(paged, *words, "--dry-run") == 0
    assert incident(paged.store, 1).state == "triage"
    assert tocsin(paged, "ack", "1") == 0
    assert incident(paged.store, 1).acked_us is not None
    assert tocsin(paged, "ack", "1", "--undo") == 0
    assert incident(paged.store, 1).acked_us is None
    assert tocsin(paged, "note", "1", "looked at it") == 0
    assert tocsin(paged, "move", "1", "mitigated", "--yes") == 0
    assert tocsin(paged, "move", "1", "triage", "--yes") == 1
    assert tocsin(paged, "note", "1", " ") == 2


def test_times_have_median_p90_and_n(paged: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert tocsin(paged, "times") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["time", "to", "detect", "18h", "18h", "1"]
    assert tocsin(paged, "times", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ttr"] == {"median_us": None, "p90_us": None, "n": 0}


def test_the_impact_start_can_be_corrected(paged: Desk) -> None:
    assert tocsin(paged, "impact", "1", "2013-04-14T01:00:00Z", "--origin", "first complaint", "--yes") == 0
    assert incident(paged.store, 1).impact_origin == "first complaint"
    assert tocsin(paged, "impact", "1", "2014-01-01", "--origin", "x", "--yes") == 2


def test_a_postmortem_is_printed_edited_from_a_pipe_and_its_actions_are_listed(
    paged: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tocsin(paged, "postmortem", "1") == 0
    text = capsys.readouterr().out
    assert incident(paged.store, 1).postmortem is None
    monkeypatch.setattr("sys.stdin", io.StringIO(text + "\n- [ ] parity test @ben due:2013-05-01\n"))
    assert tocsin(paged, "postmortem", "1", "--from", "-") == 0
    capsys.readouterr()
    assert tocsin(paged, "actions", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["owner"] == "ben"


def test_a_bare_number_opens_the_console_and_says_so_where_there_is_no_terminal(
    paged: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tocsin(paged, "1") == 2
    assert "the console needs a terminal" in capsys.readouterr().err
