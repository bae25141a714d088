from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli.main import NOUNS, run
from core.desk import Desk
from core.home import Home
from core.work import plan


@pytest.fixture
def at(tmp_path: Path) -> list[str]:
    return ["--home", str(tmp_path / "home")]


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_every_noun_explains_itself(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([noun, "--help"]) == 0
    assert "Usage: tocsin " + noun in capsys.readouterr().out


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys; from console.cli.main import run; run(['--help']);"
        "bad = {'pandas', 'numpy', 'lightgbm', 'textual', 'sqlite_utils', 'httpx', 'pyarrow'} & set(sys.modules);"
        "sys.exit(f'loaded {bad}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_mistyped_command_is_told_what_was_probably_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["modle"]) == 2
    assert "did you mean `tocsin model`" in capsys.readouterr().err


def test_an_error_is_two_lines_and_never_a_traceback(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*at, "job", "show", "9"]) == 3
    assert capsys.readouterr().err == "error: there is no job 9\nhint: `tocsin job list` shows them\n"


def test_a_schedule_is_added_listed_paused_and_resumed(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*at, "schedule", "add", "nightly", "train", "0 3 * * *", "--arg", "model=churn", "--yes"]) == 0
    assert run([*at, "schedule", "pause", "nightly", "--yes"]) == 0
    capsys.readouterr()
    assert run([*at, "schedule", "list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["args"], found["paused"]) == ("nightly", {"model": "churn"}, True)
    assert run([*at, "schedule", "pause", "nightly", "--resume", "--yes"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["schedule", "add", "s", "cook", "every 1h", "--yes"], 2, "no job kind 'cook'"),
        (["schedule", "add", "s", "train", "now and then", "--yes"], 2, "is not a trigger"),
        (["schedule", "add", "s", "train", "every 1h", "--arg", "model", "--yes"], 2, "is not KEY=VALUE"),
        (["schedule", "pause", "nobody", "--yes"], 3, "no schedule 'nobody'"),
        (["job", "run", "cook", "--yes"], 2, "no job kind 'cook'"),
        (["job", "logs", "4"], 3, "no job 4"),
        (["audit", "show", "--since", "yesterday"], 2, "is not a time"),
    ],
)
def test_bad_input_is_refused_with_its_reason(
    at: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run([*at, *arguments]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "hint: " in said
    assert "Traceback" not in said


def test_dry_run_changes_nothing(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*at, "schedule", "add", "s", "train", "every 1h", "--dry-run"]) == 0
    assert run([*at, "job", "run", "train", "--dry-run"]) == 0
    capsys.readouterr()
    run([*at, "schedule", "list", "--json"])
    run([*at, "job", "list", "--json"])
    assert capsys.readouterr().out == "[]\n[]\n"


def test_without_a_person_to_ask_a_change_wants_yes(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*at, "schedule", "add", "s", "train", "every 1h"]) == 2
    assert "--yes" in capsys.readouterr().err


def test_a_waiting_job_is_queued_shown_and_cancelled(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*at, "job", "run", "train", "--arg", "model=churn", "--request", "r1", "--yes"]) == 0
    assert run([*at, "job", "run", "train", "--arg", "model=churn", "--request", "r1", "--yes"]) == 0
    assert run([*at, "job", "cancel", "1", "--yes"]) == 0
    capsys.readouterr()
    run([*at, "job", "list", "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["job"], found["state"]) == (1, "cancelled")
    assert run([*at, "job", "cancel", "1", "--yes"]) == 2


def test_audit_verify_says_ok_and_names_a_changed_event(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run([*at, "schedule", "add", "a", "train", "every 1h", "--yes"])
    run([*at, "schedule", "add", "b", "train", "every 1h", "--yes"])
    capsys.readouterr()
    assert run([*at, "audit", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == 2
    desk = Desk.open(Home(Path(at[1])), actor="mallory")
    with desk.write() as tx:
        tx.execute("DROP TRIGGER event_never_updated")
        tx.execute("UPDATE event SET actor = 'somebody else' WHERE seq = 2")
    assert run([*at, "audit", "verify"]) == 1
    assert "broken at event 2" in capsys.readouterr().err


def test_the_doctor_is_content_with_a_new_home_and_names_a_damaged_artefact(
    at: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*at, "doctor"]) == 0
    desk = Desk.open(Home(Path(at[1])), actor="t")
    sha = desk.blobs.put(b"rows")
    with desk.write() as tx:
        tx.execute(
            """INSERT INTO snapshot(dataset, number, sha256, blob, source, rows, columns, profile, created_us)
            VALUES ('d', 1, 'x', ?, 'd.csv', 1, '[]', '{}', 0)""",
            (sha,),
        )
    assert run([*at, "doctor"]) == 0
    desk.blobs.path(sha).write_bytes(b"other rows")
    capsys.readouterr()
    assert run([*at, "doctor", "--json"]) == 1
    wrong = [f for f in json.loads(capsys.readouterr().out) if f["state"] == "wrong"]
    assert [f["check"] for f in wrong] == ["blobs"]
    assert wrong[0]["fix"]


def test_the_doctor_notices_a_silent_daemon(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk.open(Home(Path(at[1])), actor="t")
    with desk.write() as tx:
        plan.request_run(tx, 0, "train", {}, "r")
        tx.execute("INSERT INTO heartbeat(name, at_us, pid) VALUES ('daemon', 1, 1)")
    assert run([*at, "doctor"]) == 1
    assert "start it again" in capsys.readouterr().out


def test_a_second_daemon_ends_with_five_and_a_hint(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from core.daemon import Daemon

    daemon = Daemon(Desk.open(Home(Path(at[1])), actor="t"))
    assert run([*at, "daemon", "--step"]) == 5
    daemon.close()
    said = capsys.readouterr().err
    assert "already runs" in said
    assert "hint: " in said


def test_settings_that_do_not_fit_name_the_field(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(Path(at[1])).prepare()
    home.settings_path.write_text("threads = 0\n")
    assert run([*at, "doctor"]) == 2
    assert "threads" in capsys.readouterr().err


def test_a_fault_of_the_program_itself_is_two_lines_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.home import Home

    def broken(option: object = None) -> Home:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(Home, "find", broken)
    assert run(["doctor"]) == 70
    assert capsys.readouterr().err.startswith("error: tocsin itself failed: ZeroDivisionError: a fault\nhint: ")


def test_the_doctor_tells_a_newer_store_from_a_sound_one(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk.open(Home(Path(at[1])), actor="t")
    assert run([*at, "doctor"]) == 0
    assert "sound, " in capsys.readouterr().out
    with desk.write() as tx:
        tx.execute("PRAGMA user_version = 99")
    assert run([*at, "doctor"]) == 1
    assert "upgrade tocsin" in capsys.readouterr().out
    assert run([*at, "job", "run", "train", "--yes"]) == 6
    assert "newer" in capsys.readouterr().err


def test_a_name_in_place_of_a_verb_opens_the_console_and_a_mistyped_verb_does_not(
    at: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str | None, str, str]] = []
    monkeypatch.setattr("console.start.start", lambda home, screen="", target="": opened.append((home, screen, target)))
    desk = Desk.open(Home(Path(at[1])), actor="t")
    with desk.write() as tx:
        tx.execute("INSERT INTO model VALUES ('churn', 'binary', 'left', 0, 0)")
    for words in (["inc", "42"], ["job", "7"], ["model", "churn"]):
        assert run([*at, *words]) == 0
    assert opened == [(at[1], "incident", "42"), (at[1], "job", "7"), (at[1], "model", "churn")]
    assert run([*at, "model", "shwo"]) == 2
    assert "No such command 'shwo'" in capsys.readouterr().err
