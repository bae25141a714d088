from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ledger
from core.clock import HOUR, SimClock
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed
from core.runbooks import engine
from core.runbooks.book import Runbook
from core.runbooks.library import runbook, shipped
from core.runbooks.lock import alone
from core.runbooks.outcome import MOST_BYTES, clean
from core.runbooks.rows import Walk, open_walk, taken, walk
from core.runbooks.trust import trust, trusted
from tests.runbooks.test_parse import FRONT, book


def own(desk: Desk, *blocks: str, trusting: bool = True, front: str = FRONT) -> Runbook:
    """A runbook of the home, trusted."""
    desk.home.runbooks_path.mkdir(exist_ok=True)
    (desk.home.runbooks_path / "mine.md").write_text(book(*blocks, front=front))
    found = runbook(desk.home, "mine")
    if trusting:
        trust(desk, found)
    return found


def begun(desk: Desk, *blocks: str) -> Walk:
    """A walk of a runbook with these steps."""
    return engine.start(desk, own(desk, *blocks), None, {"model": "late"})


def python(*words: str) -> str:
    """The YAML of an argv that runs Python code."""
    import json

    return json.dumps([sys.executable, "-c", *words])


def states(desk: Desk, standing: Walk) -> list[tuple[str, str]]:
    """(step, state) of every attempt."""
    return [(one.step, one.state) for one in taken(desk.store, standing.id)]


def test_a_shipped_runbook_is_trusted_by_its_hash_even_as_a_copy_and_no_longer_once_changed(desk: Desk) -> None:
    assert trusted(desk.store, runbook(desk.home, "bad-deploy"))
    desk.home.runbooks_path.mkdir()
    page = desk.home.runbooks_path / "bad-deploy.md"
    page.write_text(shipped()[0].text)
    assert trusted(desk.store, runbook(desk.home, "bad-deploy"))
    page.write_text(shipped()[0].text + "\n")
    assert not trusted(desk.store, runbook(desk.home, "bad-deploy"))


def test_a_file_is_walked_only_once_trusted_and_every_change_asks_again(desk: Desk) -> None:
    with pytest.raises(NotAllowed) as refused:
        engine.start(desk, own(desk, "id: one\ntype: manual", trusting=False), None, {"model": "late"})
    assert "runbook trust mine" in refused.value.hint
    assert trust(desk, runbook(desk.home, "mine"))
    assert not trust(desk, runbook(desk.home, "mine"))
    engine.leave(desk, engine.start(desk, runbook(desk.home, "mine"), None, {"model": "late"}))
    changed = own(desk, "id: one\ntype: action\nargv: [ls]", trusting=False)
    with pytest.raises(NotAllowed):
        engine.start(desk, changed, None, {"model": "late"})


def test_a_walk_is_pinned_to_the_content_it_began_with(desk: Desk) -> None:
    standing = begun(desk, "id: one\ntype: manual")
    own(desk, "id: other\ntype: action\nargv: [ls]", trusting=False)
    view = engine.current(desk, standing)
    assert view is not None
    assert (view.id, view.type) == ("one", "manual")
    engine.act(desk, standing, "pass")
    assert walk(desk.store, standing.id).state == "done"


def test_intent_is_on_disk_before_the_effect_and_the_result_after(desk: Desk, tmp_path: Path) -> None:
    peek = (
        "import sqlite3, sys; "
        f"print(sqlite3.connect({str(desk.home.store_path)!r}).execute('SELECT state FROM walk_step').fetchall())"
    )
    standing = begun(desk, f"id: one\ntype: action\nargv: {python(peek)}")
    result = engine.act(desk, standing, "run")
    assert result.lines == ("[('intent',)]",)
    assert states(desk, standing) == [("one", "passed")]
    told = [(event.kind, event.data.get("result")) for event in ledger.timeline(desk.store, kinds=("runbook.",))]
    assert told[-3:] == [("runbook.step", "intent"), ("runbook.step", "passed"), ("runbook.finished", "done")]


CRASHING = """
import sys
from core.clock import SimClock
from core.desk import Desk
from core.home import Home
from core.runbooks import engine
from core.runbooks.rows import walk
from pathlib import Path
desk = Desk.open(Home(Path(sys.argv[1])), actor="ana", clock=SimClock(0))
engine.act(desk, walk(desk.store, int(sys.argv[2])), "run")
"""


