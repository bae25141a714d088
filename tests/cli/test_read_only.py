from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from console.cli.main import cli, run
from core.backup import make
from core.daemon import Daemon
from core.datasets import ingest
from core.desk import Desk
from core.endpoints import verbs as endpoints
from core.errors import NotAllowed
from core.home import Home
from core.ledger import anchors
from core.mend import mend
from core.work import plan

FROZEN = 'environment = "LIVE"\nread_only = true\n'
TOLD = "error: LIVE is set to read-only\nhint: set read_only = false in the home's settings.toml\n"
# Every command that changes something, with words that would do it in the home below.
CHANGES = {
    "access grant": "olu operator --yes",
    "access key add": "ci --yes",
    "access key revoke": "there --yes",
    "access require-key": "on --yes",
    "access revoke": "ana --yes",
    "audit anchor": "--yes",
    "dataset add": "orders {csv} --yes",
    "dataset contract infer": "orders --yes",
    "dataset contract set": "orders {contract} --yes",
    "dataset contract edit": "orders --file {contract} --yes",
    "dataset quarantine drop": "1 --reason late --yes",
    "dataset quarantine release": "1 --reason known --yes",
    "dataset watch": "orders {folder} --yes",
    "deploy rollback": "flights --to 1 --on gate --yes",
    "deploy start": "flights --to gate --yes",
    "doctor": "--fix",
    "evaluate": "flights",
    "feature add": "{contract} --yes",
    "feature materialise": "flight --yes",
    "endpoint add": "other http://127.0.0.1:1 --token-ref env:NONE --yes",
    "endpoint pause": "gate --yes",
    "endpoint resume": "gate --yes",
    "inc ack": "1 --yes",
    "inc impact": "1 2013-04-01T00:00 --origin deploy --yes",
    "inc move": "1 active --yes",
    "inc note": "1 seen --yes",
    "inc postmortem": "1 --keep",
    "job cancel": "1 --yes",
    "job pipeline": "{pipeline} --yes",
    "job retry": "1 --yes",
    "job run": "train --yes",
    "label import": "flights {csv} --yes",
    "model alias": "flights champion 1 --yes",
    "model approve": "flights 1 --yes",
    "model card": "flights --notes {contract} --yes",
    "model critical": "flights --on --yes",
    "model import": "{folder} --model flights --yes",
    "model gate": "flights 1",
    "model promote": "flights 1 production --yes",
    "model retire": "flights 1 --reason old --yes",
    "model rules set": "flights {contract} --yes",
    "model waive": "flights 1 a --reason known --until 1d --yes",
    "outbox confirm": "1 --yes",
    "outbox drop": "1 --yes",
    "outbox retry": "1 --yes",
    "restore": "{backup} --yes",
    "runbook trust": "bad-deploy --yes",
    "runbook walk": "bad-deploy --yes",
    "schedule add": "s train 1h --yes",
    "schedule pause": "nightly --yes",
    "schedule resume-all": "--yes",
    "score run": "flights orders --yes",
    "search resume": "1 --yes",
    "search run": "flights --dataset orders --yes",
    "secret rotate": "--yes",
    "slo add": "a --model flights --endpoint gate --measure availability --target 99% --yes",
    "slo retire": "a --yes",
    "tracking add": "lab mlflow http://127.0.0.1:1 --yes",
    "tracking remove": "lab --yes",
    "store decrypt": "--yes",
    "store encrypt": "--key-ref env:NONE --yes",
    "train": "flights --dataset orders --yes",
}
# These write outside the home alone.
ELSEWHERE = {"backup"}


