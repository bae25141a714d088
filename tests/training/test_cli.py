from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from console.cli.main import run
from core.desk import Desk
from core.home import Home
from core.registry import versions
from core.work import rows

Add = Callable[..., str]
TRAIN = ["train", "flights", "--dataset", "flights", "--label", "delay>=8", "--rounds", "5"]


@pytest.fixture
def tocsin(home: Home) -> Callable[..., int]:
    return lambda *args: run(["--home", str(home.path), *args])


def test_training_from_the_command_line_registers_a_version(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add()
    assert tocsin(*TRAIN, "--encode", "minute=1440", "--exclude", "carrier") == 0
    out = capsys.readouterr()
    assert "flights version 1, a candidate" in out.out
    assert "all later than" in out.out
    assert "fitting 667 rows before" in out.err
    names = [column.name for column in versions.load_artefact(desk, "flights").view]
    assert names == ["x", "minute.sin", "minute.cos"]
    job = rows.run(desk.store, 1)
    assert job.state == "succeeded"
    assert job.cpu_ms
    assert versions.version(desk.store, "flights").run_id == job.id


def test_a_column_that_leaks_the_label_is_warned_of(
    tocsin: Callable[..., int], add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(hint="delay")
    assert tocsin(*TRAIN) == 0
    assert "suspiciously good" in capsys.readouterr().err
    assert tocsin(*TRAIN, "--exclude", "hint") == 0
    assert "suspiciously good" not in capsys.readouterr().err


def test_json_progress_is_lines_and_ends_with_the_result(
    tocsin: Callable[..., int], add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add()
    assert tocsin(*TRAIN, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["version"] == 1
    assert all("progress" in line for line in lines[:-1])


def test_an_error_in_the_job_ends_the_command_as_if_it_had_happened_here(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(empty=[None] * 900)
    assert tocsin(*TRAIN) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-2] == "error: the feature 'empty' is missing in every labelled row"
    assert err[-1] == "hint: leave it out: --exclude empty"
    assert rows.run(desk.store, 1).state == "failed"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["train", "m", "--dataset", "nobody"], 3),
        (["train", "m", "--dataset", "flights", "--snapshot", "7"], 3),
        (["train", "M!", "--dataset", "flights"], 2),
        (["train", "m", "--dataset", "flights", "--encode", "minute"], 2),
        (["train", "m", "--dataset", "flights", "--rounds", "0"], 2),
        (["model", "show", "nobody"], 3),
        (["model", "card", "nobody"], 3),
        (["model", "compare", "nobody", "1", "2"], 3),
        (["model", "promote", "nobody", "1", "production", "--yes"], 3),
        (["model", "promote", "nobody", "1", "best", "--yes"], 2),
    ],
)
def test_what_cannot_be_is_refused_in_two_lines_and_queues_nothing(
    tocsin: Callable[..., int],
    desk: Desk,
    add: Add,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    code: int,
) -> None:
    add()
    assert tocsin(*args) == code
    err = capsys.readouterr().err
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "hint"]
    assert rows.runs(desk.store) == []


def test_a_dry_run_queues_nothing(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add()
    assert tocsin(*TRAIN, "--dry-run") == 0
    assert "would train flights on flights (900 rows, 5 columns)" in capsys.readouterr().out
    assert rows.runs(desk.store) == []


def test_where_a_daemon_lives_the_job_is_left_to_it(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.work.single import DaemonLock

    add()
    lock = DaemonLock(desk.home)
    try:
        assert tocsin(*TRAIN) == 0
    finally:
        lock.close()
    assert "the daemon runs it" in capsys.readouterr().out
    [job] = rows.runs(desk.store)
    assert (job.state, job.max_attempts) == ("planned", 3)


def test_training_here_leaves_the_jobs_of_others_alone(tocsin: Callable[..., int], desk: Desk, add: Add) -> None:
    from core.work.plan import request_run

    add()
    with desk.write() as tx:
        other = request_run(tx, 0, "drift", {}, "older")
    assert tocsin(*TRAIN, "--here") == 0
    assert rows.run(desk.store, other).state == "planned"


def test_the_registry_is_read_and_changed_from_the_command_line(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add()
    assert tocsin(*TRAIN) == tocsin(*TRAIN, "--seed", "2") == 0
    capsys.readouterr()
    assert tocsin("model", "list", "--json") == 0
    [listed] = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["versions"], listed["production"]) == ("flights", 2, None)
    assert tocsin("model", "promote", "flights", "2", "production", "--dry-run") == 0
    assert versions.version(desk.store, "flights", 2).stage == "candidate"
    assert tocsin("model", "promote", "flights", "2", "production") == 2
    assert tocsin("model", "promote", "flights", "2", "production", "--yes") == 0
    capsys.readouterr()
    assert tocsin("model", "show", "flights", "--version", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["stage"] == "production"
    assert tocsin("model", "compare", "flights", "1", "2") == 0
    out = capsys.readouterr().out
    assert "seed: 1 -> 2" in out
    assert "same hold-out rows" in out
    for args in (["list"], ["show", "flights"], ["show", "flights", "--version", "1"], ["card", "flights"]):
        assert tocsin("model", *args) == 0
    assert "# flights, version 2" in capsys.readouterr().out


def test_an_empty_registry_says_how_to_begin(tocsin: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert tocsin("model", "list") == 0
    assert "tocsin train" in capsys.readouterr().out


def test_calibration_and_costs_are_settled_on_the_holdout_and_kept_in_the_model(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(rows=1600)
    assert tocsin(*TRAIN, "--calibrate", "isotonic", "--cost", "fn=5,fp=1") == 0
    assert "expected cost" in capsys.readouterr().out
    found, artefact = versions.version(desk.store, "flights"), versions.load_artefact(desk, "flights")
    assert artefact.calibration is not None
    assert artefact.calibration.kind == "isotonic"
    assert (found.parameters["calibrate"], found.parameters["cost"]) == ("isotonic", "fn=5,fp=1")
    cost = found.metrics["cost"]
    assert cost["matrix"] == {"fn": 5, "fp": 1, "tp": 0, "tn": 0}
    assert cost["per_1000"]["low"] <= cost["per_1000"]["value"] <= cost["per_1000"]["high"]
    assert found.metrics["n"] < found.metrics["rows"] - found.metrics["fit_rows"], "a half had a part in the curve"
    assert tocsin(*TRAIN) == 0
    plain = versions.load_artefact(desk, "flights")
    assert plain.threshold > artefact.threshold, "missing a late flight is five times as dear as a false alarm"


def test_costs_that_make_no_sense_are_refused_before_anything_is_queued(
    tocsin: Callable[..., int], desk: Desk, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add()
    assert tocsin(*TRAIN, "--cost", "fn=0,fp=1") == 2
    assert "a mistake must cost more" in capsys.readouterr().err
    assert rows.runs(desk.store) == []