def crash(desk: Desk, standing: Walk) -> None:
    """Another process runs the step, whose program kills it in the middle."""
    words = [sys.executable, "-c", CRASHING, str(desk.home.path), str(standing.id)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL


def deadly(mark: Path) -> str:
    """The YAML of an argv that leaves a mark and kills the process that walks."""
    code = f"import os, signal; open({str(mark)!r}, 'a').write('x'); os.kill(os.getppid(), signal.SIGKILL)"
    return python(code)


def test_after_a_crash_an_action_is_unknown_and_is_never_run_again_by_itself(desk: Desk, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    standing = begun(desk, f"id: one\ntype: action\nargv: {deadly(mark)}", "id: two\ntype: manual")
    crash(desk, standing)
    for _ in range(3):
        view = engine.current(desk, standing)
        assert view is not None
        assert (view.id, view.state, view.answers) == ("one", "unknown", ("skip", "rerun"))
    for refused in ("run", "pass", ""):
        with pytest.raises(BadInput):
            engine.act(desk, standing, refused)
    assert mark.read_text() == "x"
    engine.act(desk, standing, "skip")
    view = engine.current(desk, standing)
    assert view is not None
    assert view.id == "two"
    assert states(desk, standing) == [("one", "skipped")]
    assert mark.read_text() == "x"


def test_an_unknown_action_runs_again_only_when_asked_and_both_attempts_stay_on_record(
    desk: Desk, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    code = (
        "import os, signal, sys, pathlib; "
        f"p = pathlib.Path({str(mark)!r}); again = p.exists(); p.write_text('x'); "
        "again or os.kill(os.getppid(), signal.SIGKILL)"
    )
    standing = begun(desk, f"id: one\ntype: action\nargv: {python(code)}")
    crash(desk, standing)
    engine.current(desk, standing)
    assert engine.act(desk, standing, "rerun").result == "passed"
    assert states(desk, standing) == [("one", "failed"), ("one", "passed")]


def test_a_check_that_was_lost_in_a_crash_is_simply_run_again(desk: Desk, tmp_path: Path) -> None:
    standing = begun(desk, f"id: one\ntype: check\nargv: {deadly(tmp_path / 'mark')}")
    crash(desk, standing)
    view = engine.current(desk, standing)
    assert view is not None
    assert (view.state, view.answers) == ("ready", ("run", "skip"))
    assert states(desk, standing) == [("one", "failed")]


def test_a_step_that_another_process_is_at_is_neither_unknown_nor_answered(desk: Desk) -> None:
    standing = begun(desk, "id: one\ntype: action\nargv: [ls]")
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO walk_step(walk, number, step, state, intent_us) VALUES (?, 1, 'one', 'intent', 0)", (1,)
        )
    with alone(desk.home, standing.id):
        view = engine.current(desk, standing)
        assert view is not None
        assert (view.state, view.answers) == ("running", ())
        with pytest.raises(NotAllowed):
            engine.act(desk, standing, "run")
    view = engine.current(desk, standing)
    assert view is not None
    assert view.state == "unknown"


def test_nothing_goes_through_a_shell(desk: Desk, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    words = f"['/bin/echo', '$HOME; touch {mark}', '&&', '`touch {mark}`']"
    result = engine.act(desk, begun(desk, f"id: one\ntype: action\nargv: {words}"), "run")
    assert result.lines == (f"$HOME; touch {mark} && `touch {mark}`",)
    assert not mark.exists()


@pytest.mark.parametrize("value", ["a b", "--yes", "a;b", "$(id)", "", "a\nb", "{model}"])
def test_an_input_that_does_not_match_its_pattern_is_refused(desk: Desk, value: str) -> None:
    with pytest.raises(BadInput):
        engine.start(desk, own(desk, "id: one\ntype: manual"), None, {"model": value})


def test_an_unknown_or_missing_input_is_refused(desk: Desk) -> None:
    mine = own(desk, "id: one\ntype: manual")
    with pytest.raises(BadInput):
        engine.start(desk, mine, None, {"model": "late", "who": "x"})
    with pytest.raises(BadInput):
        engine.start(desk, mine, None, {})


def test_a_program_is_told_no_secret_of_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TOKEN_X", "hush-hush")
    standing = begun(desk, f"id: one\ntype: check\nargv: {python('import os; print(sorted(os.environ))')}")
    assert "TOCSIN_TOKEN_X" not in engine.act(desk, standing, "run").lines[0]


def test_known_secrets_are_gone_before_anything_is_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_TOKEN", "hush-hush-hush")
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES ('e', 'embedded', '', ?, 0)",
            ("env:EDGE_TOKEN",),
        )
    code = "print('Bearer hush-hush-hush'); print('x' * 100)"
    standing = begun(desk, f"id: one\ntype: check\nargv: {python(code)}")
    assert engine.act(desk, standing, "run").lines[0] == "Bearer [secret]"
    for page in (desk.home.store_path, desk.home.path / "tocsin.db-wal"):
        assert b"hush-hush-hush" not in page.read_bytes().replace(b"print('Bearer hush-hush-hush')", b"")


def test_output_is_capped_and_a_terminal_never_obeys_it(desk: Desk) -> None:
    code = r"print('\x1b[2J\x1b]0;owned\x07red\x1b[31m \x9b2J\u202etxt\rback'); print('y' * 100000)"
    standing = begun(desk, f"id: one\ntype: check\nargv: {python(code)}")
    lines = engine.act(desk, standing, "run").lines
    assert lines[0] == "red txtback"
    assert lines[-1] == "[the rest was cut]"
    assert sum(map(len, lines)) < MOST_BYTES + 100


@given(st.text())
def test_cleaned_text_holds_no_control_character_and_cleaning_it_again_changes_nothing(text: str) -> None:
    lines = clean(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for line in lines for c in line)
    assert clean("\n".join(lines)) == lines


def test_a_program_that_hangs_is_ended_with_its_children_and_takes_the_timeout_way(desk: Desk) -> None:
    block = (
        "id: one\ntype: check\nargv: ['/bin/sh', '-c', 'sleep 600 & sleep 600']\ntimeout: 1s\n"
        "next: {pass: end, fail: stay, timeout: escalate}"
    )
    standing = begun(desk, block)
    result = engine.act(desk, standing, "run")
    assert (result.result, result.walk.state) == ("failed", "escalated")
    assert result.lines[-1] == "ended after 1s: its time was up"


def test_a_program_that_does_not_exist_is_a_failed_step_and_no_traceback(desk: Desk) -> None:
    result = engine.act(desk, begun(desk, "id: one\ntype: check\nargv: ['/no/such/program']"), "run")
    assert result.result == "failed"
    assert "could not be started" in result.lines[0]


def test_what_a_check_finds_is_judged_by_what_the_step_expects(desk: Desk) -> None:
    standing = begun(desk, 'id: one\ntype: check\nargv: ["true"]\nexpect: ["exit == 3"]')
    result = engine.act(desk, standing, "run")
    assert (result.result, result.lines) == ("failed", ("expected exit == 3",))
    view = engine.current(desk, standing)
    assert view is not None
    assert (view.id, view.last_result) == ("one", "failed")


def test_a_decision_suggests_by_what_was_found_and_goes_where_a_person_says(desk: Desk) -> None:
    standing = begun(
        desk,
        'id: one\ntype: check\nargv: ["true"]',
        "id: two\ntype: decision\nchoices:\n  - {name: a, next: end, when: ['exit == 1']}\n"
        "  - {name: b, next: three, when: ['exit == 0']}\n  - {name: c, next: escalate}",
        "id: three\ntype: manual",
    )
    engine.act(desk, standing, "run")
    view = engine.current(desk, standing)
    assert view is not None
    assert (view.suggested, view.answers) == ("b", ("a", "b", "c", "skip"))
    engine.act(desk, standing, "b")
    view = engine.current(desk, standing)
    assert view is not None
    assert view.id == "three"


def test_one_walk_of_a_runbook_at_a_time_and_a_left_one_is_over(desk: Desk, clock: SimClock) -> None:
    standing = begun(desk, "id: one\ntype: manual")
    with pytest.raises(CheckFailed):
        engine.start(desk, runbook(desk.home, "mine"), None, {"model": "late"})
    assert open_walk(desk.store, None, "mine") == standing
    clock.advance(HOUR)
    assert engine.leave(desk, standing).ended_us == clock.now_us()
    assert engine.current(desk, standing) is None
    with pytest.raises(CheckFailed):
        engine.act(desk, standing, "pass")
    assert os.path.exists(desk.home.lock_path(f"walk-{standing.id}"))
