from __future__ import annotations

import io
import json
import shlex

import click
import pytest

from console.cli.main import run
from core.desk import Desk
from core.endpoints import deploy
from core.incidents.investigate import investigate
from core.runbooks.library import runbook
from core.runbooks.rehearse import rehearse
from core.runbooks.rows import taken, walk
from tests.incidents.story import ENDPOINT, MODEL, Story
from tests.runbooks.test_safety import own

WALK = ["runbook", "walk", "bad-deploy", "--incident", "1"]


@pytest.fixture
def paged(story: Story) -> Desk:
    """A home with the bad deploy's incident."""
    investigate(story.desk, story.bad_deploy())
    story.desk.home.clock_path.write_bytes(story.clock.now_us().to_bytes(8, "little"))
    return story.desk


def tocsin(desk: Desk, *words: str) -> int:
    """Run the command on the home."""
    return run(["--home", str(desk.home.path), *words])


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What comes down the pipe."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def asked(desk: Desk) -> int:
    """How many rollbacks were asked for."""
    return sum(one.kind == "rollback" for one in deploy.history(desk.store, ENDPOINT, MODEL))


def test_enter_alone_never_runs_anything(paged: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "\n\n\nr\nr\nr\n\n\n\n")
    assert tocsin(paged, *WALK) == 1
    assert [one.step for one in taken(paged.store, 1)] == ["what-fires", "first-suspect", "old-version"]
    assert asked(paged) == 0


@pytest.mark.parametrize("answer", ["\n", "n\n", "r\n", ""])
def test_an_action_needs_its_own_yes(paged: Desk, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    typed(monkeypatch, "r\nr\nr\nr\n" + answer)
    tocsin(paged, *WALK)
    assert asked(paged) == 0
    assert walk(paged.store, 1).step == "roll-back"


def test_a_piped_walk_rolls_back_is_left_and_is_resumed_where_it_stood(
    paged: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "r\nr\nr\nr\ny\nq\n")
    assert tocsin(paged, *WALK) == 1
    told = capsys.readouterr().out
    assert "== step 1/8 What fires, and since when  [check]  INC-1 felt for 18h, walking 0s" in told
    assert "runs:    tocsin deploy rollback late --on edge --incident 1 --reason runbook-bad-deploy" in told
    assert "expects: suspect == deploy" in told
    assert "v2's training reference differs from live inputs in sched_dep_time" in told
    assert "left at step 5: go on with `tocsin runbook walk bad-deploy --incident 1 --resume`" in told
    assert asked(paged) == 1
    typed(monkeypatch, "s\ns\ns\n")
    assert tocsin(paged, *WALK, "--resume") == 0
    told = capsys.readouterr().out
    assert "resumed after 0s; done so far:\n  what-fires: passed" in told
    assert "roll-back: passed" in told
    assert walk(paged.store, 1).state == "done"


def test_an_unknown_key_changes_nothing_and_escalation_ends_the_walk(
    paged: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "zzz\np\ne\n")
    assert tocsin(paged, *WALK) == 1
    assert "'zzz' is none of the keys" in capsys.readouterr().out
    assert taken(paged.store, 1) == []
    assert walk(paged.store, 1).state == "escalated"


def test_a_dry_run_on_the_command_line_names_every_step_and_changes_nothing(
    paged: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tocsin(paged, *WALK, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "4/8 Roll back late on edge [action] would be asked" in told
    assert "3/8 The old version is compatible and known good [check] passed" in told
    assert paged.store.read("SELECT * FROM walk") == []


def test_an_untrusted_runbook_is_refused_with_the_next_step_and_trust_needs_a_yes(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own(desk, "id: one\ntype: manual", trusting=False)
    typed(monkeypatch, "")
    assert tocsin(desk, "runbook", "walk", "mine", "--input", "model=late") == 5
    assert "tocsin runbook trust mine" in capsys.readouterr().err
    assert tocsin(desk, "runbook", "trust", "mine") == 2
    assert tocsin(desk, "runbook", "trust", "mine", "--dry-run") == 0
    assert tocsin(desk, "runbook", "trust", "mine", "--yes") == 0
    typed(monkeypatch, "p\n")
    assert tocsin(desk, "runbook", "walk", "mine", "--input", "model=late") == 0


def test_list_check_and_show_tell_what_there_is(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert tocsin(desk, "runbook", "list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["id"], one["trusted"]) for one in found] == [("bad-deploy", True), ("endpoint-down", True)]
    assert tocsin(desk, "runbook", "check") == 0
    desk.home.runbooks_path.mkdir()
    (desk.home.runbooks_path / "bad.md").write_text("---\nid: bad\n---\n")
    assert tocsin(desk, "runbook", "check") == 1
    assert "runbooks/bad.md: line 1: the front matter lacks 'version'" in capsys.readouterr().out
    assert tocsin(desk, "runbook", "show", "bad-deploy") == 0
    assert "# A bad deploy" in capsys.readouterr().out
    assert tocsin(desk, "runbook", "show", "nothing") == 3
    assert tocsin(desk, "runbook", "walk", "bad-deploy", "--input", "model") == 2


def test_every_command_a_starter_runbook_shows_can_be_typed(paged: Desk) -> None:
    from console.cli.main import cli

    shown = 0
    for name in ("bad-deploy", "endpoint-down"):
        for view, _ in rehearse(paged, runbook(paged.home, name), 1, {}):
            words = shlex.split(view.command)[1:]
            if words:
                noun = cli.get_command(click.Context(cli), words[0])
                assert isinstance(noun, click.Group)
                verb = noun.get_command(click.Context(noun), words[1])
                assert verb is not None
                verb.make_context(words[1], words[2:], parent=click.Context(noun)).close()
                shown += 1
    assert shown == 14