def changing(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from changing(found, (*words, name))
    elif any(option.name == "dry_run" for option in command.params):
        yield " ".join(words)


def content(home: Home) -> dict[str, str]:
    """What is in a home, but for what readers share and lock with."""
    files = (path for path in sorted(home.path.rglob("*")) if path.is_file() and path.parent.name != "locks")
    kept = {str(path): path.read_bytes() for path in files if not path.name.endswith("-shm")}
    return {name: hashlib.sha256(found).hexdigest() for name, found in kept.items() if found}


@pytest.fixture
def frozen(watched: Desk, tmp_path: Path) -> dict[str, str]:
    """The words that stand for files, of a home with something of everything, then set to read-only."""
    desk = watched
    (tmp_path / "drop").mkdir()
    csv = tmp_path / "orders.csv"
    csv.write_text("id,label\na,0\nb,1\n")
    ingest.add(desk, csv, dataset="orders")
    csv.write_text("id,label\na,0\nb,1\nc,1\n")
    with desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "train", {}, "r")
    make(desk, tmp_path / "backup.tar", keys=True)
    desk.home.settings_path.write_text(FROZEN)
    desk.store.close()
    words = {"csv": csv, "folder": tmp_path / "drop", "backup": tmp_path / "backup.tar"}
    for name, text in (("contract", "{}"), ("pipeline", "")):
        words[name] = tmp_path / name
        words[name].write_text(text)
    return {name: str(path) for name, path in words.items()}


def test_every_command_that_changes_something_is_tried_here() -> None:
    assert set(changing(cli)) == {*CHANGES, *ELSEWHERE}


@pytest.mark.parametrize("command", sorted(CHANGES))
def test_a_read_only_environment_refuses_every_verb_and_keeps_every_byte(
    frozen: dict[str, str], desk: Desk, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(desk.home)
    words = [word.format(**frozen) for word in CHANGES[command].split()]
    code = run(["--home", str(desk.home.path), *command.split(), *words])
    assert (code, capsys.readouterr().err) == (5, TOLD)
    assert content(desk.home) == before


def test_reading_goes_on_in_a_read_only_environment(
    frozen: dict[str, str], desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", str(desk.home.path)]
    for reading in ("now --json", "dataset watch --list", "job list", "audit verify", "doctor --fix --dry-run"):
        assert run([*at, *reading.split()]) == 0
    assert run([*at, "backup", str(Path(frozen["csv"]).with_suffix(".tar"))]) == 0
    for command, words in CHANGES.items():
        code = run([*at, *command.split(), *[word.format(**frozen) for word in words.split()], "--dry-run"])
        assert (command, code) != (command, 5)
    assert "read-only" not in capsys.readouterr().err


def test_verbs_below_the_command_line_keep_nothing_either(frozen: dict[str, str], desk: Desk) -> None:
    closed = Desk.open(desk.home, actor="ana", clock=desk.clock)
    before = content(desk.home)
    for change in (
        lambda: ingest.add(closed, frozen["csv"], dataset="orders"),
        lambda: anchors.anchor(closed.home, closed.store, closed.now_us()),
        lambda: mend(closed),
        lambda: endpoints.pause(closed, "gate"),
    ):
        with pytest.raises(NotAllowed, match="LIVE is set to read-only"):
            change()
    assert content(desk.home) == before


def test_the_daemon_the_endpoint_and_a_demonstration_do_not_begin(
    frozen: dict[str, str], desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a command does about signals is for its own process, not for that of the tests.
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    before = content(desk.home)
    for words in ("daemon", "daemon --step", "serve --port 0", "demo --headless"):
        assert (run(["--home", str(desk.home.path), *words.split()]), capsys.readouterr().err) == (5, TOLD)
    assert content(desk.home) == before


def test_a_daemon_that_runs_stops_when_its_home_is_set_to_read_only(desk: Desk) -> None:
    daemon = Daemon(desk)
    try:
        daemon.tick()
        desk.home.settings_path.write_text(FROZEN)
        with pytest.raises(NotAllowed, match="set to read-only"):
            daemon.tick()
    finally:
        daemon.close()
    desk.home.settings_path.write_text("")
    with desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "train", {}, "again")


@pytest.mark.e2e
def test_a_real_daemon_says_why_it_ends(desk: Desk) -> None:
    argv = [sys.executable, "-m", "console.cli.main", "--home", str(desk.home.path), "daemon"]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stderr is not None
        assert "daemon runs on" in process.stderr.readline()
        desk.home.settings_path.write_text("read_only = true\n")
        _, told = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 5
    assert "error: PROD is set to read-only" in told
