"""The story of the README in real processes: train, serve, replay, a bad deploy, an incident, a rollback, a proof."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

TOCSIN = (sys.executable, "-m", "console.cli.main")
DAYS = "12"


def play(home: Path, *options: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    command = [*TOCSIN, "--home", str(home), "demo", "--headless", "--json", "--days", DAYS, "--bad-day", "6", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line["event"] for line in lines if "event" in line], lines[-1]["summary"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], dict[str, Any]]:
    home = tmp_path_factory.mktemp("demo") / "home"
    return (home, *play(home))


def tocsin(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TOCSIN, "--home", str(home), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_bad_deploy_is_found_named_and_undone_and_the_recovery_is_proved(played: Any) -> None:
    _, _, summary = played
    assert summary["incidents"] == 1
    assert summary["bad_deploy_detected_after_hours"] < 48
    assert "v1 → v2" in summary["first_suspect"] or "v1→v2" in summary["first_suspect"]
    assert summary["incident_class"] == "model"
    assert summary["rolled_back"] is True
    assert summary["recovered"] is True
    assert summary["false_alarms_before_bad_deploy"] == 0
    assert summary["availability"] == 1.0
    assert summary["ledger_ok"] is True


def test_the_measures_are_of_the_order_that_the_temporal_hold_out_promised(played: Any) -> None:
    _, events, summary = played
    trained = [event for event in events if event["kind"] == "model.registered"]
    assert [event["version"] for event in trained] == [1, 2]
    assert 0.67 < trained[0]["data"]["metrics"]["auc"] < 0.72
    assert summary["quality"]["1"]["auc"] > 0.62
    assert summary["quality"]["2"]["auc"] < 0.60
    assert summary["quality"]["1"]["label_coverage"] < 1
    assert summary["requests"] > 10_000


def test_the_story_is_in_the_ledger_in_its_order(played: Any) -> None:
    _, events, _ = played
    kinds = [event["kind"] for event in events]
    story = [
        "dataset.added",
        "model.registered",
        "deploy.applied",
        "slo.saved",
        "alert.fired",
        "incident.opened",
        "incident.suspects",
        "rollback.requested",
        "rollback.applied",
        "alert.resolved",
        "incident.postmortem",
    ]
    places = [kinds.index(kind) for kind in story]
    assert places == sorted(places)


def test_the_same_seed_tells_the_same_story_to_the_last_hash(played: Any, tmp_path: Path) -> None:
    _, _, first = played
    _, again = play(tmp_path / "again")
    assert again["ledger_head"] == first["ledger_head"]


def test_the_home_answers_afterwards(played: Any) -> None:
    home, _, summary = played
    verified = tocsin(home, "audit", "verify", "--json")
    assert json.loads(verified.stdout)["head"] == summary["ledger_head"]
    shown = tocsin(home, "inc", "show", "1", "--json")
    assert shown.returncode == 0, shown.stderr
    frame = tocsin(home, "now", "--snapshot", "--size", "80x24")
    assert frame.returncode == 0, frame.stderr
    assert len(frame.stdout.rstrip("\n").splitlines()) <= 24


def test_a_folder_that_no_demonstration_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = tocsin(tmp_path, "demo", "--headless")
    assert done.returncode == 6
    assert "hint: " in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
